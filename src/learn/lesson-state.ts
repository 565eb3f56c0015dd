import { hostname } from 'node:os';
import { HotQueue, type QueueOptions } from 'hotqueue';
import type { Composed, Here, QueueState, Step } from './step.js';

/** How many messages and dead letters a snapshot contains. */
const few = 5;

/** What the lesson can check: the queues in Redis, and what happened at this prompt. */
export class LessonState {
  readonly answers: string[] = [];
  compose: Composed | undefined;
  readonly #queues = new Map<string, HotQueue>();
  #lines: { value?: unknown; error?: unknown }[] = [];

  constructor(private readonly address: QueueOptions) {}

  /** Remembers the value or the error of a typed line. */
  record(line: { value?: unknown; error?: unknown }): void {
    this.#lines.push(line);
  }

  /** Forgets the lines and answers so far. */
  forget(): void {
    this.#lines = [];
    this.answers.length = 0;
  }

  get here(): Here {
    return {
      pid: process.pid,
      host: hostname(),
      lines: this.#lines,
      answers: this.answers,
      named: (name) => (globalThis as Record<string, unknown>)[name],
      isAlive,
      compose: this.compose,
    };
  }

  /** A snapshot of the queue of a step. */
  async read({ queue: name, isComposed }: Pick<Step, 'queue' | 'isComposed'>): Promise<QueueState> {
    if (isComposed && !this.compose) return nothing;
    const queue = this.#queue(name, isComposed ? { url: this.compose!.url } : this.address);
    await queue.workers.watch(); // heartbeats every second: with the default of 10 s, the lesson would notice a step too late
    const [counts, jobs, workers, next, dead] = await Promise.all([
      queue.counts(),
      queue.jobs.counts(),
      queue.workers.list(),
      queue.peek(few),
      queue.dead.list({ limit: few }),
    ]);
    return { counts, jobs, workers, next: next.map(({ payload }) => payload), dead };
  }

  /** Closes all queues, or only those at this url. */
  async close(url?: string): Promise<void> {
    const closing = [...this.#queues].filter(([key]) => url === undefined || key.endsWith(` ${url}`));
    for (const [key] of closing) this.#queues.delete(key);
    await Promise.all(closing.map(([, queue]) => queue.close()));
  }

  #queue(name: string, address: QueueOptions): HotQueue {
    const key = `${name} ${address.url ?? ''}`;
    const known = this.#queues.get(key) ?? new HotQueue(name, { ...address, logger: false });
    this.#queues.set(key, known);
    return known;
  }
}

const nothing: QueueState = {
  counts: { waiting: 0, delayed: 0, active: 0, dead: 0, workers: 0, done: 0, failed: 0 },
  jobs: { waiting: 0, delayed: 0, running: 0, retrying: 0, done: 0, failed: 0, cancelled: 0, expired: 0 },
  workers: [],
  next: [],
  dead: [],
};

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
