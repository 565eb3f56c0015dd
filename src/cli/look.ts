import type { HotQueue, WorkerInfo } from 'hotqueue';
import { oldestAt, queueNames } from '../inspect/queues.js';
import { addressOf, openQueue, type RedisFlags } from './command.js';

/** A snapshot of a queue, for `info` and `top`. */
export interface QueueLook {
  readonly name: string;
  readonly waiting: number;
  /** Active messages: taken by a worker and not settled yet. */
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
  /** Attempts that succeeded, since the queue exists. */
  readonly done: number;
  /** Attempts that failed. */
  readonly failed: number;
  readonly isPaused: boolean;
  /** When the oldest waiting message was put, in Unix ms; `undefined` if none is waiting, or none has a put time. */
  readonly oldestAt: number | undefined;
  readonly workers: readonly WorkerInfo[];
}

/** Takes snapshots of several queues over one connection. The caller closes it. */
export class Lookout {
  readonly #queues = new Map<string, HotQueue>();

  /** @param names the queues; an empty list means all queues, including those that are created later */
  constructor(
    private readonly flags: RedisFlags,
    private readonly names: readonly string[],
  ) {}

  async look(): Promise<QueueLook[]> {
    const names = this.names.length > 0 ? this.names : await queueNames(addressOf(this.flags));
    return Promise.all(names.map((name) => this.#lookAt(this.#queue(name))));
  }

  /** Asks the workers for a heartbeat every second, for five seconds. */
  async watch(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.workers.watch()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  async #lookAt(queue: HotQueue): Promise<QueueLook> {
    const [{ ...counts }, isPaused, oldest, workers] = await Promise.all([
      queue.counts(),
      queue.isPaused(),
      oldestAt(queue.name, addressOf(this.flags)),
      queue.workers.list(),
    ]);
    return { ...counts, name: queue.name, isPaused, oldestAt: oldest, workers };
  }

  #queue(name: string): HotQueue {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = openQueue(name, this.flags);
    this.#queues.set(name, queue);
    return queue;
  }
}

/** Attempts per second between two snapshots of a queue. */
export interface Rates {
  readonly done: number;
  readonly failed: number;
}

/** A snapshot of queues, with the rates since the snapshot before. */
export interface Info {
  /** Unix ms. */
  readonly at: number;
  readonly queues: readonly (QueueLook & { readonly rates: Rates | undefined })[];
}

/** @returns `undefined` if there is no earlier snapshot, or if the numbers became smaller because Redis lost its data */
export function ratesOf(look: QueueLook, before: QueueLook | undefined, elapsedMs: number): Rates | undefined {
  if (!before || elapsedMs <= 0 || look.done < before.done || look.failed < before.failed) return undefined;
  const perSecond = (now: number, then: number): number => Math.round(((now - then) * 10_000) / elapsedMs) / 10;
  return { done: perSecond(look.done, before.done), failed: perSecond(look.failed, before.failed) };
}
