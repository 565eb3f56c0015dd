import type { HotQueue, WorkerView } from 'hotqueue';
import { oldestAt, queueNames } from '../queues.js';
import { addressOf, openQueue, type RedisFlags } from './command.js';

/** A queue at one moment, for people. */
export interface QueueLook {
  readonly name: string;
  readonly waiting: number;
  /** In the hands of a worker. */
  readonly running: number;
  readonly delayed: number;
  readonly dead: number;
  /** Attempts that ended well, ever. */
  readonly handled: number;
  /** Attempts that did not. */
  readonly failed: number;
  readonly isPaused: boolean;
  /** When the oldest waiting message was put, Unix ms; absent when none waits, or none tells. */
  readonly oldestAt: number | undefined;
  readonly workers: readonly WorkerView[];
}

/** Several queues, looked at again and again over one connection; its owner closes it. */
export class Lookout {
  readonly #queues = new Map<string, HotQueue>();

  /** @param names which queues; none for all that there are, also those that come later */
  constructor(
    private readonly flags: RedisFlags,
    private readonly names: readonly string[],
  ) {}

  async look(): Promise<QueueLook[]> {
    const names = this.names.length > 0 ? this.names : await queueNames(addressOf(this.flags));
    return Promise.all(names.map((name) => this.#lookAt(this.#queue(name))));
  }

  /** Has the workers tell what they do each second, for a while. */
  async watch(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.workers.watch()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  async #lookAt(queue: HotQueue): Promise<QueueLook> {
    const [{ claimed: running, ...counts }, isPaused, oldest, workers] = await Promise.all([
      queue.counts(),
      queue.isPaused(),
      oldestAt(queue.name, addressOf(this.flags)),
      queue.workers.list(),
    ]);
    return { ...counts, name: queue.name, running, isPaused, oldestAt: oldest, workers };
  }

  #queue(name: string): HotQueue {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = openQueue(name, this.flags);
    this.#queues.set(name, queue);
    return queue;
  }
}

/** Attempts per second between two looks at one queue. */
export interface Rates {
  readonly handled: number;
  readonly failed: number;
}

/** @returns `undefined` where there was no look before, or Redis has lost its sums meanwhile */
export function ratesOf(look: QueueLook, before: QueueLook | undefined, elapsedMs: number): Rates | undefined {
  if (!before || elapsedMs <= 0 || look.handled < before.handled || look.failed < before.failed) return undefined;
  const perSecond = (now: number, then: number): number => Math.round(((now - then) * 10_000) / elapsedMs) / 10;
  return { handled: perSecond(look.handled, before.handled), failed: perSecond(look.failed, before.failed) };
}
