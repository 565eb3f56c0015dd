import { toBackoffCurve } from '../core/options/backoff.js';
import { batchSchema, refuseLingerAlone, type Refused } from '../core/options/batch.js';
import { InvalidOptionError, InvalidWorkerError } from '../core/errors.js';
import { a, checkOptions } from '../core/options/schema.js';
import { describe } from '../core/shown.js';
import { checkSchedule, type ScheduleOptions } from '../schedules/options.js';
import type { QueueContext } from '../redis/queue-context.js';
import {
  setMethodMetadata,
  methodMetadata,
  functionMetadata,
  type AnyFunction,
  type HandlerOptions,
  type WorkerMetadata,
  type WorkerMetadataList,
} from './metadata.js';
import { inferPayload, payloadOfContext } from './infer-payload.js';
import {
  isClass,
  isDecoratorContext,
  isPropertyName,
  nameOf,
  noClass,
  refuseGenerator,
  refuseUnlessLegacyMethod,
  refuseUnlessStandardMethod,
  type DecoratorContext,
} from './decorator-target.js';
import type { AnyContext, EitherDecoratorFor, MethodContext, QueueWorker } from './decorator-types.js';
import type { Instance, WorkerOptions, WorkerSource } from './types.js';
import { wrapFunction, wrapMethod, type WorkUntilStopped } from './wrapper.js';

/**
 * Creates `queue.worker`, which has three forms: `@queue.worker`, `@queue.worker(options)` and `queue.worker(fn, options?)`.
 *
 * Declaring a worker checks its options and records metadata. It does not connect, and it does not start the worker.
 *
 * @param workUntilStopped runs a worker that is called without arguments
 */
export function queueWorker<T, Result = unknown>(
  context: QueueContext<T>,
  workUntilStopped: (workers: WorkerSource) => Promise<void>,
): QueueWorker<T, Result> {
  const declaration = new Declaration(context, workUntilStopped);
  const declare = (first?: unknown, second?: unknown, third?: unknown): unknown => {
    if (isPropertyName(second) || isDecoratorContext(second))
      return declaration.decorate(undefined, first, second, third);
    if (typeof first === 'function') return declaration.wrap(first as AnyFunction, second);
    // `decorate` checks the options of an object: it knows the method, so the error can name it.
    if (first !== undefined && (typeof first !== 'object' || first === null)) checkOptions('@worker', first, table);
    return (target: unknown, place: unknown, descriptor: unknown) =>
      declaration.decorate(first, target, place, descriptor);
  };
  return declare as unknown as QueueWorker<T, Result>;
}

/**
 * Marks a method as a worker of a queue. `@worker(queue, options?)` is the same as `@queue.worker(options?)`.
 *
 * The decorator only records metadata: it does not connect, and tests can call the method directly. `run` or `start` starts
 * the workers of an instance.
 *
 * @param options with `batch`, 1 to 1,000, the method takes arrays of up to that many messages
 * @throws InvalidOptionError if `queue` is not a HotQueue, or if an option is invalid
 * @throws InvalidWorkerError if the target is not a public instance method, or if its parameter does not fit the payload
 * @example
 * ```ts
 * class Studio {
 *   @worker(images, { concurrency: 4 })
 *   async resize(image: ResizeImage, job: Delivery<ResizeImage>): Promise<void> {
 *     console.log(`resizing ${image.path}, attempt ${job.attempt}`);
 *   }
 * }
 * await run(new Studio());
 * ```
 * @example
 * ```ts
 * class Archive {
 *   @worker(measurements, { batch: 100, linger: '50ms' })
 *   async store(items: Measurement[], jobs: Delivery<Measurement>[]): Promise<void> {
 *     console.log(`storing ${items.length}, the first is ${jobs[0]!.id}`);
 *   }
 * }
 * await run(new Archive());
 * ```
 */
export function worker<T, Result = unknown, B extends number | undefined = undefined>(
  queue: { readonly worker: QueueWorker<T, Result> },
  options?: WorkerOptions<B>,
): EitherDecoratorFor<T, Result, B>;
/** @internal `@worker` without a queue: the compiler refuses what it returns, and prints why. */
export function worker<C>(
  method: (...args: never[]) => unknown,
  ...context: MethodContext<C, AnyContext>
): Refused<'The queue is missing: write @worker(queue) or @queue.worker'>;
/** @internal The same under `experimentalDecorators`. */
export function worker(
  target: Instance,
  key: string | symbol,
  method: object,
): Refused<'The queue is missing: write @worker(queue) or @queue.worker'>;
export function worker(...[queue, place]: unknown[]): never {
  if (isPropertyName(place)) throw new InvalidWorkerError(nameOf(queue as object, place), bare);
  if (isDecoratorContext(place)) throw new InvalidWorkerError(String(place.name), bare);
  const declare: unknown = (queue as { worker?: unknown } | null | undefined)?.worker;
  if (typeof declare !== 'function') throw new InvalidOptionError('queue', `@worker(queue): ${noQueue(queue)}`);
  return (declare as (options: unknown) => never)(place);
}

