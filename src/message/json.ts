import { types } from 'node:util';

/** How deep and how long a value may be, and what is made of things that JSON does not have. */
export interface Limits {
  /** Levels of arrays and objects inside each other; a bare string has 0. */
  readonly maxDepth: number;
  /** Most values in all. */
  readonly maxValues: number;
  /** `true`: an object's property that is `undefined` counts as not there. */
  readonly undefinedIsAbsent?: boolean;
  /** `true`: a Date, a Map and the like are welcome, because somebody else's serializer brings them through. */
  readonly rich?: boolean;
}

/** Why a value cannot travel as JSON. */
export interface Flaw {
  readonly rule: 'type' | 'forbiddenKey' | 'maxDepth' | 'maxValues';
  /** Where, innermost key first. */
  readonly keys: (string | number)[];
  /** Completes "the message is …". */
  readonly what: string;
  readonly wayOut: string;
}

interface Walk {
  readonly limits: Limits;
  /** How many values more. */
  left: number;
}

const isForbidden = (key: string): boolean => key === '__proto__' || key === 'constructor' || key === 'prototype';

/** The first flaw of a value that is to come out of JSON as it went in; `undefined` for none. */
export function flawOf(value: unknown, limits: Limits): Flaw | undefined {
  return look(value, 0, { limits, left: limits.maxValues });
}

/** How many values more {@link isFlawless} looks at. */
let budget = 0;
/** More than the hot path has to judge; shared values can make a small object endless. */
const mostLookedAt = 1_000;

/**
 * Whether a value certainly has no flaw: {@link flawOf} for the hot path, without an array for each object. It says no
 * where only `flawOf` can tell.
 */
export function isFlawless(value: unknown, maxDepth: number): boolean {
  budget = mostLookedAt;
  return isSimple(value, maxDepth);
}

function isSimple(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth === 0) return false;
  if (Array.isArray(value)) {
    // By index, because forEach skips the holes, which come out as null.
    for (let index = 0; index < value.length; index++) if (--budget < 0 || !isSimple(value[index], depth - 1)) return false;
    return true;
  }
  if (!isPlain(value)) return false;
  // Keys that are not the object's own can only make the answer no.
  for (const key in value) if (--budget < 0 || isForbidden(key) || !isSimple((value as Record<string, unknown>)[key], depth - 1)) return false;
  return true;
}

function look(value: unknown, depth: number, walk: Walk): Flaw | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : flaw('type', String(value), 'use null, or a string, for what is no number');
    case 'object':
      return value === null ? undefined : lookInto(value, depth + 1, walk);
    case 'bigint':
      return flaw('type', 'a BigInt', 'put String(value), and BigInt() it on the other side');
    default:
      return flaw('type', value === undefined ? 'undefined' : `a ${typeof value}`, 'leave it out, or put null');
  }
}

function lookInto(value: object, depth: number, walk: Walk): Flaw | undefined {
  if (!Array.isArray(value) && !isPlain(value)) return walk.limits.rich ? undefined : { ...instance(value), rule: 'type', keys: [] };
  if (depth > walk.limits.maxDepth) return flaw('maxDepth', `nested deeper than ${walk.limits.maxDepth} levels`, '');
  return Array.isArray(value) ? lookThrough(value, depth, walk) : lookAtEach(value as Record<string, unknown>, depth, walk);
}

function lookThrough(items: readonly unknown[], depth: number, walk: Walk): Flaw | undefined {
  if ((walk.left -= items.length) < 0) return tooMany(walk);
  // By index, because forEach and for-in skip the holes, which come out as null.
  for (let i = 0; i < items.length; i++) {
    const found = look(items[i], depth, walk);
    if (found) return within(found, i);
  }
  return undefined;
}

function lookAtEach(object: Record<string, unknown>, depth: number, walk: Walk): Flaw | undefined {
  const keys = Object.keys(object);
  if ((walk.left -= keys.length) < 0) return tooMany(walk);
  for (const key of keys) {
    if (isForbidden(key)) return within(flaw('forbiddenKey', 'a key with which prototypes are attacked', 'give the key another name'), key);
    const value = object[key];
    if (value === undefined && walk.limits.undefinedIsAbsent) continue;
    const found = look(value, depth, walk);
    if (found) return within(found, key);
  }
  return undefined;
}

const flaw = (rule: Flaw['rule'], what: string, wayOut: string): Flaw => ({ rule, what, wayOut, keys: [] });
const tooMany = (walk: Walk): Flaw => flaw('maxValues', `more than ${walk.limits.maxValues} values`, 'split it');

function within(found: Flaw, key: string | number): Flaw {
  found.keys.push(key);
  return found;
}

/** An object that is only its keys; those of another realm, such as the REPL's, count too. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** What an object is that JSON would flatten, and what to put instead. */
function instance(value: object): { what: string; wayOut: string } {
  if (types.isDate(value)) {
    return {
      what: 'a Date',
      wayOut: 'put date.toISOString(), or declare it @Type(() => Date) in a payload class (of this copy of class-transformer)',
    };
  }
  if (types.isMap(value)) return { what: 'a Map', wayOut: 'put Object.fromEntries(map), or [...map]' };
  if (types.isSet(value)) return { what: 'a Set', wayOut: 'put [...set]' };
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return { what: Buffer.isBuffer(value) ? 'a Buffer' : 'binary data', wayOut: "put buffer.toString('base64'), or the address of a file" };
  }
  return { what: `an instance of ${nameOf(value)}`, wayOut: 'put a plain object, such as { ...value }' };
}

function nameOf(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}

/**
 * Where a value contains itself, outermost key first; `undefined` when it does not. For the sentence only, after the
 * depth limit has stopped us.
 */
export function findCycle(value: unknown, above: unknown[] = [], clear = new Set<unknown>()): string[] | undefined {
  if (typeof value !== 'object' || value === null || clear.has(value)) return undefined;
  if (above.includes(value)) return [];
  // Deep enough to be refused in any case, and to spare the stack.
  if (above.length > 1000) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const rest = findCycle(item, [...above, value], clear);
    if (rest) return [key, ...rest];
  }
  clear.add(value);
  return undefined;
}
