import { open, optionsOf } from '../../wire/envelope.js';
import { madeAt } from '../../wire/id.js';
import { asking } from '../../inspect/queues.js';
import { addressOf, type RedisFlags } from '../command.js';
import type { Info } from '../look.js';
import { Lookout } from '../look.js';
import { ratesIn, type Look } from './rates.js';

/** A waiting message. */
export interface Next {
  /** Empty for a bare message, which has no id. */
  readonly id: string;
  /** Unix ms; `null` if it is not known. */
  readonly putAt: number | null;
  /** Number of attempts that failed. */
  readonly attempts: number;
  /** The payload as it was stored, valid or not. */
  readonly text: string;
}

export type SeenQueue = Info['queues'][number] & {
  /** `undefined` if the messages of this queue were not read. */
  readonly next: readonly Next[] | undefined;
};

/** A snapshot: the data of `info`, plus the next messages. */
export interface Snapshot extends Info {
  readonly queues: readonly SeenQueue[];
}

/** Rates are measured over this time. */
const windowMs = 5_000;

/** Takes snapshots of queues. The caller closes it. */
export class Eyes {
  readonly #lookout: Lookout;
  #looks: Look[] = [];

  /** @param names the queues; an empty list means all queues */
  constructor(
    private readonly flags: RedisFlags,
    names: readonly string[],
  ) {
    this.#lookout = new Lookout(flags, names);
  }

  /**
   * @param most how many of the next messages to read
   * @param which name of the only queue to read messages from; all queues if absent
   */
  async look(most: number, which?: string): Promise<Snapshot> {
    const queues = await this.#lookout.look();
    const next = await Promise.all(
      queues.map(({ name }) => this.#next(name, which === undefined || which === name ? most : 0)),
    );
    const look = { at: Date.now(), queues };
    const before = this.#looks.filter(({ at }) => at >= look.at - windowMs);
    this.#looks = [...before, look];
    return {
      at: look.at,
      queues: queues.map((queue, index) => ({ ...queue, rates: ratesIn(queue, look.at, before), next: next[index] })),
    };
  }

  /** Asks the workers for a heartbeat every second, for five seconds. */
  watch(): Promise<void> {
    return this.#lookout.watch();
  }

  close(): Promise<void> {
    return this.#lookout.close();
  }

  /** Reads the stored messages: `queue.peek()` would skip invalid ones, although workers take them like the others. */
  async #next(name: string, most: number): Promise<Next[] | undefined> {
    if (most === 0) return undefined;
    return asking(name, addressOf(this.flags), async (broker) =>
      (await broker.peek(most, { withinMs: 10_000 })).map(nextOf),
    );
  }
}

function nextOf(message: string): Next {
  const { header, text } = open(message);
  if (!header) return { id: '', putAt: null, attempts: 0, text };
  return {
    id: header.id,
    putAt: optionsOf(header).putAt ?? madeAt(header.id) ?? null,
    attempts: header.attempts,
    text,
  };
}
