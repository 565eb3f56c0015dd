import type { Backoff } from '../contract/backoff.js';
import type { Duration } from '../contract/durations.js';
import type { Delivery } from './delivery.js';

/** Never a `name`, `kind`, `static`, `private`, `access` or `metadata` here: a standard decorator's context has those. */
export interface WorkerOptions {
  /** How many messages are worked on at once; 1 by default. */
  concurrency?: number;
  /** Most attempts, the first included; the queue's by default. */
  attempts?: number;
  /** How long to wait before another attempt; the queue's by default. A function that throws is passed over for the default. */
  backoff?: Backoff;
  /** Whether an error is worth another attempt, `attempt` being the one that failed; every error is by default. */
  retryIf?: (error: unknown, attempt: number) => boolean;
  /**
   * How long an attempt may take; the queue's by default, which is as long as it likes. Then `job.signal` aborts, and it has
   * failed. A handler that ignores the signal runs on, beside whatever its place is given to next: its own message too.
   */
  timeout?: Duration;
}

/** For a worker that takes many messages at once: `concurrency` counts runs of the handler, everything else holds for each message. */
export interface BatchWorkerOptions extends WorkerOptions {
  /** Most messages in one run of the handler, 1 to 1,000. */
  batch: number;
  /** How long a batch may wait to be filled once its first message is there; not at all by default: it takes what there is. */
  linger?: Duration;
}

export type Handler<T, R = unknown> = (payload: T, job: Delivery<T>) => R;

/** Throws: all have failed. `jobs[3].fail(error)`: that one has. Returns: the others are done. */
export type BatchHandler<T, R = unknown> = (payloads: T[], jobs: Delivery<T>[]) => R;

/** A wrapped function. Called with a payload it runs the handler; called with nothing it works until stopped. */
export interface WorkerFunction<T, R = unknown> {
  (): Promise<void>;
  (payload: T, job?: Delivery<T>): R;
}

/** As {@link WorkerFunction}, for a handler of batches. */
export interface BatchWorkerFunction<T, R = unknown> {
  (): Promise<void>;
  (payloads: T[], jobs?: Delivery<T>[]): R;
}

/** Names what is wrong where something cannot be right. Never assignable; the compiler prints the reason. */
export interface Refused<Reason extends string> {
  readonly ' ': Reason;
}

/** The name of a queue without `payload`. `new HotQueue<T>(name)` would promise what nothing checks. */
export type Checked<T> = unknown extends T ? string : Refused<'A type alone checks nothing at run time: give { payload: YourClass }'>;

/** `@…` on a method, under `experimentalDecorators` and under standard decorators. */
export interface WorkerDecorator<T> {
  <This, F extends (this: This, payload: T, job: Delivery<T>) => unknown>(
    method: F,
    context: ClassMethodDecoratorContext<This, F> & { static: false; private: false },
  ): void;
  <F extends Handler<T>>(target: object, key: string | symbol, method: TypedPropertyDescriptor<F>): void;
}

type NoClass = Refused<'This queue has no payload class. Write new HotQueue(name, { payload: YourClass })'>;

/** For a queue that names no payload class: it is read from the method's parameter, which only legacy decorators can. */
export interface InferringWorkerDecorator {
  (
    method: (...args: never[]) => unknown,
    context: NoClass,
  ): void;
  // `P` is inferred from the method itself: a payload of its own choice, and a delivery of just that.
  <P, F extends Handler<P>>(target: object, key: string | symbol, method: TypedPropertyDescriptor<F & Handler<P>>): void;
}

/** `@…` with `batch`. */
export interface BatchWorkerDecorator<T> {
  <This, F extends (this: This, payloads: T[], jobs: Delivery<T>[]) => unknown>(
    method: F,
    context: ClassMethodDecoratorContext<This, F> & { static: false; private: false },
  ): void;
  <F extends BatchHandler<T>>(target: object, key: string | symbol, method: TypedPropertyDescriptor<F>): void;
}

/** No compiler tells of what a parameter is an array. */
interface RefusedBatchDecorator {
  (method: (...args: never[]) => unknown, context: NoElements): void;
  (target: object, key: string | symbol, method: NoElements): void;
}
type NoElements = Refused<'This queue has no payload class, and no compiler tells what the array is of. Write new HotQueue(name, { payload: YourClass })'>;

/** For `HotQueue<any>`, which stands for every queue. No bare `any`: `worker(queue)` could not infer from it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyDecorator = (...place: any[]) => any;

/** The decorator of a queue of `T`. */
export type DecoratorFor<T> = 0 extends 1 & T ? AnyDecorator : unknown extends T ? InferringWorkerDecorator : WorkerDecorator<T>;

/** The decorator of a queue of `T`, for a method that takes arrays. */
export type BatchDecoratorFor<T> = 0 extends 1 & T ? AnyDecorator : unknown extends T ? RefusedBatchDecorator : BatchWorkerDecorator<T>;

/** `queue.worker`: bound to its queue, so it works detached, which is how `@queue.worker` calls it. */
export type QueueWorker<T> = DecoratorFor<T> & Declaring<T> & LastWord<T>;

interface Declaring<T> {
  /** `@queue.worker({ batch: 100 })`. */
  (options: BatchWorkerOptions): BatchDecoratorFor<T>;
  /** `@queue.worker({ concurrency: 4 })`. */
  (options?: WorkerOptions): DecoratorFor<T>;
  /** `const store = queue.worker((items) => …, { batch: 100 })`. */
  <R>(handler: BatchHandler<T, R>, options: BatchWorkerOptions): BatchWorkerFunction<T, R>;
  /**
   * `const echo = queue.worker(item => …)`, then `await echo()`; also a typed class field.
   *
   * Stands last because the compiler explains the last one; `options` keeps it from serving as a decorator.
   */
  <R>(handler: Handler<T, R>, options?: WorkerOptions): WorkerFunction<T, R>;
}

/**
 * Of many signatures the compiler explains only the last: on a queue without payload class, what standard decorators lack.
 * It differs from the one above in what it returns, since of two equal ones the first is kept.
 */
type LastWord<T> = 0 extends 1 & T ? unknown : unknown extends T ? (method: (...args: never[]) => unknown, context: NoClass) => undefined : unknown;

/** An instance with decorated methods or worker fields, a wrapped function, or an array of these. */
export type Workers = object | readonly object[];
