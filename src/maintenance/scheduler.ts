import { lookAtBlocked } from '../jobs/look-at-blocked.js';
import { deliverNamed } from '../jobs/outbox.js';
import { emit } from '../core/events.js';
import type { MaintainedQueue } from '../redis/queue-context.js';
import { fireDue } from '../schedules/fire-due.js';
import { DeadlineTimer } from './deadline-timer.js';

/** Between two looks of a queue without schedules, and with some. */
const [longestLookMs, shortestLookMs] = [1_000, 100];
/** A message may lie in the outbox for so long before another process puts it: the one that stored it is about to. */
const patienceWithOthersMs = 300;
/** Random delay, so that the processes of a queue do not fire at once. The first does the work. */
const longestJitterMs = 20;

/**
 * Puts the messages of schedules that are due, and messages that processes that died have left in the outbox.
 *
 * Every process that takes from the queue does this. No process is in charge.
 */
export class Scheduler {
  readonly #timer = new DeadlineTimer(() => this.#passNow());
  #isWatching = false;
  #passing: Promise<void> | undefined;
  /** When the last pass began, monotonic ms. */
  #passedAt = -Infinity;
  /** Whether it found schedules, or messages in the outbox. */
  #hasWork = false;
  /** What was in the outbox at the last look. */
  #seen = new Set<string>();

  constructor(private readonly queue: MaintainedQueue) {}

  /** Call this when the process begins to take from the queue. The promoter then calls {@link look} once a second, if there is anything. */
  start(): void {
    this.#isWatching = true;
  }

  /** Call this when the process takes no more from the queue. */
  stop(): void {
    this.#isWatching = false;
    this.#timer.stop();
  }

  /** Passes soon: the promoter calls this for each delayed message, and most queues with delayed messages have no schedules. */
  look(): void {
    const leftMs = this.#passedAt + (this.#hasWork ? shortestLookMs : longestLookMs) - performance.now();
    if (leftMs > 0) this.#timer.in(leftMs);
    else this.#passNow();
  }

  /** One pass; calls at the same time share it. */
  pass(): Promise<void> {
    this.#passing ??= this.#pass().finally(() => (this.#passing = undefined));
    return this.#passing;
  }

  #passNow(): void {
    this.pass().catch(() => undefined); // Redis is away: the next look tries again
  }

  async #pass(): Promise<void> {
    const { broker, events, name: queue } = this.queue;
    this.#passedAt = performance.now();
    // What fails for one, such as a queue whose key has another type, must not stop the others.
    await this.#deliverOld().catch(ignore);
    await lookAtBlocked(broker, { withinMs: 0 }).catch(ignore);
    const nextDueMs = await fireDue(broker, { withinMs: 0 }, (run) => emit(events, 'fire', { queue, ...run }));
    this.#hasWork = nextDueMs !== undefined || this.#seen.size > 0;
    if (this.#isWatching && nextDueMs !== undefined) this.#timer.in(nextDueMs + Math.random() * longestJitterMs);
  }

  /** Puts what was in the outbox at the last look, and is still there. */
  async #deliverOld(): Promise<void> {
    const { broker } = this.queue;
    const names = await broker.schedules.undelivered({ withinMs: 0 });
    const old = names.filter((name) => this.#seen.has(name));
    this.#seen = new Set(names);
    // All at once, so that they share round trips: far from Redis, schedules may fire faster than one after the other is put.
    await Promise.all(old.map((name) => deliverNamed(broker, name, { withinMs: 0 }).catch(ignore)));
    if (names.length > old.length && this.#isWatching) this.#timer.in(patienceWithOthersMs);
  }
}

const ignore = (): void => undefined; // the next pass tries again
