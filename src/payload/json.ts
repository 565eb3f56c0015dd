import { types } from 'node:util';
import { segment } from './violations.js';

/** Limits of a value, and rules for values that JSON does not have. */
export interface Limits {
  /** Maximum number of nested arrays and objects; a plain string has 0. */
  readonly maxDepth: number;
  /** Maximum number of values, in all levels together. */
  readonly maxValues: number;
  /** `true`: a property of an object that is `undefined` counts as absent. */
  readonly undefinedIsAbsent?: boolean;
  /** `true`: instances of classes, such as Date and Map, are accepted, because a custom serializer handles them. */
  readonly rich?: boolean;
}

/** The reason why a value cannot be stored as JSON. */
export interface Flaw {
  readonly rule: 'type' | 'forbiddenKey' | 'maxDepth' | 'maxValues';
  /** Path to the value, innermost key first. */
  readonly keys: (string | number)[];
  /** Completes "the message is …". */
  readonly what: string;
  readonly advice: string;
}

interface Walk {
  readonly limits: Limits;
  /** How many more values are allowed. */
  left: number;
}

/** Keys that are used for prototype pollution. */
export const forbidden: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The first part of a value that JSON would change; `undefined` if there is none. */
export function flawOf(value: unknown, limits: Limits): Flaw | undefined {
  return look(value, 0, { limits, left: limits.maxValues });
}

/** `JSON.stringify` calls `toJSON`, also if it is inherited or not enumerable. */
const hasToJson = (value: object): boolean => typeof (value as { toJSON?: unknown }).toJSON === 'function';

/** What JSON would lose of an array without holes: its class, `toJSON`, and properties besides its items. */
export function arrayFlaw(items: readonly unknown[]): Pick<Flaw, 'what' | 'advice'> | undefined {
  const prototype = Object.getPrototypeOf(items) as object | null;
  // The prototype of the arrays of any realm is an array; that of a subclass is not.
  if (prototype !== Array.prototype && !Array.isArray(prototype))
    return { what: `an instance of ${nameOf(items)}`, advice: 'put a plain array, such as [...value]' };
  if (hasToJson(items)) return { what: 'an array with toJSON()', advice: 'put what toJSON() returns' };
  // Object.values makes no text for each index: up to five times as fast as Object.keys.
  if (Object.values(items).length <= items.length) return undefined;
  return {
    what: `an array with the property ${segment(Object.keys(items)[items.length]!)}`,
    advice: 'put only its items: [...value]',
  };
}

function look(value: unknown, depth: number, walk: Walk): Flaw | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : flaw('type', String(value), 'put null or a string instead');
    case 'object':
      return value === null ? undefined : lookInto(value, depth + 1, walk);
    case 'bigint':
      return flaw('type', 'a BigInt', 'put String(value), and call BigInt(text) in the handler');
    default:
      return flaw('type', value === undefined ? 'undefined' : `a ${typeof value}`, 'leave it out, or put null');
  }
}

function lookInto(value: object, depth: number, walk: Walk): Flaw | undefined {
  if (!Array.isArray(value) && !isPlain(value))
    return walk.limits.rich ? undefined : { ...instance(value), rule: 'type', keys: [] };
  if (depth > walk.limits.maxDepth) return flaw('maxDepth', `nested deeper than ${walk.limits.maxDepth} levels`, '');
  return Array.isArray(value)
    ? lookThrough(value, depth, walk)
    : lookAtEach(value as Record<string, unknown>, depth, walk);
}

function lookThrough(items: readonly unknown[], depth: number, walk: Walk): Flaw | undefined {
  if ((walk.left -= items.length) < 0) return tooMany(walk);
  // By index: forEach and for-in skip holes, which JSON would turn into null.
  for (let i = 0; i < items.length; i++) {
    const found = look(items[i], depth, walk);
    if (found) return within(found, i);
  }
  const unusual = walk.limits.rich ? undefined : arrayFlaw(items);
  return unusual && { ...unusual, rule: 'type', keys: [] };
}

function lookAtEach(object: Record<string, unknown>, depth: number, walk: Walk): Flaw | undefined {
  const keys = Object.keys(object);
  if ((walk.left -= keys.length) < 0) return tooMany(walk);
  if (!walk.limits.rich && hasToJson(object) && !keys.includes('toJSON'))
    return flaw('type', 'an object with toJSON()', 'put what toJSON() returns');
  for (const key of keys) {
    if (forbidden.has(key))
      return within(flaw('forbiddenKey', 'a key that is used for prototype pollution', 'rename the key'), key);
    const value = object[key];
    if (value === undefined && walk.limits.undefinedIsAbsent) continue;
    const found = look(value, depth, walk);
    if (found) return within(found, key);
  }
  return undefined;
}

const flaw = (rule: Flaw['rule'], what: string, advice: string): Flaw => ({ rule, what, advice, keys: [] });
const tooMany = (walk: Walk): Flaw =>
  flaw('maxValues', `more than ${walk.limits.maxValues} values`, 'split the message');

function within(found: Flaw, key: string | number): Flaw {
  found.keys.push(key);
  return found;
}

/**
 * Whether an object is plain data: made by `{}` or without a prototype, also in another realm, such as a `node:vm` context.
 */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

/** For an instance of a class, which JSON would turn into a plain object: its name, and what to put instead. */
function instance(value: object): { what: string; advice: string } {
  if (types.isDate(value)) {
    return {
      what: 'a Date',
      advice:
        'put date.toISOString(), or declare it with @Type(() => Date) in a payload class (from the copy of class-transformer that hotqueue uses)',
    };
  }
  if (types.isMap(value)) return { what: 'a Map', advice: 'put Object.fromEntries(map), or [...map]' };
  if (types.isSet(value)) return { what: 'a Set', advice: 'put [...set]' };
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return {
      what: Buffer.isBuffer(value) ? 'a Buffer' : 'binary data',
      advice: "put buffer.toString('base64'), or the path of a file",
    };
  }
  return { what: `an instance of ${nameOf(value)}`, advice: 'put a plain object, such as { ...value }' };
}

function nameOf(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}

/**
 * Path to the place where a value contains itself, outermost key first; `undefined` if it does not. Called only for the
 * error text, after a value was found to be too deep.
 */
export function findCycle(value: unknown, above: unknown[] = [], clear = new Set<unknown>()): string[] | undefined {
  if (typeof value !== 'object' || value === null || clear.has(value)) return undefined;
  if (above.includes(value)) return [];
  // Such a value is refused anyway, and a deeper search could overflow the stack.
  if (above.length > 1000) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const rest = findCycle(item, [...above, value], clear);
    if (rest) return [key, ...rest];
  }
  clear.add(value);
  return undefined;
}
