import { deliverAll } from '../jobs/outbox.js';
import type { Broker } from '../redis/broker.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { Recoverer } from './recoverer.js';

const roundMs = 60_000;

/** Sweeper: repairs, in small steps, what no transition leaves behind, but a manual change in Redis or a failover may. */
export class Sweeper {
  readonly #timer = new DeadlineTimer(() => void this.#round());
  #cursors: readonly [string, string] = ['0', '0'];
  #jobCursors: readonly [string, string] = ['0', '0'];

  constructor(
    private readonly broker: Broker,
    private readonly recoverer: Recoverer,
  ) {}

  start(): void {
    this.#timer.in(roundMs * (0.5 + Math.random() / 2));
  }

  stop(): void {
    this.#timer.stop();
  }

  /** One pass. @returns how many entries it repaired */
  async sweep(): Promise<number> {
    const { cursors, mended, lost } = await this.broker.sweep(this.#cursors, { withinMs: 0 });
    this.#cursors = cursors;
    for (const worker of lost) await this.recoverer.recover(worker);
    this.#jobCursors = await this.broker.jobs.mendRunning(this.#jobCursors, { withinMs: 0 });
    await this.deliver();
    return mended + lost.length;
  }

  /** Puts what is left in the outbox. */
  async deliver(): Promise<void> {
    await deliverAll(this.broker, { withinMs: 0 }).catch(() => undefined); // Redis is away: the next round tries again
  }

  async #round(): Promise<void> {
    await this.sweep().catch(() => undefined); // Redis is away: the next round tries again
    this.#timer.in(roundMs);
  }
}