const bare = 'the queue is missing: write @worker(queue) or @queue.worker';

function noQueue(given: unknown): string {
  if (given === undefined)
    return 'invalid queue undefined: expected a HotQueue. If it comes from another file, the two files probably import each other: move the queue to a file of its own';
  if (typeof given === 'string')
    return `invalid queue "${given}": expected a HotQueue, not its name. Write new HotQueue("${given}", { payload: YourClass })`;
  return `invalid queue: expected a HotQueue, got ${describe(given)}. Write new HotQueue(name, { payload: YourClass })`;
}

/** The check of each worker option. */
const table = {
  // More than 10,000 handlers at a time in one process is most likely a typing error.
  concurrency: a.whole(1, 10_000),
  attempts: a.whole(1),
  backoff: toBackoffCurve,
  retryIf: a.callback<(error: unknown, attempt: number) => boolean>,
  timeout: a.durationFrom(1),
  maxBlocked: a.durationFrom(1),
  schedules: aSchedules,
  ...batchSchema,
};

/** Declares the workers of one queue. */
class Declaration {
  constructor(
    private readonly context: QueueContext,
    private readonly workUntilStopped: WorkUntilStopped,
  ) {}

  /** Handles both kinds of decorator: legacy `(target, key, descriptor)` and standard `(method, context)`. */
  decorate(options: unknown, target: unknown, place: unknown, descriptor: unknown): unknown {
    if (isDecoratorContext(place)) return this.#standard(options, target, place);
    if (isPropertyName(place)) return this.#legacy(options, target as object, place, descriptor);
    const name = typeof target === 'function' ? target.name : describe(target);
    throw new InvalidWorkerError(name, noClass);
  }

  wrap(handler: AnyFunction, options: unknown): AnyFunction {
    const name = handler.name || `worker of "${this.context.name}"`;
    if (isClass(handler)) throw new InvalidWorkerError(name, noClass);
    refuseGenerator(handler, name);
    const note = { context: this.context, payload: this.context.payload, options: checked(name, options) };
    return wrapFunction(handler, { notes: [note], name, workUntilStopped: this.workUntilStopped });
  }

  #legacy(options: unknown, target: object, key: string | symbol, descriptor: unknown): PropertyDescriptor {
    const name = nameOf(target, key);
    const method = refuseUnlessLegacyMethod(target, descriptor, name);
    const rules = checked(name, options);
    const payload = inferPayload(this.context, { target, key, name, takesArrays: rules.batch !== undefined });
    const note = { context: this.context, payload, options: rules };
    const notes = [...(functionMetadata(method)?.notes ?? methodMetadata(target, key) ?? []), note];
    setMethodMetadata(target, key, notes);
    return { ...(descriptor as PropertyDescriptor), value: this.#wrapMethod(method, key, notes) };
  }

  #standard(options: unknown, target: unknown, context: DecoratorContext): AnyFunction {
    const name = String(context.name);
    const method = refuseUnlessStandardMethod(target, context, name);
    const note: WorkerMetadata = {
      context: this.context,
      payload: payloadOfContext(this.context, name),
      options: checked(name, options),
    };
    const notes = [...(functionMetadata(method)?.notes ?? []), note];
    context.addInitializer(function () {
      setMethodMetadata(this as object, context.name, notes);
    });
    return this.#wrapMethod(method, context.name, notes);
  }

  #wrapMethod(method: AnyFunction, key: string | symbol, notes: WorkerMetadataList): AnyFunction {
    return wrapMethod(method, { key, notes, workUntilStopped: this.workUntilStopped });
  }
}

/** Checks what can be checked before the worker starts. */
function aSchedules(value: Readonly<Record<string, ScheduleOptions>>, option: string): typeof value {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidOptionError(
      option,
      `invalid ${option} ${describe(value)}: expected an object, such as { nightly: { cron: '0 3 * * *', payload: message } }`,
    );
  for (const [name, options] of Object.entries(value)) checkSchedule(name, options);
  return value;
}

function checked(name: string, given: unknown): HandlerOptions {
  const where = `@worker on ${name}`;
  try {
    const { concurrency = 1, timeout, maxBlocked, linger, ...rules } = checkOptions(where, given, table);
    refuseLingerAlone({ batch: rules.batch, linger });
    return {
      concurrency,
      ...rules,
      ...(timeout !== undefined && { timeoutMs: timeout }),
      ...(maxBlocked !== undefined && { maxBlockedMs: maxBlocked }),
      ...(linger !== undefined && { lingerMs: linger }),
    };
  } catch (error) {
    // The checks of single options do not know the worker. Add its name to their errors.
    if (error instanceof InvalidOptionError && !error.message.startsWith(where))
      throw new InvalidOptionError(error.option, `${where}: ${error.message}`);
    throw error;
  }
}
