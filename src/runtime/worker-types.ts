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

export type Handler<T, R = unknown> = (payload: T, job: Delivery<T>) => R;

/** A wrapped function. Called with a payload it runs the handler; called with nothing it works until stopped. */
export interface WorkerFunction<T, R = unknown> {
  (): Promise<void>;
  (payload: T, job?: Delivery<T>): R;
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

/** For a queue that names no payload class: it is read from the method's parameter, which only legacy decorators can. */
export interface InferringWorkerDecorator {
  (
    method: (...args: never[]) => unknown,
    context: Refused<'This queue has no payload class. Write new HotQueue(name, { payload: YourClass })'>,
  ): void;
  // `P` is inferred from the method itself: a payload of its own choice, and a delivery of just that.
  <P, F extends Handler<P>>(target: object, key: string | symbol, method: TypedPropertyDescriptor<F & Handler<P>>): void;
}

/** For `HotQueue<any>`, which stands for every queue. No bare `any`: `worker(queue)` could not infer from it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyDecorator = (...place: any[]) => any;

/** The decorator of a queue of `T`. */
export type DecoratorFor<T> = 0 extends 1 & T ? AnyDecorator : unknown extends T ? InferringWorkerDecorator : WorkerDecorator<T>;

/** `queue.worker`: bound to its queue, so it works detached, which is how `@queue.worker` calls it. */
export type QueueWorker<T> = DecoratorFor<T> & {
  /** `@queue.worker({ concurrency: 4 })`. */
  (options?: WorkerOptions): DecoratorFor<T>;
  /**
   * `const echo = queue.worker(item => …)`, then `await echo()`; also a typed class field.
   *
   * Stands last because the compiler explains the last one; `options` keeps it from serving as a decorator.
   */
  <R>(handler: Handler<T, R>, options?: WorkerOptions): WorkerFunction<T, R>;
};

/** An instance with decorated methods or worker fields, a wrapped function, or an array of these. */
export type Workers = object | readonly object[];
