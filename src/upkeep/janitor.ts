import type { Broker } from '../redis/broker.js';
import { Alarm } from './alarm.js';
import type { Recoverer } from './recoverer.js';

const roundMs = 60_000;

/** Mends, bit by bit, what no transition leaves behind but a hand in Redis or a failover might. */
export class Janitor {
  readonly #alarm = new Alarm(() => void this.#round());
  #cursors: readonly [string, string] = ['0', '0'];

  constructor(
    private readonly broker: Broker,
    private readonly recoverer: Recoverer,
  ) {}

  start(): void {
    this.#alarm.in(roundMs * (0.5 + Math.random() / 2));
  }

  stop(): void {
    this.#alarm.stop();
  }

  /** One pass. @returns how much was put back in place */
  async sweep(): Promise<number> {
    const { cursors, mended, lost } = await this.broker.sweep(this.#cursors, { withinMs: 0 });
    this.#cursors = cursors;
    for (const worker of lost) await this.recoverer.recover(worker);
    return mended + lost.length;
  }

  async #round(): Promise<void> {
    await this.sweep().catch(() => undefined); // away: the next round
    this.#alarm.in(roundMs);
  }
}
