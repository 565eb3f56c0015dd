import { open, optionsOf } from '../../../message/envelope.js';
import { madeAt } from '../../../message/ids.js';
import { asking } from '../../queues.js';
import { addressOf, type RedisFlags } from '../command.js';
import type { Info } from '../info.js';
import { Lookout } from '../look.js';
import { ratesIn, type Look } from './rates.js';

/** A message that is ready, where the order says that it stands. */
export interface Next {
  /** Empty for one that came without. */
  readonly id: string;
  /** Unix ms; `null` where nothing tells. */
  readonly putAt: number | null;
  /** How often it failed before. */
  readonly attempts: number;
  /** The payload as it was stored, valid or not. */
  readonly text: string;
}

export type SeenQueue = Info['queues'][number] & {
  /** `undefined` where nobody asked. */
  readonly next: readonly Next[] | undefined;
};

/** What there is at one moment: `info`, and what comes next. */
export interface Sight extends Info {
  readonly queues: readonly SeenQueue[];
}

/** Rates are those of so long. */
const windowMs = 5_000;

/** Looks at queues again and again; its owner closes it. */
export class Eyes {
  readonly #lookout: Lookout;
  #looks: Look[] = [];

  /** @param names which queues; none for all that there are */
  constructor(
    private readonly flags: RedisFlags,
    names: readonly string[],
  ) {
    this.#lookout = new Lookout(flags, names);
  }

  /**
   * @param most how many of the next messages
   * @param which of this queue only; of all when absent
   */
  async look(most: number, which?: string): Promise<Sight> {
    const queues = await this.#lookout.look();
    const next = await Promise.all(queues.map(({ name }) => this.#next(name, which === undefined || which === name ? most : 0)));
    const look = { at: Date.now(), queues };
    const before = this.#looks.filter(({ at }) => at >= look.at - windowMs);
    this.#looks = [...before, look];
    return { at: look.at, queues: queues.map((queue, index) => ({ ...queue, rates: ratesIn(queue, look.at, before), next: next[index] })) };
  }

  /** Has the workers tell what they do each second, for a while. */
  watch(): Promise<void> {
    return this.#lookout.watch();
  }

  close(): Promise<void> {
    return this.#lookout.close();
  }

  /** As they lie there: `peek()` would pass over what no worker of ours can read, though it is taken like the others. */
  async #next(name: string, most: number): Promise<Next[] | undefined> {
    if (most === 0) return undefined;
    return asking(name, addressOf(this.flags), async (broker) => (await broker.peek(most, { withinMs: 10_000 })).map(nextOf));
  }
}

function nextOf(message: string): Next {
  const { header, text } = open(message);
  if (!header) return { id: '', putAt: null, attempts: 0, text };
  return { id: header.id, putAt: optionsOf(header).putAt ?? madeAt(header.id) ?? null, attempts: header.attempts, text };
}
