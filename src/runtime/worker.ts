import { toWaits } from '../contract/backoff.js';
import { batchTable, refuseLingerAlone } from '../contract/batching.js';
import { InvalidOptionError, InvalidWorkerError } from '../contract/errors.js';
import { a, checkOptions, describe } from '../contract/options.js';
import type { Channel } from './channel.js';
import { noteAt, notedAt, notedOn, type AnyFunction, type HandlerOptions, type Note, type Notes } from './notes.js';
import { payloadOf, payloadOfStandard } from './parameter.js';
import { isClass, isContext, isKey, nameOf, noClass, refuseGenerator, refuseUnlessLegacyMethod, refuseUnlessStandardMethod, type Context } from './place.js';
import type { BatchDecoratorFor, BatchWorkerOptions, DecoratorFor, QueueWorker, WorkerOptions, Workers } from './worker-types.js';
import { wrapFunction, wrapMethod, type WorkUntilStopped } from './wrapper.js';

/**
 * What `queue.worker` is: `@queue.worker`, `@queue.worker(options)`, and `queue.worker(fn, options?)`.
 *
 * Declaring a worker takes a note and checks it; nothing connects or starts.
 *
 * @param workUntilStopped what a worker that is called with nothing turns into
 */
export function queueWorker<T>(channel: Channel<T>, workUntilStopped: (workers: Workers) => Promise<void>): QueueWorker<T> {
  const declaration = new Declaration(channel, workUntilStopped);
  const declare = (first?: unknown, second?: unknown, third?: unknown): unknown => {
    if (isKey(second) || isContext(second)) return declaration.decorate(undefined, first, second, third);
    if (typeof first === 'function') return declaration.wrap(first as AnyFunction, second);
    // Their content is checked where the method is known, so that an error can name it.
    if (first !== undefined && (typeof first !== 'object' || first === null)) checkOptions('@worker', first, table);
    return (target: unknown, place: unknown, descriptor: unknown) => declaration.decorate(first, target, place, descriptor);
  };
  return declare as unknown as QueueWorker<T>;
}

/**
 * `@worker(queue, options?)`: the same as `@queue.worker(options?)`.
 *
 * @param options with `batch`, the method takes arrays
 * @throws InvalidOptionError when `queue` is none
 */
export function worker<T>(queue: { readonly worker: QueueWorker<T> }, options: BatchWorkerOptions): BatchDecoratorFor<T>;
export function worker<T>(queue: { readonly worker: QueueWorker<T> }, options?: WorkerOptions): DecoratorFor<T>;
export function worker<T>(queue: { readonly worker: QueueWorker<T> }, options?: WorkerOptions): DecoratorFor<T> {
  const place: unknown = options;
  if (isKey(place)) throw new InvalidWorkerError(nameOf(queue, place), bare);
  if (isContext(place)) throw new InvalidWorkerError(String(place.name), bare);
  const declare: unknown = (queue as { worker?: unknown } | null | undefined)?.worker;
  if (typeof declare !== 'function') throw new InvalidOptionError('queue', `@worker(queue): ${noQueue(queue)}`);
  return (declare as (options?: WorkerOptions) => DecoratorFor<T>)(options);
}

const bare = 'it does not say which queue: write @worker(queue), or @queue.worker';

function noQueue(given: unknown): string {
  if (given === undefined) return 'the queue is undefined. When it comes from another file, the two probably import each other: move the queue to a file of its own';
  if (typeof given === 'string') return `"${given}" is only a name: give the queue itself, made by new HotQueue("${given}", { payload: YourClass })`;
  return `${describe(given)} is no HotQueue: give one, made by new HotQueue(name, { payload: YourClass })`;
}

/** Name, range and reason of each option of a worker. */
const table = {
  // More than 10,000 handlers at once in one process is a slip of the finger, not a wish.
  concurrency: a.whole(1, 10_000),
  attempts: a.whole(1),
  backoff: toWaits,
  retryIf: a.callback<(error: unknown, attempt: number) => boolean>,
  timeout: a.durationFrom(1),
  ...batchTable,
};

/** How workers of one queue are declared. */
class Declaration {
  constructor(
    private readonly channel: Channel,
    private readonly workUntilStopped: WorkUntilStopped,
  ) {}

  /** Serves both kinds of decorator: legacy `(target, key, descriptor)`, standard `(method, context)`. */
  decorate(options: unknown, target: unknown, place: unknown, descriptor: unknown): unknown {
    if (isContext(place)) return this.#standard(options, target, place);
    if (isKey(place)) return this.#legacy(options, target as object, place, descriptor);
    const name = typeof target === 'function' ? target.name : describe(target);
    throw new InvalidWorkerError(name, noClass);
  }

  wrap(handler: AnyFunction, options: unknown): AnyFunction {
    const name = handler.name || `worker of "${this.channel.name}"`;
    if (isClass(handler)) throw new InvalidWorkerError(name, noClass);
    refuseGenerator(handler, name);
    const note = { channel: this.channel, payload: this.channel.payload, options: checked(name, options) };
    return wrapFunction(handler, { notes: [note], name, workUntilStopped: this.workUntilStopped });
  }

  #legacy(options: unknown, target: object, key: string | symbol, descriptor: unknown): PropertyDescriptor {
    const name = nameOf(target, key);
    const method = refuseUnlessLegacyMethod(target, descriptor, name);
    const rules = checked(name, options);
    const payload = payloadOf(this.channel, { target, key, name, takesArrays: rules.batch !== undefined });
    const note = { channel: this.channel, payload, options: rules };
    const notes = [...(notedOn(method)?.notes ?? notedAt(target, key) ?? []), note];
    noteAt(target, key, notes);
    return { ...(descriptor as PropertyDescriptor), value: this.#wrapMethod(method, key, notes) };
  }

  #standard(options: unknown, target: unknown, context: Context): AnyFunction {
    const name = String(context.name);
    const method = refuseUnlessStandardMethod(target, context, name);
    const note: Note = { channel: this.channel, payload: payloadOfStandard(this.channel, name), options: checked(name, options) };
    const notes = [...(notedOn(method)?.notes ?? []), note];
    context.addInitializer(function () {
      noteAt(this as object, context.name, notes);
    });
    return this.#wrapMethod(method, context.name, notes);
  }

  #wrapMethod(method: AnyFunction, key: string | symbol, notes: Notes): AnyFunction {
    return wrapMethod(method, { key, notes, workUntilStopped: this.workUntilStopped });
  }
}

function checked(name: string, given: unknown): HandlerOptions {
  const where = `@worker on ${name}`;
  try {
    const { concurrency = 1, timeout, linger, ...rules } = checkOptions(where, given, table);
    refuseLingerAlone({ batch: rules.batch, linger });
    return { concurrency, ...rules, ...(timeout !== undefined && { timeoutMs: timeout }), ...(linger !== undefined && { lingerMs: linger }) };
  } catch (error) {
    // A refused value is named, but not where it stands.
    if (error instanceof InvalidOptionError && !error.message.startsWith(where)) throw new InvalidOptionError(error.option, `${where}: ${error.message}`);
    throw error;
  }
}
