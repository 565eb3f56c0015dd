// Types of `queue.worker` and of its decorators. Half of them exist for the errors of the compiler.
import type { Delivery } from '../consumer/delivery.js';
import type { Plain } from '../payload/types.js';
import type {
  BatchHandler,
  BatchWorkerFunction,
  BatchWorkerOptions,
  Handler,
  Instance,
  WorkerFunction,
  WorkerOptions,
} from './types.js';

/** Marks an invalid declaration. It is never assignable, so the compiler prints the reason. */
export interface Refused<Reason extends string> {
  readonly ' ': Reason;
}

/**
 * Name of a queue without `payload`. Refuses `new HotQueue<YourClass>(name)`, which would promise a class that is never checked.
 * A string or a number has no class.
 */
export type Checked<T> = unknown extends T
  ? string
  : [T] extends [string | number | boolean | null]
    ? string
    : Refused<'A type is not checked at run time: pass { payload: YourClass }'>;

/** Options of a queue: without {@link Checked}'s reason to refuse them, `payload` may be absent. */
export type NeedsPayload<T> = Checked<T> extends string ? unknown : { payload: unknown };

/** Options that may be `undefined`, as far as {@link Checked} allows a queue without options. */
export type Unneeded<T> = Checked<T> extends string ? undefined : never;

/**
 * Refuses a handler whose return type does not fit the `result` of its queue: the compiler prints the reason. On a queue without
 * `result`, a handler may return what it likes.
 */
type Fits<Returned, Result> = unknown extends Result
  ? unknown
  : [Awaited<Returned>] extends [Plain<Result>]
    ? unknown
    : Refused<'This handler does not return what `result` of its queue says'>;

type OrPromise<R> = R | PromiseLike<R>;

/** {@link Fits} for a handler of arrays: one result for each message. */
type FitsBatch<Returned, Result> = unknown extends Result
  ? unknown
  : [Awaited<Returned>] extends [readonly Plain<Result>[]]
    ? unknown
    : Refused<'This handler does not return an array with one `result` for each message'>;

/**
 * Decorator of a method whose first parameter is `T`, under `experimentalDecorators` and under standard decorators.
 *
 * @typeParam T the payload of the queue
 * @typeParam Result what the method must return; anything if it is `unknown`
 * @example
 * ```ts
 * class Studio {
 *   @images.worker({ concurrency: 4 })
 *   async resize(image: ResizeImage, job: Delivery<ResizeImage>): Promise<void> {}
 * }
 * ```
 */
export interface WorkerDecorator<T, Result = unknown> {
  /** @typeParam F the method, under standard decorators */
  <This, F extends (this: This, payload: T, job: Delivery<T>) => unknown>(
    method: F & Fits<ReturnType<F>, Result>,
    context: ClassMethodDecoratorContext<This, F> & { static: false; private: false },
  ): void;
  /** @typeParam F the method, under `experimentalDecorators` */
  <F extends Handler<T>>(
    target: Instance,
    key: string | symbol,
    method: TypedPropertyDescriptor<F> & Fits<ReturnType<F>, Result>,
  ): void;
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
    target: Instance,
    key: string | symbol,
    method: TypedPropertyDescriptor<F & Handler<P>>,
  ): void;
}

/**
 * Decorator of a method that takes arrays.
 *
 * @typeParam T the payload of the queue
 * @typeParam Result what the method must return for each message; anything if it is `unknown`
 * @example
 * ```ts
 * class Archive {
 *   @measurements.worker({ batch: 100 })
 *   async store(items: Measurement[], jobs: Delivery<Measurement>[]): Promise<void> {}
 * }
 * ```
 */
export interface BatchWorkerDecorator<T, Result = unknown> {
  /** @typeParam F the method, under standard decorators */
  <This, F extends (this: This, payloads: T[], jobs: Delivery<T>[]) => unknown>(
    method: F & FitsBatch<ReturnType<F>, Result>,
    context: ClassMethodDecoratorContext<This, F> & { static: false; private: false },
  ): void;
  /** @typeParam F the method, under `experimentalDecorators` */
  <F extends BatchHandler<T>>(
    target: Instance,
    key: string | symbol,
    method: TypedPropertyDescriptor<F> & FitsBatch<ReturnType<F>, Result>,
  ): void;
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
export type DecoratorFor<T, Result = unknown> = 0 extends 1 & T
  ? AnyDecorator
  : unknown extends T
    ? InferringWorkerDecorator
    : WorkerDecorator<T, Result>;

/** The decorator of a queue of `T`, for a method that takes arrays. */
export type BatchDecoratorFor<T, Result = unknown> = 0 extends 1 & T
  ? AnyDecorator
  : unknown extends T
    ? RefusedBatchDecorator
    : BatchWorkerDecorator<T, Result>;

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
export type QueueWorker<T, Result = unknown> = Configuring<T, Result> &
  DecoratorFor<T, Result> &
  Declaring<T, Result> &
  LastWord<T>;

/**
 * These come first: if an option is wrong, the compiler goes on with the first signature, and reports no second error about the
 * method.
 */
interface Configuring<T, Result> {
  /** `@queue.worker({ concurrency: 4 })`. */
  (options?: WorkerOptions): DecoratorFor<T, Result>;
  /** `@queue.worker({ batch: 100 })`. */
  (options: BatchWorkerOptions): BatchDecoratorFor<T, Result>;
}

interface Declaring<T, Result> {
  /** `const store = queue.worker((items) => …, { batch: 100 })`. */
  <R extends OrPromise<unknown extends Result ? unknown : readonly Plain<Result>[]>>(
    handler: BatchHandler<T, R>,
    options: BatchWorkerOptions,
  ): BatchWorkerFunction<T, R>;
  /**
   * `const echo = queue.worker(item => …)`, then `await echo()`; also as a typed class field.
   *
   * It is the last signature, because the compiler only explains the last one. `options` prevents its use as a decorator.
   */
  <R extends OrPromise<unknown extends Result ? unknown : Plain<Result>>>(
    handler: Handler<T, R>,
    options?: WorkerOptions,
  ): WorkerFunction<T, R>;
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
