import type { PayloadType } from '../message/payload.js';
import type { Channel } from './channel.js';
import type { RetryRules } from './retry-policy.js';

/** What a declared worker leaves behind. Nothing connects or starts until somebody reads it. */
export interface Note {
  readonly channel: Channel;
  readonly payload: PayloadType<unknown>;
  readonly options: HandlerOptions;
}

/** What is absent is the queue's. */
export interface HandlerOptions extends RetryRules {
  readonly concurrency: number;
  /** Most messages in one run of a handler that takes arrays; absent for one that takes messages. */
  readonly batch?: number;
  /** Ms that a batch may wait to be filled. */
  readonly lingerMs?: number;
}

/** Notes are several when a method is a worker of several queues. */
export type Notes = readonly Note[];

/** `method`: needs its object to run; `function`: runs as it is, and is called `name`. */
export type Noted = { readonly kind: 'method'; readonly notes: Notes } | { readonly kind: 'function'; readonly notes: Notes; readonly name: string };

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

const byFunction = new WeakMap<object, Noted>();
const byPlace = new WeakMap<object, Map<PropertyKey, Notes>>();

/** Writes a note on a function: it goes wherever the function goes, also to other classes. */
export function noteOn(fn: object, noted: Noted): void {
  byFunction.set(fn, noted);
}

export function notedOn(fn: unknown): Noted | undefined {
  return typeof fn === 'function' ? byFunction.get(fn) : undefined;
}

/**
 * Writes a note on a place as well: another decorator may put another function there, one that carries no note.
 *
 * @param holder the prototype; for standard decorators, which never see it, each instance
 */
export function noteAt(holder: object, key: PropertyKey, notes: Notes): void {
  const places = byPlace.get(holder) ?? new Map<PropertyKey, Notes>();
  byPlace.set(holder, places.set(key, notes));
}

export function notedAt(holder: object, key: PropertyKey): Notes | undefined {
  return byPlace.get(holder)?.get(key);
}

/**
 * The notes an object is found with, its own and the inherited, by property.
 *
 * The nearest note wins, whoever holds it: a method that is decorated again in a subclass has the subclass's note, one
 * that is overridden without a decorator keeps its parent's.
 */
export function notesOf(worker: object): Map<PropertyKey, Notes> {
  const found = new Map<PropertyKey, Notes>();
  for (let holder: object | null = worker; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder) as object | null) {
    for (const [key, notes] of ownNotes(holder)) if (!found.has(key)) found.set(key, notes);
  }
  return found;
}

function ownNotes(holder: object): Map<PropertyKey, Notes> {
  const own = new Map(byPlace.get(holder));
  for (const key of Reflect.ownKeys(holder)) {
    // The descriptor, not the value: looking for workers must run no getter.
    const noted = notedOn(Object.getOwnPropertyDescriptor(holder, key)?.value);
    if (noted) own.set(key, noted.notes);
  }
  return own;
}
