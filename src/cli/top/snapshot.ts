import { nextMessages, Snapshots, type StoredMessage } from '../../inspect/snapshot.js';
import { addressOf, type RedisFlags } from '../command.js';
import { openQueue } from '../open-queue.js';
import type { Info } from '../info-text.js';
import { ratesOverWindow, type TimedSnapshots } from './rates.js';
import { steadyNow } from '../clock.js';

export type { StoredMessage };

export type TopQueue = Info['queues'][number] & {
  /** `undefined` if the messages of this queue were not read. */
  readonly next: readonly StoredMessage[] | undefined;
};

/** The data of `info`, plus the next messages. */
export interface TopSnapshot extends Info {
  readonly queues: readonly TopQueue[];
}

/** Rates are measured over this time. */
const windowMs = 5_000;

/** Takes snapshots for `top`. The caller closes it. */
export class TopSnapshots {
  readonly #snapshots: Snapshots;
  #recent: TimedSnapshots[] = [];

  /** @param names the queues; an empty list means all queues */
  constructor(
    private readonly flags: RedisFlags,
    names: readonly string[],
  ) {
    this.#snapshots = new Snapshots(addressOf(flags), names, (name) => openQueue(name, flags));
  }

  /**
   * @param most how many of the next messages to read
   * @param only name of the only queue to read messages from; all queues if absent
   */
  async take(most: number, only?: string): Promise<TopSnapshot> {
    const queues = await this.#snapshots.take();
    const next = await Promise.all(
      queues.map(({ name }) => this.#next(name, only === undefined || only === name ? most : 0)),
    );
    const at = steadyNow();
    const before = this.#recent.filter((earlier) => earlier.at >= at - windowMs);
    this.#recent = [...before, { at, queues }];
    return {
      at,
      queues: queues.map((queue, index) => ({
        ...queue,
        rates: ratesOverWindow(queue, at, before),
        next: next[index],
      })),
    };
  }

  /** Asks the workers for a heartbeat every second, for five seconds. */
  watch(): Promise<void> {
    return this.#snapshots.watch();
  }

  close(): Promise<void> {
    return this.#snapshots.close();
  }

  async #next(name: string, most: number): Promise<StoredMessage[] | undefined> {
    return most === 0 ? undefined : nextMessages(name, most, addressOf(this.flags));
  }
}
