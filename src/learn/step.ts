import type { Counts, DeadLetter, JobCounts, WorkerInfo } from 'hotqueue';

/** A snapshot of one queue in Redis. */
export interface QueueState {
  readonly counts: Counts;
  /** How many tracked jobs have each status. */
  readonly jobs: JobCounts;
  readonly workers: readonly WorkerInfo[];
  /** The payloads of the next few messages. */
  readonly next: readonly unknown[];
  /** The newest few dead letters. */
  readonly dead: readonly DeadLetter[];
}

/** What happened at this prompt since the step started. */
export interface Here {
  readonly pid: number;
  readonly host: string;
  /** The value or the error of each typed line. */
  readonly lines: readonly { readonly value?: unknown; readonly error?: unknown }[];
  /** The texts given to `.answer`. */
  readonly answers: readonly string[];
  /** The value of a global variable of this prompt. */
  named(name: string): unknown;
  /** Whether a process on this machine is running. */
  isAlive(pid: number): boolean;
  /** The services that `.compose up` started. */
  readonly compose: Composed | undefined;
}

/** Three services: containers if Docker is available, else a Redis and two prompts. */
export interface Composed {
  readonly kind: 'containers' | 'processes';
  /** Address of their Redis, as seen from this machine. */
  readonly url: string;
}

/** Whether a step is done, and a sentence about what the check saw. The sentence is printed in both cases. */
export interface CheckResult {
  readonly done: boolean;
  readonly saw: string;
}

export const done = (saw: string): CheckResult => ({ done: true, saw });
export const notYet = (saw: string): CheckResult => ({ done: false, saw });

/** One thing to do: its texts, and a pure check that says whether it is done. */
export interface Step {
  /** Unique in the lesson. Does not change between releases. */
  readonly id: string;
  /** The terminal to type in: this one (`here`) or the second one (`there`). */
  readonly where: 'here' | 'there';
  /** Name of the queue that the check reads. */
  readonly queue: string;
  /** True if the queue is in the Redis of `.compose up`, not in the Redis of this prompt. */
  readonly isComposed?: boolean;
  /** What to do. */
  readonly text: string;
  /** The lines to type. They can depend on the snapshot, for example on a pid. */
  readonly type: (now: QueueState, here: Here) => readonly string[];
  readonly hint: string;
  readonly check: (now: QueueState, before: QueueState, here: Here) => CheckResult;
}

/** An exercise. */
export interface Part {
  readonly title: string;
  readonly about: string;
  readonly steps: readonly Step[];
}

export const part = (title: string, about: string, ...steps: readonly Step[]): Part => ({ title, about, steps });

/** Lines to type that do not depend on the snapshot. */
export const lines =
  (...text: readonly string[]): (() => readonly string[]) =>
  () =>
    text;
