import type { Logger } from '../contract/logger.js';
import type { Broker, News } from '../redis/broker.js';
import type { Tended, Upkeep } from '../runtime/channel.js';
import { Alarm } from './alarm.js';
import { Janitor } from './janitor.js';
import { Promoter } from './promoter.js';
import { Recoverer } from './recoverer.js';

/** A worker sends three heartbeats per lease, so two of them may be lost. It checks its own lease three times per heartbeat. */
const ticksPerLease = 9;
const ticksPerBeat = 3;
/** Between two heartbeats while a tool watches the workers. */
const watchedMs = 1_000;

/**
 * Maintenance of a queue while this process takes from it: heartbeats, promotion, recovery, sweeping.
 *
 * The timers belong to the process, not to a blocked connection, so they fire while every worker is busy. No process is in
 * charge.
 */
export class QueueUpkeep implements Upkeep {
  readonly promoter: Promoter;
  readonly recoverer: Recoverer;
  readonly janitor: Janitor;
  readonly #workers = new Set<Tended>();
  readonly #clock = new Alarm(() => this.#tick());
  /** Sends heartbeats for tools that watch, between those that the leases need. */
  readonly #watch = new Alarm(() => this.#beatAll());
  #ticks = 0;
  /** A heartbeat did not arrive: the next tick sends it again. */
  #isBehind = false;
  #isClosed = false;

  constructor(
    private readonly broker: Broker,
    wire: 'hotqueue' | 'plain',
    logger: Logger,
  ) {
    const poke = (): void => this.#workers.forEach((worker) => worker.poke());
    this.promoter = new Promoter(broker, poke);
    this.recoverer = new Recoverer(broker, wire, logger, poke);
    this.janitor = new Janitor(broker, this.recoverer);
  }

  add(worker: Tended): void {
    this.#workers.add(worker);
    this.promoter.start();
    this.janitor.start();
    this.#clock.in(this.broker.leaseMs / ticksPerLease);
  }

  remove(worker: Tended): void {
    this.#workers.delete(worker);
    if (this.#workers.size > 0) return;
    for (const duty of [this.promoter, this.recoverer, this.janitor, this.#clock, this.#watch]) duty.stop();
  }

  hear(news: News): void {
    if (this.#workers.size === 0) return;
    this.promoter.hear(news);
    this.recoverer.hear(news);
    if (news.isWatched) this.#watch.in(watchedMs);
  }

  owe(news: News): void {
    if (!this.#isClosed) this.promoter.owe(news);
  }

  close(): void {
    this.#isClosed = true;
    this.promoter.forget();
  }

  #tick(): void {
    this.#clock.in(this.broker.leaseMs / ticksPerLease);
    this.#ticks += 1;
    for (const worker of this.#workers) worker.fence();
    if (this.#isBehind || this.#ticks % ticksPerBeat === 0) this.#beatAll();
  }

  #beatAll(): void {
    this.#isBehind = false;
    for (const worker of this.#workers) void this.#beat(worker);
  }

  async #beat(worker: Tended): Promise<void> {
    try {
      const news = await worker.beat();
      if (news) this.hear(news);
    } catch {
      this.#isBehind = true; // Redis is away: the next tick tries again, or `fence` aborts the active messages
    }
  }
}
