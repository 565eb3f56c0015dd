/** Counts the tasks of a run: each ends once, as done or dead. */
import type { HotQueue, JobFields } from 'hotqueue';
import type { Tally } from './progress.js';

export class Books {
  /** Resolves when every task has ended. */
  readonly balanced: Promise<'balanced'>;
  readonly #open: Set<string>;
  readonly #total: number;
  #done = 0;
  #retried = 0;
  #dead = 0;

  /** @param queue the queue object of this process; its events include only work of this process */
  constructor({ events }: Pick<HotQueue, 'events'>, jobs: readonly JobFields[]) {
    this.#open = new Set(jobs.map((job) => job.id));
    this.#total = jobs.length;
    this.balanced = new Promise((resolve) => {
      // A task that was delivered twice is still one task.
      const ended = (id: string): boolean => {
        const wasOpen = this.#open.delete(id);
        if (this.#open.size === 0) resolve('balanced');
        return wasOpen;
      };
      events.on('ack', ({ id }) => void (ended(id) && this.#done++));
      events.on('bury', ({ id }) => void (ended(id) && this.#dead++));
      events.on('retry', () => void this.#retried++);
    });
  }

  get tally(): Required<Tally> & { readonly left: number } {
    return { total: this.#total, done: this.#done, retried: this.#retried, dead: this.#dead, left: this.#open.size };
  }
}
