import { hasEnded } from '../core/job.js';
import type { Broker } from '../redis/broker.js';

/** How a job has ended; `status` is `''` if it has no record. `result` is the text as it is stored. */
export interface JobEnd {
  readonly status: string;
  readonly result: string | undefined;
}

/** News may be lost: at the latest after this time the records are read again. */
const lookMs = 5_000;
const mendedAtOnce = 100;

interface Wait {
  readonly onEnd: (end: JobEnd) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * All waits for the ends of jobs of one queue. They share one connection, which tells when a job ends. The state is in the record, so
 * each wait reads it when its subscription begins, and again every five seconds.
 */
export class JobWaits {
  readonly #waits = new Map<string, Set<Wait>>();
  readonly #unlisten = new Map<string, () => void>();
  /** Ids whose records are read in this turn, in one trip. */
  #asked = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly broker: Broker) {}

  /** Resolves when the job has ended, or has no record. @param signal ends the wait, with its reason */
  wait(id: string, signal?: AbortSignal): Promise<JobEnd> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = (): void => {
        signal?.removeEventListener('abort', onAbort);
        this.#remove(id, wait);
      };
      const onAbort = (): void => {
        stop();
        reject(signal!.reason as Error);
      };
      const wait: Wait = {
        onEnd: (end) => {
          stop();
          resolve(end);
        },
        onError: (error) => {
          stop();
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.#add(id, wait);
    });
  }

  /** The queue is closed: all waits end with this error. */
  close(error: Error): void {
    for (const waits of [...this.#waits.values()]) for (const { onError } of [...waits]) onError(error);
  }

  #add(id: string, wait: Wait): void {
    const waits = this.#waits.get(id);
    // It keeps the process alive, as a wait should.
    this.#timer ??= setInterval(() => void this.#lookAgain(), lookMs);
    if (waits) {
      waits.add(wait);
      return this.#ask(id);
    }
    this.#waits.set(id, new Set([wait]));
    const { connection, keys } = this.broker;
    const unlisten = connection.notifier.listen(keys.job(id), {
      onNews: (text) => this.#hear(id, text),
      onBegin: () => this.#ask(id),
    });
    this.#unlisten.set(id, unlisten);
  }

  #remove(id: string, wait: Wait): void {
    const waits = this.#waits.get(id);
    waits?.delete(wait);
    if (!waits || waits.size > 0) return;
    this.#waits.delete(id);
    this.#unlisten.get(id)?.();
    this.#unlisten.delete(id);
    if (this.#waits.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** A job was told about: `done` and its result, or another status. */
  #hear(id: string, text: string): void {
    if (text.startsWith('done\n')) return this.#end(id, { status: 'done', result: text.slice(5) || undefined });
    if (hasEnded(text)) this.#ask(id);
  }

  #ask(id: string): void {
    if (this.#asked.size === 0) queueMicrotask(() => void this.#readAsked());
    this.#asked.add(id);
  }

  async #readAsked(): Promise<void> {
    const ids = [...this.#asked];
    this.#asked = new Set();
    const ends = await this.broker.jobs.ends(ids).catch(() => []); // Redis is away: the next look reads again
    for (const [index, end] of ends.entries())
      if (end.status === '' || hasEnded(end.status)) this.#end(ids[index]!, end);
  }

  /** Also finds jobs that ended although no worker could tell: that of a message that was buried because its workers died, or expired. */
  async #lookAgain(): Promise<void> {
    const ids = [...this.#waits.keys()];
    for (let from = 0; from < ids.length; from += mendedAtOnce) {
      const some = ids.slice(from, from + mendedAtOnce);
      await Promise.allSettled(some.map((id) => this.broker.jobs.mend(id, { withinMs: 0 })));
      for (const id of some) this.#ask(id);
    }
  }

  #end(id: string, end: JobEnd): void {
    for (const { onEnd } of [...(this.#waits.get(id) ?? [])]) onEnd(end);
  }
}
