import { emit } from '../core/events.js';
import type { QueueHints } from '../redis/transitions.js';
import type { MaintainedQueue } from '../redis/queue-context.js';
import { DeadlineTimer } from './deadline-timer.js';

/** Another process may have put a message that is due earlier than all that this one knows. */
const longestLookMs = 1_000;

/**
 * Makes delayed messages available when they are due.
 *
 * While this process takes from the queue, it promotes the messages of all processes. Otherwise it promotes them after it has
 * delayed one itself, as long as something else keeps the process alive.
 */
export class Promoter {
  readonly #timer = new DeadlineTimer(() => void this.#look());
  #isWatching = false;
  #hasDelayedOwn = false;

  /**
   * @param onTimed called at a look, unless the queue has nothing that becomes due
   * @param onPromoted called when messages were promoted
   */
  constructor(
    private readonly queue: MaintainedQueue,
    private readonly onTimed: () => void,
    private readonly onPromoted: () => void,
  ) {}

  /** Call this when the process begins to take from the queue. */
  start(): void {
    this.#isWatching = true;
    this.#timer.in(longestLookMs);
  }

  /** Call this when the process takes no more from the queue. */
  stop(): void {
    this.#isWatching = false;
    if (!this.#hasDelayedOwn) this.#timer.stop();
  }

  observe({ nextDueMs = Infinity }: QueueHints): void {
    this.#timer.in(Math.min(nextDueMs, this.#isWatching ? longestLookMs : Infinity));
  }

  /** Ensures promotion of a message that this process delayed. */
  ensurePromoted(hints: QueueHints): void {
    this.#hasDelayedOwn = true;
    this.observe(hints);
  }

  /** Leaves the promotion of these messages to other processes. */
  forget(): void {
    this.#hasDelayedOwn = false;
    if (!this.#isWatching) this.#timer.stop();
  }

  /** One pass. */
  async promote(): Promise<QueueHints> {
    // Idle processes look every second. If nothing becomes due, one cheap command is enough.
    const { broker, events, name } = this.queue;
    if (!(await broker.reader.delayed.isTimed({ withinMs: 0 }))) return {};
    if (this.#isWatching) this.onTimed();
    const { promoted, ...hints } = await broker.promote({ withinMs: 0 });
    if (promoted === 0) return hints;
    this.onPromoted();
    emit(events, 'promote', { queue: name, count: promoted });
    return hints;
  }

  async #look(): Promise<void> {
    const hints = await this.promote().catch((): QueueHints => ({ nextDueMs: longestLookMs })); // Redis is away: the next look tries again
    this.#hasDelayedOwn &&= hints.nextDueMs !== undefined;
    if (this.#isWatching || this.#hasDelayedOwn) this.observe(hints);
  }
}
