// Longer than 250 lines: most of it documents what a handler can do with a message.
import { inspect } from 'node:util';
import { toMs, type Duration } from '../core/duration.js';
import type { TraceContext } from '../core/trace-context.js';
import { AlreadySettledError } from '../core/errors.js';
import type { JobFields } from '../core/job.js';
import type { AwaitedJob } from '../core/options/after.js';
import type { PutOptions } from '../core/options/put.js';
import type { ParentOfJob } from '../jobs/parent.js';
import type { ScheduleOfJob } from '../schedules/run-id.js';
import { newId } from '../wire/id.js';

/** How a message is settled. */
export type SettleVerb = 'ack' | 'retry' | 'bury' | 'release';

/**
 * A queue on which `job.next` can put: a HotQueue.
 *
 * @example
 * const queue: FollowUpQueue<{ text: string }> = counts;
 */
export interface FollowUpQueue<In> {
  /** Its name. */
  readonly name: string;
  /** As `put` of a HotQueue: only its type matters here. */
  putAll(messages: Iterable<In>): Promise<unknown>;
}

/** What changes in a delivery while its handler runs. It is an object of its own, because a handler may freeze its delivery. */
export interface DeliveryState {
  settledBy: SettleVerb | undefined;
  failure: { readonly error: unknown } | undefined;
  /** Created when a handler asks for the signal: most never do. */
  controller: AbortController | undefined;
}

/**
 * One message in a worker's hands, which can be settled.
 *
 * A handler that returns settles its message with `ack`. A handler that throws settles it with `retry` or `bury`. Settle it
 * yourself only to say something else. One object serves as the delivery that a handler sees and as the claim that the library
 * works with (`claim.ts`).
 *
 * @example
 * queue.worker(async (image, job) => {
 *   if (job.attempt > 1) await cleanUp(job.id);
 *   await resize(image, { signal: job.signal });
 * });
 */
export abstract class Delivery<T = unknown> implements JobFields<T> {
  /** The payload, decoded and validated. */
  abstract readonly payload: T;
  /** @internal */
  protected abstract readonly state: DeliveryState;

  /**
   * Makes a delivery for a unit test. It belongs to no queue, and remembers how it was settled.
   *
   * @example
   * await studio.resize(image, Delivery.of(image));
   */
  static of<T>(payload: T, as: { id?: string; attempt?: number; signal?: AbortSignal } = {}): Delivery<T> {
    return new DetachedDelivery(payload, as);
  }

  /** Id of the message, the same on every attempt. */
  abstract get id(): string;

  /** Name of the queue. */
  abstract get queue(): string;

  /** Number of this attempt, 1 for the first. */
  abstract get attempt(): number;

  /** When the message was put, Unix ms. */
  abstract get putAt(): number;

  /** The schedule that put the message, and the instant at which it was due; `undefined` for other messages. */
  abstract get schedule(): ScheduleOfJob | undefined;

  /** The trace context that the message carries, of the program that put it; `undefined` for a message without one. */
  abstract get trace(): TraceContext | undefined;

  /** How the message was settled, by the handler or by the library after it; `undefined` until then. */
  get settledBy(): SettleVerb | undefined {
    return this.state.settledBy;
  }

  /** Aborts when the message no longer belongs to this worker: its lease was lost, its time was up, or the shutdown timeout passed. */
  get signal(): AbortSignal {
    this.state.controller ??= new AbortController();
    return this.state.controller.signal;
  }

  /** What {@link fail} was called with, as `error`; `undefined` if it was not called. */
  get failure():
    | {
        /** What the handler passed to {@link fail}. */
        readonly error: unknown;
      }
    | undefined {
    return this.state.failure;
  }

  /**
   * Drops the message: it is done.
   *
   * @throws LeaseLostError, AlreadySettledError
   */
  abstract ack(): Promise<void>;

  /**
   * Gives the message back for another attempt, also when `attempts` is used up.
   *
   * @param options `delay` before the next attempt; the backoff of the worker by default
   * @throws LeaseLostError, AlreadySettledError, InvalidOptionError
   */
  async retry({ delay }: { delay?: Duration } = {}): Promise<void> {
    await this.retryIn(delay === undefined ? this.backoffMs() : toMs(delay, 'delay'));
  }

  /**
   * Moves the message to the dead letters.
   *
   * @param reason kept beside the message, as `DeadLetter.reason`
   * @throws LeaseLostError, AlreadySettledError
   */
  abstract bury(reason: string): Promise<void>;

  /**
   * Gives the message back to the head of the queue, as if it had not been taken. The attempt does not count.
   *
   * @throws LeaseLostError, AlreadySettledError
   */
  abstract release(): Promise<void>;

  /**
   * Marks this message as failed, as if its handler had thrown `error` for it alone. When the handler has ended, the message is
   * tried again or buried by the usual rules; `Bury` and `RetryIn` work too. `error` counts also if the handler throws another error later. For single
   * failures in a batch.
   *
   * @throws AlreadySettledError
   * @example
   * queue.worker(async (images, jobs) => {
   *   for (const [index, result] of (await uploadAll(images)).entries()) if (result.error) jobs[index].fail(result.error);
   * }, { batch: 100 });
   */
  fail(error: unknown): void {
    if (this.settledBy) throw new AlreadySettledError(this.id, this.settledBy, 'fail');
    this.state.failure = { error };
  }

