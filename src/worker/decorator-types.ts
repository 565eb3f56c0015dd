// Types of `queue.worker` and of its decorators. Half of them exist for the errors of the compiler.
import type { Refused } from '../core/options/batch.js';
import type { Plain } from '../payload/types.js';
import type { BatchHandler, BatchWorkerFunction, Handler, Instance, WorkerFunction, WorkerOptions } from './types.js';

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

/** A type that no value has. It stands for the return type of a handler, as long as the compiler has seen none. */
interface Unseen {
  readonly ' ': never;
}

/**
 * Types of the arguments of a signature that does not apply: more than any caller gives. The compiler then explains only the
 * other signature. If two have the right number of arguments, its first line says only "No overload matches this call".
 *
 * `First` has a place in the branch that is never taken, because the compiler infers from all branches, but from no list of
 * another length.
 */
type NotThisOne<First> = [First] extends [Unseen] ? [First, ...unknown[]] : [never, never];

/** The second argument of a standard decorator, of which the compiler infers `C`. With any other, the signature does not apply. */
export type MethodContext<C, Wanted = PublicMethod> = C extends AnyContext ? [context: Wanted] : NotThisOne<C>;

/** The context of a standard decorator on a public instance method. */
interface PublicMethod {
  readonly kind: 'method';
  readonly static: false;
  readonly private: false;
}

/** What every context of a standard decorator has, and no option. */
export interface AnyContext {
  readonly kind: string;
}

/** Whether `Second` is the second argument of a decorator: the name of a property, or a context. */
type IsPlace<Second> = unknown extends Second
  ? false
  : [Second] extends [never]
    ? false
    : [Second] extends [PropertyKey | AnyContext]
      ? true
      : false;

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
  <F extends Handler<T>, C>(method: F & Fits<ReturnType<F>, Result>, ...context: MethodContext<C>): void;
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
  <C>(method: (...args: never[]) => unknown, ...context: MethodContext<C, NoClass>): void;
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
  <F extends BatchHandler<T>, C>(method: F & FitsBatch<ReturnType<F>, Result>, ...context: MethodContext<C>): void;
  /** @typeParam F the method, under `experimentalDecorators` */
  <F extends BatchHandler<T>>(
    target: Instance,
    key: string | symbol,
    method: TypedPropertyDescriptor<F> & FitsBatch<ReturnType<F>, Result>,
  ): void;
}

/** Always refuses: the compiler does not emit the type of array elements. */
interface RefusedBatchDecorator {
  <C>(method: (...args: never[]) => unknown, ...context: MethodContext<C, NoElements>): void;
  (target: object, key: string | symbol, method: NoElements): void;
}
type NoElements =
  Refused<'This queue has no payload class, and the compiler does not emit the type of array elements. Write new HotQueue(name, { payload: YourClass })'>;

/** For `HotQueue<any>`, which stands for every queue. Not `any` itself: `worker(queue)` could not infer `T` from it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyDecorator = (...place: any[]) => any;

/** The decorator of a queue of `T`. */
type DecoratorFor<T, Result = unknown> = 0 extends 1 & T
  ? AnyDecorator
  : unknown extends T
    ? InferringWorkerDecorator
    : WorkerDecorator<T, Result>;

/** The decorator of a queue of `T`. `B` is `number` if `batch` is set. */
export type EitherDecoratorFor<T, Result, B> = [B] extends [number]
  ? BatchDecoratorFor<T, Result>
  : DecoratorFor<T, Result>;

/** The decorator of a queue of `T`, for a method that takes arrays. */
type BatchDecoratorFor<T, Result = unknown> = 0 extends 1 & T
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
export type QueueWorker<T, Result = unknown> = Declaring<T, Result> & DecoratorFor<T, Result>;

/** What a handler may return: on a queue with `result`, that type; for each message of a batch. */
type Returns<Result, B> = OrPromise<
  unknown extends Result ? unknown : [B] extends [number] ? readonly Plain<Result>[] : Plain<Result>
>;

/** `B` is `number` if `batch` is set. */
type HandlerFor<T, R, B> = [B] extends [number] ? BatchHandler<T, R> : Handler<T, R>;

/** What the compiler compares a handler with: `R`, or what a handler may return if `R` is not known, or does not fit. */
type Expected<R, Result, B> = [Unseen] extends [R] ? Returns<Result, B> : R;

/**
 * It is one signature, so that the compiler explains a mistake in its first line. It comes before the decorators: after a
 * mistake, the compiler goes on with the first signature, and reports no second error about the method.
 */
interface Declaring<T, Result> {
  /**
   * `@queue.worker({ concurrency: 4 })`, and `const echo = queue.worker(item => …)`, then `await echo()`; also as a typed class
   * field. With `batch`, for arrays.
   */
  <R extends Returns<Result, B> | Unseen = Unseen, B extends number | undefined = undefined, Second = unknown>(
    handlerOrOptions?: HandlerFor<T, Expected<R, Result, B>, B> | WorkerOptions<B>,
    ...options: IsPlace<Second> extends true
      ? [never, never]
      : [Second] extends [Unseen]
        ? [Second, ...unknown[]]
        : [options?: WorkerOptions<B>]
  ): IsPlace<Known<Second>> extends true ? void : Declared<T, Result, Known<R>, Known<B>>;
}

/** `X`, from which the compiler infers nothing: it would infer what a handler returns from where the result goes. */
type Known<X> = [X][X extends unknown ? 0 : never];

type Declared<T, Result, R, B> =
  HasHandler<R> extends true
    ? [B] extends [number]
      ? BatchWorkerFunction<T, Expected<R, Result, B>>
      : WorkerFunction<T, Expected<R, Result, B>>
    : EitherDecoratorFor<T, Result, B>;

/** `any` and `never` are assignable to {@link Unseen} too, and a handler may return them. */
type HasHandler<R> = 0 extends 1 & R ? true : [R] extends [never] ? true : [R] extends [Unseen] ? false : true;
