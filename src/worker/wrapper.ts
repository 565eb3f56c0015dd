import { NoWorkersError } from '../core/errors.js';
import { setFunctionMetadata, type AnyFunction, type WorkerMetadataList } from './metadata.js';
import { nameOf } from './decorator-target.js';
import type { WorkerSource } from './types.js';

export type WorkUntilStopped = (workers: WorkerSource) => Promise<void>;

interface Way {
  readonly notes: WorkerMetadataList;
  readonly workUntilStopped: WorkUntilStopped;
}

/**
 * Wraps a decorated method. Called with a payload, it runs the method. Called without arguments, it works until stopped,
 * with this worker alone, if the method takes a payload.
 */
export function wrapMethod(
  method: AnyFunction,
  { key, notes, workUntilStopped }: Way & { key: string | symbol },
): AnyFunction {
  const takesPayload = method.length > 0;
  const wrapped: AnyFunction = function (...args) {
    if (args.length > 0 || !takesPayload) return Reflect.apply(method, this, args);
    return workUntilStopped(oneWorker(this, key, notes));
  };
  setFunctionMetadata(wrapped, { kind: 'method', notes });
  return dress(wrapped, method);
}

/**
 * What `queue.worker(fn)` returns. Called without arguments, it always works until stopped, as its type says, even if `fn`
 * takes no payload.
 */
export function wrapFunction(
  handler: AnyFunction,
  { name, notes, workUntilStopped }: Way & { name: string },
): AnyFunction {
  const wrapped: AnyFunction = function (...args) {
    if (args.length > 0) return Reflect.apply(handler, this, args);
    return workUntilStopped(this === undefined ? wrapped : named(wrapped.bind(this), name, notes));
  };
  setFunctionMetadata(wrapped, { kind: 'function', name, notes, handle: handler });
  return dress(wrapped, handler);
}

/** One method of one object, as a function that can be run. */
function oneWorker(self: unknown, key: string | symbol, notes: WorkerMetadataList): AnyFunction {
  if (typeof self !== 'object' || self === null) {
    throw new NoWorkersError(
      `${String(key)}() was called without its object: call studio.${String(key)}(), or run(studio), with an instance`,
    );
  }
  // Find the method by its key, not by its function, so that the work of other decorators runs too.
  const run = (...args: unknown[]) => Reflect.apply((self as Record<PropertyKey, AnyFunction>)[key]!, self, args);
  return named(run, nameOf(self, key), notes);
}

function named(run: AnyFunction, name: string, notes: WorkerMetadataList): AnyFunction {
  setFunctionMetadata(run, { kind: 'function', name, notes, handle: run });
  return run;
}

/** Gives a wrapper the name, the length, the properties and the Reflect metadata of the wrapped function. */
function dress(wrapper: AnyFunction, method: AnyFunction): AnyFunction {
  const { prototype: _, ...properties }: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(method);
  Object.defineProperties(wrapper, properties);
  if (typeof (Reflect as { getOwnMetadataKeys?: unknown }).getOwnMetadataKeys !== 'function') return wrapper;
  for (const key of Reflect.getOwnMetadataKeys(method) as unknown[])
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), wrapper);
  return wrapper;
}
