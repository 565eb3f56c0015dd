import type { ScheduleOptions } from '../schedules/options.js';
import type { PayloadType } from '../payload/payload-type.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { RetryRules } from '../consumer/retry-policy.js';

/** Metadata of a declared worker. Recording it does not connect, and does not start the worker. */
export interface WorkerMetadata {
  readonly context: QueueContext;
  readonly payload: PayloadType<unknown>;
  readonly options: HandlerOptions;
}

/** Checked options of one handler. The options of a message take precedence. Absent options have the defaults. */
export interface HandlerOptions extends RetryRules {
  readonly concurrency: number;
  /** Maximum number of messages per call; absent for a handler that takes single messages. */
  readonly batch?: number;
  /** Ms that a batch may wait for more messages. */
  readonly lingerMs?: number;
  /** Ms for which the lease is renewed while the handler blocks the event loop. */
  readonly maxBlockedMs?: number;
  /** Schedules of the queue, which the start of the worker stores. */
  readonly schedules?: Readonly<Record<string, ScheduleOptions>>;
}

/** Has several entries if the method is a worker of several queues. */
export type WorkerMetadataList = readonly WorkerMetadata[];

/** `method`: must be called on its object. `function`: `handle` can be called as it is; `name` is its name in logs and errors. */
export type DecoratedFunction =
  | { readonly kind: 'method'; readonly notes: WorkerMetadataList }
  | {
      readonly kind: 'function';
      readonly notes: WorkerMetadataList;
      readonly name: string;
      readonly handle: AnyFunction;
    };

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const byFunction = new WeakMap<object, DecoratedFunction>();
const byPlace = new WeakMap<object, Map<PropertyKey, WorkerMetadataList>>();

/** Attaches metadata to a function. The metadata stays with the function, also in other classes. */
export function setFunctionMetadata(fn: object, noted: DecoratedFunction): void {
  byFunction.set(fn, noted);
}

export function functionMetadata(fn: unknown): DecoratedFunction | undefined {
  return typeof fn === 'function' ? byFunction.get(fn) : undefined;
}

/**
 * Attaches metadata to a decorator target too, because another decorator may put a function without metadata there.
 *
 * @param holder the prototype; under standard decorators, which do not get the prototype, each instance
 */
export function setMethodMetadata(holder: object, key: PropertyKey, notes: WorkerMetadataList): void {
  const places = byPlace.get(holder) ?? new Map<PropertyKey, WorkerMetadataList>();
  byPlace.set(holder, places.set(key, notes));
}

export function methodMetadata(holder: object, key: PropertyKey): WorkerMetadataList | undefined {
  return byPlace.get(holder)?.get(key);
}

/**
 * Metadata of the workers of an object by property, own and inherited.
 *
 * The nearest metadata in the prototype chain wins. A method that a subclass decorates again has the metadata of the subclass.
 * A method that a subclass overrides without a decorator keeps the metadata of its parent.
 */
export function metadataOf(worker: object): Map<PropertyKey, WorkerMetadataList> {
  const found = new Map<PropertyKey, WorkerMetadataList>();
  for (
    let holder: object | null = worker;
    holder && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder) as object | null
  ) {
    for (const [key, notes] of ownNotes(holder)) if (!found.has(key)) found.set(key, notes);
  }
  return found;
}

function ownNotes(holder: object): Map<PropertyKey, WorkerMetadataList> {
  const own = new Map(byPlace.get(holder));
  for (const key of Reflect.ownKeys(holder)) {
    // Read the descriptor, not the value: searching for workers must not call a getter.
    const noted = functionMetadata(Object.getOwnPropertyDescriptor(holder, key)?.value);
    if (noted) own.set(key, noted.notes);
  }
  return own;
}
