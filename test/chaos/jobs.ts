// Tracked messages in scenarios: every producer waits for the results of what it has put, and watches some of the jobs.
import { setTimeout as pause } from 'node:timers/promises';
import { type HotQueue, HotQueueError, type Job } from '../../src/index.js';
import type { History, Load } from './history.js';

/**
 * How long a producer waits for a result after its put. Longer than any scenario keeps Redis away, and in the long forms longer than
 * a busy machine needs for the backlog.
 */
const resultMs = (): number => (process.env.CHAOS_LONG === '1' ? 240_000 : 60_000);

/**
 * So many jobs of a process are watched. Others are asked for their status again and again: while one is watched, workers look at the records of all
 * before a handler begins.
 */
const mostWatched = 10;

/** The waits of one process. It ends when they have ended. */
export class Waits {
  readonly #open = new Set<Promise<void>>();
  #watched = 0;

  constructor(private readonly history: History) {}

  /** Waits for the results of jobs, and writes how each wait ended. It also writes the statuses of every fifth job. */
  follow(jobs: readonly Job[], loads: readonly Load[]): void {
    for (const [index, job] of jobs.entries()) {
      if (job.isDuplicate) continue;
      const { key } = loads[index]!;
      this.#add(this.#result(job, key));
      if (index % 5 === 0) this.#add((this.#watched += 1) <= mostWatched ? this.#watch(job, key) : this.#ask(job, key));
    }
  }

  async ended(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  #add(work: Promise<void>): void {
    const open = work.finally(() => this.#open.delete(open));
    this.#open.add(open);
  }

  async #result(job: Job, key: string): Promise<void> {
    const { id } = job;
    try {
      const result = await job.result({ timeout: resultMs() });
      this.history.write('result', { key, id, type: 'ok', text: String(result) });
    } catch (error) {
      const code = error instanceof HotQueueError ? error.code : 'UNTYPED';
      this.history.write('result', { key, id, type: 'fail', text: code });
      if (code === 'UNTYPED') this.history.write('broken', { text: `result() rejected with ${String(error)}` });
    }
  }

  async #ask(job: Job, key: string): Promise<void> {
    const until = Date.now() + resultMs();
    for (let last = ''; Date.now() < until; await pause(100)) {
      const status = await job.status().catch(() => last); // Redis is away
      if (status === undefined) return;
      if (status !== last) this.history.write('status', { key, id: job.id, kind: status });
      last = status;
      if (['done', 'failed', 'cancelled', 'expired'].includes(status)) return;
    }
  }

  async #watch(job: Job, key: string): Promise<void> {
    const ended = AbortSignal.timeout(resultMs());
    try {
      for await (const step of job.watch({ signal: ended }))
        if ('status' in step) this.history.write('status', { key, id: job.id, kind: step.status });
    } catch {
      // The time is over, or the queue is closed: `result` says so too.
    }
  }
}

/** Whether the messages of this run are tracked. */
export const isTracked = (): boolean => process.env.CHAOS_TRACKED === '1';

/** Cancels some jobs, and writes what it asked for. */
export async function cancelLogged(queue: HotQueue<Load>, history: History, id: string, key: string): Promise<void> {
  history.write('cancel', { key, id, type: 'invoke' });
  const isCancelled = await queue.job(id).cancel();
  history.write('cancel', { key, id, type: isCancelled ? 'ok' : 'fail' });
  if (isCancelled) history.write('destroyed', { jobs: [[key, '']] });
}
