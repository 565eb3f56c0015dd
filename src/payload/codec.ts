import { isPromise } from 'node:util/types';
import { defuse } from '../core/defuse.js';
import { mostPayloadBytes } from '../core/sizes.js';
import { InvalidOptionError, NotSerializableError } from '../core/errors.js';
import { a } from '../core/options/schema.js';
import { shown } from '../core/shown.js';
import type { Serializer } from '../core/options/queue-values.js';
import type { ValidationOptions } from '../core/options/validation.js';
import { arrayFlaw, findCycle, flawOf, forbidden, isPlain, type Flaw, type Limits } from './json.js';
import type { NotCompiled } from './types.js';
import { invalid, pathOf, typeOf } from './violations.js';

/** Settings of a queue for its payloads. */
export interface PayloadSettings extends ValidationOptions {
  /** Default: JSON. `null`: payloads are strings, stored as they are. */
  readonly serializer?: Serializer | null;
  /** Maximum size of the text of a payload in bytes of UTF-8. Default: 1 MiB, because a queue is not a file store. */
  readonly maxBytes?: number;
  /**
   * Maximum number of nested arrays and objects. Default: 64, more than real data has, and too few to overflow the stack.
   */
  readonly maxDepth?: number;
  /** Called once for each class that is not compiled, when the first payload comes. */
  readonly onNotCompiled?: (notCompiled: NotCompiled) => void;
}

/** Converts values to text and back without change, within limits. */
export interface Codec {
  /** The values that `write` accepts. `rich`: the values that a custom serializer accepts. */
  readonly kind: 'json' | 'text' | 'rich';
  readonly maxDepth: number;
  /** @throws NotSerializableError, or InvalidPayloadError if the value is too large or too deep */
  write(value: unknown, payload: string): string;
  /** @throws InvalidPayloadError, or any error of a custom serializer */
  read(text: string, payload: string): unknown;
}

/** @throws InvalidOptionError */
export function codecOf(settings: PayloadSettings, undefinedIsAbsent: boolean): Codec {
  const maxBytes = a.whole(1, mostPayloadBytes)(settings.maxBytes ?? 1024 * 1024, 'maxBytes');
  const maxDepth = a.whole(1, 1000)(settings.maxDepth ?? 64, 'maxDepth');
  const { serializer } = settings;
  if (serializer === null) return textCodec(maxBytes, maxDepth);
  // Each value takes at least one byte of text. This also stops the walk through an object with shared values, which could
  // take for ever.
  const limits = { maxDepth, maxValues: maxBytes, undefinedIsAbsent };
  if (serializer === undefined || serializer === JSON) return jsonCodec(maxBytes, limits);
  return richCodec(wordsOf(serializer), maxBytes, { ...limits, rich: true });
}

function jsonCodec(maxBytes: number, limits: Limits): Codec {
  // One UTF-16 unit takes at most three bytes of UTF-8, so short texts need not be counted.
  const surelyWithin = maxBytes / 3;
  return {
    kind: 'json',
    maxDepth: limits.maxDepth,
    write(value, payload) {
      if (!isFlawless(value, limits.maxDepth)) refuseFlawed(value, limits, payload);
      const text = JSON.stringify(value);
      return text.length <= surelyWithin ? text : withinBytes(text, maxBytes, payload);
    },
    read(text, payload) {
      if (text.length > surelyWithin) withinBytes(text, maxBytes, payload);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        // The error of JSON.parse quotes the text, so it must not become the cause.
        throw invalid(payload, '', 'json', 'is not JSON');
      }
      return isFlawless(value, limits.maxDepth, true) ? value : harmless(value, limits, payload);
    },
  };
}

/** How many more values {@link isFlawless} visits. */
let budget = 0;
/**
 * Most values that {@link isFlawless} visits. A small object with shared values may have 2 ** 60 paths, which would take for
 * ever.
 */
const mostLookedAt = 1_000;

/** Whether {@link isFlawless} looks at a value of JSON.parse, which makes no unusual arrays and objects. */
let isOfParse = false;

/**
 * A fast test for the hot path: true if a value certainly has no flaw. False means unknown, and only {@link flawOf} can
 * decide. It is faster because it makes no array of keys for each object.
 *
 * @param isParsed whether the value comes from JSON.parse
 */
export function isFlawless(value: unknown, maxDepth: number, isParsed = false): boolean {
  budget = mostLookedAt;
  isOfParse = isParsed;
  return isSimple(value, maxDepth);
}

