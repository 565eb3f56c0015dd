import type { QueueHints } from '../redis/transitions.js';
import type { MaintainedQueue, MaintainedWorker, Maintenance } from '../redis/queue-context.js';
import { DeadlineTimer } from './deadline-timer.js';
import { Scheduler } from './scheduler.js';
import { Sweeper } from './sweeper.js';
import { Promoter } from './promoter.js';
import { Recoverer } from './recoverer.js';

/** A worker sends three heartbeats per lease, so two of them may be lost. It checks its own lease three times per heartbeat. */
const ticksPerLease = 9;
const ticksPerBeat = 3;
/** Between two heartbeats while a tool watches the workers. */
const watchedMs = 1_000;

/**
 * Maintenance of a queue while this process takes from it: heartbeats, promotion, schedules, recovery, sweeping.
 *
 * The timers belong to the process, not to a blocked connection, so they fire while every worker is busy. No process is in
 * charge.
 */
export class MaintenanceService implements Maintenance {
  readonly promoter: Promoter;
  readonly recoverer: Recoverer;
  readonly sweeper: Sweeper;
  readonly scheduler: Scheduler;
  readonly #workers = new Set<MaintainedWorker>();
  readonly #clock = new DeadlineTimer(() => this.#tick());
  /** Sends heartbeats for tools that watch, between those that the leases need. */
  readonly #watch = new DeadlineTimer(() => this.#beatAll());
  #ticks = 0;
  /** A heartbeat did not arrive: the next tick sends it again. */
  #isBehind = false;
  #isClosed = false;

  constructor(private readonly queue: MaintainedQueue) {
    const poke = (): void => this.#workers.forEach((worker) => worker.poke());
    this.scheduler = new Scheduler(queue);
    this.promoter = new Promoter(queue, () => this.scheduler.look(), poke);
    // A worker that died may have left messages in the outbox.
    this.recoverer = new Recoverer(queue, poke, () => void this.sweeper.deliver());
    this.sweeper = new Sweeper(queue.broker, this.recoverer);
  }

  add(worker: MaintainedWorker): void {
    this.#workers.add(worker);
    this.promoter.start();
    this.sweeper.start();
    this.scheduler.start();
    this.#clock.in(this.queue.broker.leaseMs / ticksPerLease);
  }

  remove(worker: MaintainedWorker): void {
    this.#workers.delete(worker);
    if (this.#workers.size > 0) return;
    for (const duty of [this.promoter, this.recoverer, this.sweeper, this.scheduler, this.#clock, this.#watch])
      duty.stop();
  }

  observe(hints: QueueHints): void {
    if (this.#workers.size === 0) return;
    this.promoter.observe(hints);
    this.recoverer.observe(hints);
    if (hints.isWatched) this.#watch.in(watchedMs);
  }

  recoverEnded(): Promise<boolean> {
    return this.recoverer.recoverEnded().catch(() => false); // Redis is away
  }

  ensurePromoted(hints: QueueHints): void {
    if (!this.#isClosed) this.promoter.ensurePromoted(hints);
  }

  close(): void {
    this.#isClosed = true;
    this.promoter.forget();
  }

  #tick(): void {
    this.#clock.in(this.queue.broker.leaseMs / ticksPerLease);
    this.#ticks += 1;
    for (const worker of this.#workers) worker.fence();
    if (this.#isBehind || this.#ticks % ticksPerBeat === 0) this.#beatAll();
  }

  #beatAll(): void {
    this.#isBehind = false;
    for (const worker of this.#workers) void this.#beat(worker);
  }

  async #beat(worker: MaintainedWorker): Promise<void> {
    try {
      const hints = await worker.beat();
      if (hints) this.observe(hints);
    } catch {
      this.#isBehind = true; // Redis is away: the next tick tries again, or `fence` aborts the active messages
    }
  }
}

/** Takes part in the maintenance of a queue without taking messages. @returns a function that ends it */
export function maintainWithoutTaking(maintenance: Maintenance): () => void {
  const member: MaintainedWorker = {
    poke: () => undefined,
    beat: () => Promise.resolve(undefined),
    fence: () => undefined,
  };
  maintenance.add(member);
  return () => maintenance.remove(member);
}
