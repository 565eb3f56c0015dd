import type { Backoff } from '../core/options/backoff.js';
import type { LingerOf } from '../core/options/batch.js';
import type { Duration } from '../core/duration.js';
import type { ScheduleOptions } from '../schedules/options.js';
import type { Delivery } from '../consumer/delivery.js';

// No option may be called `name`, `kind`, `static`, `private`, `access` or `metadata`: the context of a standard decorator has
// these properties, and `isContext` distinguishes the two.
/**
 * Options of a worker.
 *
 * `attempts`, `backoff` and `timeout` of a message, or of the queue object that put it, take precedence over those of the worker. Those of
 * the queue object of the worker apply if both have none.
 *
 * @example
 * ```ts
 * const resize = images.worker(resizeImage, {
 *   concurrency: 4,
 *   attempts: 5,
 *   backoff: '2s',
 *   timeout: '1m',
 *   retryIf: (error) => !(error instanceof RangeError),
 * });
 * ```
 * @typeParam B `number` for a worker that takes arrays, `undefined` for one that takes single messages
 */
export interface WorkerOptions<B extends number | undefined = undefined> {
  /** Maximum number of messages at a time, 1 to 10,000; default 1. */
  concurrency?: number;
  /** Maximum number of attempts, including the first; default 3. */
  attempts?: number;
  /**
   * Delay before the next attempt; default 1 s, doubled with each attempt, half of it random. If a function throws or
   * returns an invalid duration, the default applies, and a warning is logged.
   */
  backoff?: Backoff;
  /**
   * Whether to retry after `error`; `attempt` is the number of the attempt that failed. Every error is retried by default, and
   * also if the function throws, or returns anything but true or false.
   */
  retryIf?: (error: unknown, attempt: number) => boolean;
  /**
   * Maximum duration of an attempt, from 1 ms; no limit by default. When it has passed, `job.signal` aborts, and the attempt
   * has failed. A handler that ignores the signal runs on beside the next message in its slot, even beside the next attempt
   * of its own message.
   */
  timeout?: Duration;
  /**
   * How long a handler may block the event loop and keep its messages, from 1 ms; the `timeout` by default, or 10 minutes without
   * one. A thread renews the lease meanwhile. After that, another worker gets the messages when the lease has ended.
   */
  maxBlocked?: Duration;
  /**
   * Schedules of the queue, by name. They are stored when the worker starts, as by `queue.schedules.set`. One that is removed from the
   * code stays in Redis: `hotqueue doctor` reports it, and `queue.schedules.remove` removes it.
   */
  schedules?: Readonly<Record<string, ScheduleOptions>>;
  /** Maximum number of messages per call, 1 to 1,000. Default: the handler gets single messages. */
  batch?: B;
  /**
   * With `batch`: how long a batch may wait for more messages after its first; default 0: it takes the messages that are there.
   */
  linger?: LingerOf<B>;
}

/**
 * Options of a worker that takes arrays of messages. `concurrency` counts calls of the handler. All other options apply to
 * each message.
 *
 * @example
 * ```ts
 * const store = measurements.worker((items) => archive.insert(items), { batch: 100, linger: '50ms' });
 * ```
 */
export interface BatchWorkerOptions extends WorkerOptions<number> {
  /** Maximum number of messages per call, 1 to 1,000. */
  batch: number;
}

/**
 * The handler of a worker. If it returns, the message is acknowledged. If it throws, the message is retried or buried.
 *
 * @example
 * ```ts
 * const send: Handler<Email> = async (email, job) => mailer.send(email, { idempotencyKey: job.id });
 * ```
 */
export type Handler<T, R = unknown> = (payload: T, job: Delivery<T>) => R;

/**
 * The handler of a worker that takes arrays; `jobs[i]` is the delivery of `payloads[i]`. If it throws, all messages have
 * failed. If it returns, all are acknowledged, except those with `jobs[i].fail(error)`.
 *
 * @example
 * ```ts
 * const store: BatchHandler<Measurement> = async (items, jobs) => {
 *   const accepted = await archive.insert(items);
 *   for (const [index, job] of jobs.entries()) {
 *     if (!accepted[index]) job.fail(new Error('rejected by the archive'));
 *   }
 * };
 * ```
 */
export type BatchHandler<T, R = unknown> = (payloads: T[], jobs: Delivery<T>[]) => R;

/**
 * What `queue.worker(fn)` returns. Called with a payload, it calls the handler. Called without arguments, it works until
 * SIGINT or SIGTERM, as `run` does.
 *
 * @example
 * ```ts
 * const echo = queue.worker((item) => console.log(item));
 * await echo();
 * ```
 */
export interface WorkerFunction<T, R = unknown> {
  (): Promise<void>;
  (payload: T, job?: Delivery<T>): R;
}

/**
 * {@link WorkerFunction} for a handler of arrays.
 *
 * @example
 * ```ts
 * const store = measurements.worker((items) => archive.insert(items), { batch: 100 });
 * await store();
 * ```
 */
export interface BatchWorkerFunction<T, R = unknown> {
  (): Promise<void>;
  (payloads: T[], jobs?: Delivery<T>[]): R;
}

/** Any object except a class and an array. */
export type Instance =
  | (object & { readonly prototype?: undefined; readonly [Symbol.iterator]?: undefined })
  | Readonly<Record<string, unknown>>; // for object literals, which may have any properties

/**
 * What `run` and `start` accept: an instance with decorated methods or worker fields, a wrapped function, or an array of
 * these. Not a class: write `new Studio()`.
 *
 * @example
 * ```ts
 * await run([new Studio(), emails.worker(send)]);
 * ```
 */
export type WorkerSource = Instance | readonly Instance[];
