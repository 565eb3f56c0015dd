import { InvalidOptionError } from '../core/errors.js';
import { emit } from '../core/events.js';
import { a, checkOptions, type OptionSchema } from '../core/options/schema.js';
import { describe } from '../core/shown.js';
import { dueSchema, dueOf, type DueOptions, type Priority } from '../core/options/placement.js';
import { newId } from '../wire/id.js';
import { open } from '../wire/envelope.js';
import type { StoredDelayed } from '../redis/delayed-reader.js';
import type { Due } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import { tenSeconds } from '../redis/reading.js';

/**
 * A message that is not due yet: put with a delay, or waiting for a retry.
 *
 * @example
 * ```ts
 * const [next] = await queue.delayed.list({ limit: 1 });
 * if (next) console.log(next.id, new Date(next.dueAt), next.text);
 * ```
 */
export interface DelayedMessage {
  /** Name of this message in `get`, `cancel`, `move` and `promote`: its id, plus `~` and a number if another delayed message has that id. */
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  /** When it becomes due: Unix ms, by the clock of the Redis server. */
  readonly dueAt: number;
  /** Priority with which it will be waiting. */
  readonly priority: Priority;
  /** Number of attempts that failed; 0 for a message that was put with a delay. */
  readonly attempts: number;
  /** The payload as it was stored, not parsed: JSON text by default. */
  readonly text: string;
}

const listTable: OptionSchema<{ limit: number; offset: number }> = {
  limit: a.whole(1),
  offset: a.whole(0, Number.MAX_SAFE_INTEGER),
};

/**
 * The delayed messages of a queue, as `queue.delayed`: read them, cancel them, or change when they are due.
 *
 * Every method throws QueueClosedError after `queue.close()`, and RedisUnreachableError if Redis does not answer for 10 s.
 *
 * @example
 * ```ts
 * const job = await queue.with({ delay: '1h' }).put({ to: 'ada@example.com' });
 * await queue.delayed.move(job.id, { delay: '10m' });
 * ```
 */
export class DelayedMessages {
  constructor(private readonly context: QueueContext) {}

  /**
   * Number of delayed messages.
   *
   * @example
   * ```ts
   * console.log(await queue.delayed.size(), 'messages are not due yet');
   * ```
   */
  async size(): Promise<number> {
    this.context.admit();
    return this.context.broker.reader.delayed.count();
  }

  /**
   * One page of delayed messages. The message that is due first comes first.
   *
   * @param options `limit`: most messages to return, 1 to 1,000,000 (default 100); `offset`: how many to skip (default 0)
   * @throws InvalidOptionError for an unknown option or a value out of range
   * @example
   * ```ts
   * for (const { id, dueAt } of await queue.delayed.list({ limit: 20 })) console.log(id, new Date(dueAt));
   * ```
   */
  async list(options?: { limit?: number; offset?: number }): Promise<DelayedMessage[]> {
    this.context.admit();
    const { limit = 100, offset = 0 } = checkOptions(
      `delayed.list() on queue "${this.context.name}"`,
      options,
      listTable,
    );
    const found = await this.context.broker.reader.delayed.page({ offset, limit });
    return found.map((stored) => this.#message(stored));
  }

  /**
   * The delayed message with this id, or `undefined` if there is none or it is waiting already.
   *
   * @throws InvalidOptionError if `id` is not a string, or is empty
   * @example
   * ```ts
   * const message = await queue.delayed.get(job.id);
   * console.log(message ? `due at ${new Date(message.dueAt)}` : 'not delayed any more');
   * ```
   */
  async get(id: string): Promise<DelayedMessage | undefined> {
    this.context.admit();
    refuseNoId(id);
    const stored = await this.context.broker.reader.delayed.message(id);
    return stored && this.#message(stored);
  }

  /**
   * Deletes a delayed message. An id of your own stays known in Redis for its `uniqueFor` time, so putting it again stores nothing.
   *
   * @returns false if there is no such delayed message: it never existed, or it is waiting, active, done or dead
   * @throws InvalidOptionError if `id` is not a string, or is empty
   * @example
   * ```ts
   * if (!(await queue.delayed.cancel(job.id))) console.log('too late: a worker can take it already');
   * ```
   */
  async cancel(id: string): Promise<boolean> {
    this.context.admit();
    refuseNoId(id);
    const isCancelled = await this.#cancel(id);
    if (isCancelled) emit(this.context.events, 'cancel', { queue: this.context.name, id });
    return isCancelled;
  }

  /**
   * Changes when a delayed message is due.
   *
   * @param due `{ delay }`: how long from now; or `{ at }`: a `Date` or Unix ms
   * @returns false if there is no such delayed message, as for {@link cancel}
   * @throws InvalidOptionError if `id` is not a string or is empty, or if not exactly one of `delay` and `at` is given
   * @example
   * ```ts
   * await queue.delayed.move(job.id, { at: new Date('2026-12-24T18:00:00Z') });
   * ```
   */
  async move(id: string, due: DueOptions): Promise<boolean> {
    this.context.admit();
    const where = `delayed.move() on queue "${this.context.name}"`;
    const checked = dueOf(where, checkOptions(where, due, dueSchema));
    const isMoved = await this.#move(id, checked);
    const dueAt = 'at' in checked ? checked.at : Date.now() + checked.afterMs;
    if (isMoved) emit(this.context.events, 'move', { queue: this.context.name, id, dueAt });
    return isMoved;
  }

  /**
   * Makes a delayed message waiting now, so that a worker can take it.
   *
   * @returns false if there is no such delayed message, as for {@link cancel}
   * @throws InvalidOptionError if `id` is not a string, or is empty
   * @example
   * ```ts
   * await queue.delayed.promote(job.id);
   * ```
   */
  async promote(id: string): Promise<boolean> {
    this.context.admit();
    const isPromoted = await this.#move(id, { afterMs: 0 });
    if (isPromoted) emit(this.context.events, 'promote', { queue: this.context.name, count: 1, id });
    return isPromoted;
  }

  /** A tracked message is cancelled together with its job. */
  async #cancel(id: string): Promise<boolean> {
    const { broker } = this.context;
    if (!(await broker.jobs.exists(id))) return broker.cancel(id, newId(), tenSeconds);
    if (!(await broker.reader.delayed.message(id))) return false;
    const before = await broker.jobs.cancel(id, newId());
    return before === 'delayed' || before === 'retrying';
  }

  async #move(id: string, due: Due): Promise<boolean> {
    refuseNoId(id);
    const { broker } = this.context;
    const { isMoved, ...hints } = await broker.move(id, due, newId(), tenSeconds);
    if (isMoved && (await broker.jobs.exists(id))) await broker.jobs.mend(id); // its record says when it is due
    if (isMoved) this.context.maintenance.ensurePromoted(hints);
    return isMoved;
  }

  #message({ id, dueAt, lane, message }: StoredDelayed): DelayedMessage {
    const priority = lane === 'h' ? 'high' : lane === 'l' ? 'low' : 'normal';
    const { header, text } = open(message);
    return { id, queue: this.context.name, dueAt, priority, attempts: header?.attempts ?? 0, text };
  }
}

/** Refuses a job that was passed instead of its id: Redis would look for "[object Object]" and answer that it does not exist. */
function refuseNoId(id: unknown): void {
  if (typeof id !== 'string' || id === '')
    throw new InvalidOptionError('id', `invalid id ${describe(id)}: expected the id of a message, such as job.id`);
}