function isSimple(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth === 0) return false;
  if (Array.isArray(value)) {
    // By index: forEach skips holes, which JSON would turn into null.
    for (let index = 0; index < value.length; index++)
      if (--budget < 0 || !isSimple(value[index], depth - 1)) return false;
    return isOfParse || arrayFlaw(value) === undefined;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype && !isPlain(value)) return false;
  if (!isOfParse && typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  // for-in visits inherited keys too. They can only make the answer false, which is safe.
  for (const key in value) {
    if (--budget < 0 || forbidden.has(key)) return false;
    const item = (value as Record<string, unknown>)[key];
    // The most frequent values need no call.
    if (typeof item === 'string' || (typeof item === 'number' && Number.isFinite(item))) continue;
    if (!isSimple(item, depth - 1)) return false;
  }
  return true;
}

function textCodec(maxBytes: number, maxDepth: number): Codec {
  return {
    kind: 'text',
    maxDepth,
    write(value, payload) {
      if (typeof value !== 'string')
        throw new NotSerializableError('', typeOf(value), 'with serializer: null, put strings only');
      return withinBytes(wellFormed(value), maxBytes, payload);
    },
    read: (text, payload) => withinBytes(text, maxBytes, payload),
  };
}

function richCodec({ dumps, loads }: Words, maxBytes: number, limits: Limits): Codec {
  return {
    kind: 'rich',
    maxDepth: limits.maxDepth,
    write(value, payload) {
      const text = dumps(value);
      defuse(text);
      if (typeof text !== 'string')
        throw new NotSerializableError(
          '',
          `${typeOf(text)} after serialization`,
          'return a string from the serializer',
        );
      return withinBytes(wellFormed(text), maxBytes, payload);
    },
    read: (text, payload) => harmless(noPromise(loads(withinBytes(text, maxBytes, payload))), limits, payload),
  };
}

function noPromise(value: unknown): unknown {
  if (!isPromise(value)) return value;
  defuse(value);
  throw new NotSerializableError('', 'a promise after deserialization', 'return the value itself from the serializer');
}

interface Words {
  dumps: (value: unknown) => unknown;
  loads: (text: string) => unknown;
}

function wordsOf(serializer: Serializer): Words {
  const given = serializer as unknown as Partial<Record<string, unknown>>;
  for (const [write, read] of [
    ['dumps', 'loads'],
    ['stringify', 'parse'],
  ] as const) {
    if (typeof given[write] !== 'function' || typeof given[read] !== 'function') continue;
    const words = given as Record<string, (value: unknown) => unknown>;
    // Called as methods, because they may use `this`. With one argument each: a second one has a meaning in JSON and similar
    // serializers.
    return { dumps: (value) => words[write]?.(value), loads: (text) => words[read]?.(text) };
  }
  throw new InvalidOptionError(
    'serializer',
    `invalid serializer ${shown(serializer)}: expected { dumps, loads } or { stringify, parse }, or null for plain strings`,
  );
}

function withinBytes(text: string, maxBytes: number, payload: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw invalid(payload, '', 'maxBytes', `has ${bytes} bytes, more than ${maxBytes} (option maxBytes)`);
}

// JSON escapes half of a surrogate pair. In plain text it would become U+FFFD on its way to Redis.
function wellFormed(text: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text;
  throw new NotSerializableError(
    '',
    'text with half of a surrogate pair',
    'use text.toWellFormed(), or cut strings between characters',
  );
}

function harmless(value: unknown, limits: Limits, payload: string): unknown {
  const flaw = flawOf(value, limits);
  if (!flaw) return value;
  const path = flaw.rule === 'maxDepth' ? '' : pathOf(flaw.keys.reverse());
  throw invalid(payload, path, flaw.rule === 'maxValues' ? 'maxBytes' : flaw.rule, `is ${flaw.what}`);
}

function refuseFlawed(value: unknown, limits: Limits, payload: string): void {
  const flaw = flawOf(value, limits);
  if (flaw) throw unwritable(flaw, value, limits.maxDepth, payload);
}

function unwritable(flaw: Flaw, value: unknown, maxDepth: number, payload: string): Error {
  if (flaw.rule === 'maxDepth') return tooDeep(value, maxDepth, payload);
  if (flaw.rule === 'maxValues') return invalid(payload, '', 'maxBytes', `has ${flaw.what}: ${flaw.advice}`);
  return new NotSerializableError(pathOf(flaw.keys.reverse()), flaw.what, flaw.advice);
}

/** The error for a value that is deeper than `maxDepth`, or contains itself. */
export function tooDeep(value: unknown, maxDepth: number, payload: string): Error {
  const circle = findCycle(value);
  if (circle)
    return new NotSerializableError(
      pathOf(circle),
      'an object that contains itself',
      'put only the parts that the handler needs',
    );
  return invalid(payload, '', 'maxDepth', `is nested deeper than ${maxDepth} levels: flatten it, or raise maxDepth`);
}
