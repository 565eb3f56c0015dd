import type { Counts, DeadLetter, WorkerView } from 'hotqueue';

/** What Redis holds of one queue, as it was at one moment. */
export interface Sight {
  readonly counts: Counts;
  readonly workers: readonly WorkerView[];
  /** The payloads of the next few messages. */
  readonly next: readonly unknown[];
  /** The newest few dead letters. */
  readonly dead: readonly DeadLetter[];
}

/** What was done at this prompt since the step began. */
export interface Here {
  readonly pid: number;
  readonly host: string;
  /** What each line gave, or threw. */
  readonly lines: readonly { readonly value?: unknown; readonly error?: unknown }[];
  /** What was given to `.answer`. */
  readonly answers: readonly string[];
  /** What a name means at this prompt. */
  named(name: string): unknown;
  /** Whether a process of this machine lives. */
  isAlive(pid: number): boolean;
  /** What `.compose up` started. */
  readonly compose: Composed | undefined;
}

/** Three services: containers, where there is Docker, else a Redis and two prompts. */
export interface Composed {
  readonly kind: 'containers' | 'processes';
  /** Where this machine reaches its Redis. */
  readonly url: string;
}

/** Whether a step is done, and what was seen: the sentence is shown either way. */
export interface Verdict {
  readonly done: boolean;
  readonly saw: string;
}

export const done = (saw: string): Verdict => ({ done: true, saw });
export const notYet = (saw: string): Verdict => ({ done: false, saw });

/** One thing to do, and how to see that it was done: data and a pure check. */
export interface Step {
  /** Stable; unique in the lesson. */
  readonly id: string;
  /** Which terminal it is for: this one, or the second. */
  readonly where: 'here' | 'there';
  /** The queue that it is about. */
  readonly queue: string;
  /** In the Redis of `.compose up`, not in ours. */
  readonly isComposed?: boolean;
  /** What it is about. */
  readonly text: string;
  /** What to type; some depends on what is there. */
  readonly type: (now: Sight, here: Here) => readonly string[];
  readonly hint: string;
  readonly check: (now: Sight, begun: Sight, here: Here) => Verdict;
}

/** An exercise. */
export interface Part {
  readonly title: string;
  readonly about: string;
  readonly steps: readonly Step[];
}

export const part = (title: string, about: string, ...steps: readonly Step[]): Part => ({ title, about, steps });

/** Fixed lines to type. */
export const lines = (...text: readonly string[]): (() => readonly string[]) => () => text;
