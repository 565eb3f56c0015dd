import type { Backoff } from '../core/options/backoff.js';
import type { Duration } from '../core/duration.js';
import type { Delivery } from '../consumer/delivery.js';

// No option may be called `name`, `kind`, `static`, `private`, `access` or `metadata`: the context of a standard decorator has
// these properties, and `isContext` tells the two apart.
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
 */
export interface WorkerOptions {
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
export interface BatchWorkerOptions extends WorkerOptions {
  /** Maximum number of messages per call, 1 to 1,000. */
  batch: number;
  /** How long a batch may wait for more messages after its first; default 0: it takes the messages that are there. */
  linger?: Duration;
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

/** Marks an invalid declaration. It is never assignable, so the compiler prints the reason. */
export interface Refused<Reason extends string> {
  readonly ' ': Reason;
}

/** Name of a queue without `payload`. Refuses `new HotQueue<T>(name)`, which would promise a type that is never checked. */
export type Checked<T> = unknown extends T
  ? string
  : Refused<'A type is not checked at run time: pass { payload: YourClass }'>;

/**
 * Decorator of a method whose first parameter is `T`, under `experimentalDecorators` and under standard decorators.
 *
 * @example
 * ```ts
 * class Studio {
 *   @images.worker({ concurrency: 4 })
 *   async resize(image: ResizeImage, job: Delivery<ResizeImage>): Promise<void> {}
 * }
 * ```
 */
export interface WorkerDecorator<T> {
  <This, F extends (this: This, payload: T, job: Delivery<T>) => unknown>(
    method: F,
    context: ClassMethodDecoratorContext<This, F> & { static: false; private: false },
  ): void;
  <F extends Handler<T>>(target: object, key: string | symbol, method: TypedPropertyDescriptor<F>): void;
}

type NoClass = Refused<'This queue has no payload class. Write new HotQueue(name, { payload: YourClass })'>;

/**
 * Decorator of a queue without a payload class. The class comes from the method's parameter, which only legacy decorators
 * can read.
 */
export interface InferringWorkerDecorator {
  (method: (...args: never[]) => unknown, context: NoClass): void;
  // `P` is inferred from the method: any payload, and a delivery of the same payload.
  <P, F extends Handler<P>>(
    target: object,
    key: string | symbol,
    method: TypedPropertyDescriptor<F & Handler<P>>,
  ): void;
}

/**
 * Decorator of a method that takes arrays.
 *
 * @example
 * ```ts
 * class Archive {
 *   @measurements.worker({ batch: 100 })
 *   async store(items: Measurement[], jobs: Delivery<Measurement>[]): Promise<void> {}
 * }
 * ```
 */
export interface BatchWorkerDecorator<T> {
  <This, F extends (this: This, payloads: T[], jobs: Delivery<T>[]) => unknown>(
    method: F,
    context: ClassMethodDecoratorContext<This, F> & { static: false; private: false },
  ): void;
  <F extends BatchHandler<T>>(target: object, key: string | symbol, method: TypedPropertyDescriptor<F>): void;
}

/** Always refuses: the compiler does not emit the type of array elements. */
interface RefusedBatchDecorator {
  (method: (...args: never[]) => unknown, context: NoElements): void;
  (target: object, key: string | symbol, method: NoElements): void;
}
type NoElements =
  Refused<'This queue has no payload class, and the compiler does not emit the type of array elements. Write new HotQueue(name, { payload: YourClass })'>;

/** For `HotQueue<any>`, which stands for every queue. Not `any` itself: `worker(queue)` could not infer `T` from it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyDecorator = (...place: any[]) => any;

/** The decorator of a queue of `T`. */
export type DecoratorFor<T> = 0 extends 1 & T
  ? AnyDecorator
  : unknown extends T
    ? InferringWorkerDecorator
    : WorkerDecorator<T>;

/** The decorator of a queue of `T`, for a method that takes arrays. */
export type BatchDecoratorFor<T> = 0 extends 1 & T
  ? AnyDecorator
  : unknown extends T
    ? RefusedBatchDecorator
    : BatchWorkerDecorator<T>;

/**
 * Type of `queue.worker`. It is bound to its queue, so it also works detached, as in `@queue.worker`.
 *
 * @example
 * ```ts
 * class Studio {
 *   @images.worker resize(image: ResizeImage): void {}
 * }
 * const echo = images.worker((image) => console.log(image.path), { concurrency: 4 });
 * ```
 */
export type QueueWorker<T> = DecoratorFor<T> & Declaring<T> & LastWord<T>;

interface Declaring<T> {
  /** `@queue.worker({ batch: 100 })`. */
  (options: BatchWorkerOptions): BatchDecoratorFor<T>;
  /** `@queue.worker({ concurrency: 4 })`. */
  (options?: WorkerOptions): DecoratorFor<T>;
  /** `const store = queue.worker((items) => …, { batch: 100 })`. */
  <R>(handler: BatchHandler<T, R>, options: BatchWorkerOptions): BatchWorkerFunction<T, R>;
  /**
   * `const echo = queue.worker(item => …)`, then `await echo()`; also as a typed class field.
   *
   * It is the last signature, because the compiler only explains the last one. `options` prevents its use as a decorator.
   */
  <R>(handler: Handler<T, R>, options?: WorkerOptions): WorkerFunction<T, R>;
}

/**
 * The compiler only explains the last of several signatures. On a queue without a payload class, this one says what standard
 * decorators lack. Its return type differs from that of the signature above, because of two equal signatures the first is
 * kept.
 */
type LastWord<T> = 0 extends 1 & T
  ? unknown
  : unknown extends T
    ? (method: (...args: never[]) => unknown, context: NoClass) => undefined
    : unknown;

/**
 * What `run` and `start` accept: an instance with decorated methods or worker fields, a wrapped function, or an array of
 * these.
 *
 * @example
 * ```ts
 * await run([new Studio(), emails.worker(send)]);
 * ```
 */
export type WorkerSource = object | readonly object[];
