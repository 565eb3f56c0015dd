import { ConflictingQueuesError, NoWorkersError } from '../core/errors.js';
import { describe } from '../core/shown.js';
import type { PayloadType } from '../payload/payload-type.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { Delivery } from '../consumer/delivery.js';
import {
  functionMetadata,
  metadataOf,
  type AnyFunction,
  type HandlerOptions,
  type WorkerMetadata,
} from './metadata.js';
import { isClass, nameOf } from './decorator-target.js';
import type { WorkerSource } from './types.js';

/** A worker that can run: its queue, its options, and the function to call. */
export interface BoundHandler {
  /** Such as `Studio.resize`. */
  readonly name: string;
  readonly context: QueueContext;
  readonly payload: PayloadType<unknown>;
  readonly options: HandlerOptions;
  /** Gets arrays if `options.batch` is set. */
  readonly handle: (this: void, payload: unknown, delivery: Delivery | Delivery[]) => unknown;
}

/**
 * Finds the handlers in an object with workers, in a wrapped function, or in an array of these.
 *
 * Finds inherited workers too. A subclass that overrides a worker method and decorates it again replaces its metadata. Without
 * a decorator, the method of the subclass runs with the metadata of the parent.
 *
 * @throws NoWorkersError if there are none; the message says what it looked for
 */
export function handlersOf(workers: WorkerSource): BoundHandler[] {
  if (!Array.isArray(workers)) return handlersIn(workers, 'workers');
  if (workers.length === 0)
    throw new NoWorkersError('the array of workers is empty: pass at least one object with workers');
  return workers.flatMap((worker: unknown, index) => handlersIn(worker, `workers[${index}]`));
}

/**
 * Checks that the handlers of each queue agree on its payload.
 *
 * @throws ConflictingQueuesError if two handlers take from one key of one Redis and expect different payloads
 */
export function assertOnePayloadPerQueue(handlers: readonly BoundHandler[]): void {
  const seen = new Map<unknown, Map<string, BoundHandler>>();
  for (const handler of handlers) {
    const { connection, keys } = handler.context.broker;
    const ofConnection = seen.get(connection) ?? new Map<string, BoundHandler>();
    seen.set(connection, ofConnection);
    const other = ofConnection.get(keys.base);
    if (other && other.payload.source !== handler.payload.source) {
      throw new ConflictingQueuesError(keys.base, [
        `${other.payload.name} (${other.name})`,
        `${handler.payload.name} (${handler.name})`,
      ]);
    }
    ofConnection.set(keys.base, handler);
  }
}

function handlersIn(worker: unknown, what: string): BoundHandler[] {
  if (typeof worker === 'function') return handlersOfFunction(worker as AnyFunction, what);
  if (typeof worker !== 'object' || worker === null)
    throw new NoWorkersError(`${what} is ${describe(worker)}: expected an object with workers`);
  if (Array.isArray(worker)) throw new NoWorkersError(`${what} is an array inside an array: spread it, [...workers]`);
  if (typeof (worker as { then?: unknown }).then === 'function')
    throw new NoWorkersError(`${what} is a promise: await it first`);
  return handlersOfObject(worker, what);
}

function handlersOfObject(worker: object, what: string): BoundHandler[] {
  const handlers = [...metadataOf(worker)].flatMap(([key, notes]) => {
    const name = nameOf(worker, key);
    const handle: Handle = (payload, delivery) => (worker as Record<PropertyKey, Handle>)[key]!(payload, delivery);
    return notes.map((note) => bound(name, note, handle));
  });
  if (handlers.length === 0)
    throw new NoWorkersError(`no workers found in ${what} (${kindOf(worker)}): ${nothingFound(worker)}`);
  return handlers;
}

function handlersOfFunction(worker: AnyFunction, what: string): BoundHandler[] {
  const noted = functionMetadata(worker);
  if (noted?.kind === 'function') return noted.notes.map((note) => bound(noted.name, note, noted.handle));
  const name = worker.name || 'a function';
  if (noted)
    throw new NoWorkersError(
      `${what} is the method ${name} without its object: pass the object, run(studio), or call studio.${name}()`,
    );
  if (isWorkerClass(worker))
    throw new NoWorkersError(`${what} is the class ${name}: pass an instance, run(new ${worker.name || 'Studio'}())`);
  throw new NoWorkersError(
    `${what} is a plain function (${name}): wrap it first, const work = queue.worker(fn), then run(work)`,
  );
}

type Handle = BoundHandler['handle'];

function bound(name: string, { context, payload, options }: WorkerMetadata, handle: Handle): BoundHandler {
  return { name, context, payload, options, handle };
}

function isWorkerClass(fn: AnyFunction): boolean {
  if (isClass(fn)) return true;
  const prototype: unknown = fn.prototype; // a class that is compiled to ES5 is an ordinary function
  return typeof prototype === 'object' && prototype !== null && metadataOf(prototype).size > 0;
}

function kindOf(worker: object): string {
  const { name } = (worker.constructor ?? {}) as { name?: string };
  return name && name !== 'Object' ? `an instance of ${name}` : 'an object';
}

function nothingFound(worker: object): string {
  if (typeof (worker as { worker?: unknown }).worker === 'function')
    return 'it is a queue. Pass a worker of it, such as queue.worker(fn)';
  return 'expected methods with @worker(queue) or @queue.worker, its own or inherited, or properties made by queue.worker(fn)';
}