  /**
   * Reports how far the work is: a number from 0 to 1, or any JSON value. `job.watch()` and `job.fetch()` show it. Only for tracked
   * messages.
   *
   * @throws NotTrackedError, NotSerializableError, LeaseLostError; JobCancelledError if the job was cancelled
   * @example
   * await job.progress(0.5);
   * await job.progress({ pages: 3, of: 10 });
   */
  abstract progress(value: unknown): Promise<void>;

  /**
   * Writes a line to the log of the job. Redis keeps the last 100 lines, each of at most 4,096 characters. Only for tracked messages.
   *
   * @throws NotTrackedError, LeaseLostError; JobCancelledError if the job was cancelled
   * @example
   * await job.log('fetched 12 kB');
   */
  abstract log(line: string): Promise<void>;

  /**
   * Puts another message if, and only if, this one is done: both happen in one step in Redis, so a crash can neither lose the other
   * message nor put it twice. Call it before the handler returns, any number of times. If this message fails, is buried or is released,
   * nothing is put. A `maxLength` of the other queue does not hold for it.
   *
   * @param queue where to put it, in the same Redis
   * @param payload checked at once
   * @param options as for `queue.with`
   * @returns the job that it will be
   * @throws NotAQueueError, InvalidPayloadError, NotSerializableError, InvalidOptionError, AlreadySettledError
   * @example
   * pages.worker(async (page, job) => {
   *   const text = await fetchText(page.url);
   *   await job.next(counts, { text }, { priority: 'low' });
   * });
   */
  abstract next<In>(queue: FollowUpQueue<In>, payload: In, options?: PutOptions): Promise<JobFields>;

  /**
   * How the jobs ended for which this one waited, in the order of `after`. Empty for other messages.
   *
   * @typeParam R what their handlers return
   * @throws RedisUnreachableError if Redis does not answer for 10 s
   * @example
   * sums.worker(async (_, job) => {
   *   const parts = await job.parents<number>();
   *   return parts.reduce((sum, { result = 0 }) => sum + result, 0);
   * });
   */
  abstract parents<R = unknown>(): Promise<ParentOfJob<R>[]>;

  /**
   * The result of another job or flow, once that has ended, becomes the result of this job. Only for tracked messages. The handler
   * must return after it.
   *
   * @throws NotTrackedError, AlreadySettledError; NotAQueueError if the other job is on another Redis
   * @example
   * books.worker(async (book, job) => {
   *   const flow = await group(book.pages.map((page) => counts.task(page)), { then: sums.task() });
   *   job.continueWith(flow);
   * });
   */
  abstract continueWith(job: AwaitedJob): void;

  /** The fields that `JSON.stringify` and `console.log` show. */
  toJSON(): object {
    const { id, queue, payload, attempt, putAt } = this;
    return { id, queue, payload, attempt, putAt };
  }

  [inspect.custom](): object {
    return Object.assign(Object.create({ constructor: Delivery }) as object, this.toJSON());
  }

  /** Ms before the next attempt by the worker's backoff. */
  protected abstract backoffMs(): number;

  /** Settles the message with `retry`. */
  protected abstract retryIn(delayMs: number): Promise<void>;
}

/** A delivery of no queue, for unit tests. */
class DetachedDelivery<T> extends Delivery<T> {
  readonly id: string;
  readonly queue = 'none';
  readonly attempt: number;
  readonly putAt = Date.now();
  readonly schedule = undefined;
  readonly trace = undefined;
  /** What the handler has reported, for the test to look at. */
  reported: unknown;
  readonly lines: string[] = [];
  readonly followUps: unknown[] = [];
  protected readonly state: DeliveryState = { settledBy: undefined, failure: undefined, controller: undefined };

  constructor(
    readonly payload: T,
    { id = newId(), attempt = 1, signal }: { id?: string; attempt?: number; signal?: AbortSignal },
  ) {
    super();
    this.id = id;
    this.attempt = attempt;
    if (signal) this.state.controller = { signal, abort: () => undefined }; // the caller aborts it
  }

  ack(): Promise<void> {
    return this.#settle('ack');
  }

  bury(): Promise<void> {
    return this.#settle('bury');
  }

  release(): Promise<void> {
    return this.#settle('release');
  }

  progress(value: unknown): Promise<void> {
    this.reported = value;
    return Promise.resolve();
  }

  next(_queue: object, payload: unknown): Promise<JobFields> {
    this.followUps.push(payload);
    return Promise.resolve({ id: newId(), queue: 'none', payload, putAt: Date.now() });
  }

  continueWith(job: unknown): void {
    this.reported = job;
  }

  parents(): Promise<[]> {
    return Promise.resolve([]);
  }

  log(line: string): Promise<void> {
    this.lines.push(line);
    return Promise.resolve();
  }

  protected retryIn(): Promise<void> {
    return this.#settle('retry');
  }

  protected backoffMs(): number {
    return 0;
  }

  #settle(verb: SettleVerb): Promise<void> {
    this.state.settledBy ??= verb;
    return Promise.resolve();
  }
}
