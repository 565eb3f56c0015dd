import { InvalidOptionError, NotSerializableError } from '../contract/errors.js';
import { a, describe } from '../contract/options.js';
import type { Serializer } from '../contract/queue-options.js';
import { findCycle, flawOf, isFlawless, type Flaw, type Limits } from './json.js';
import { invalid, pathOf } from './violations.js';

export interface PayloadSettings {
  /** Default: JSON. `null`: payloads are strings and stored as they are. */
  readonly serializer?: Serializer | null;
  /** Bytes of UTF-8 that the text of a payload may have. Default 1 MiB: a queue is no file store. */
  readonly maxBytes?: number;
  /** Levels of arrays and objects inside each other. Default 64: more than data has, less than a stack. */
  readonly maxDepth?: number;
  /**
   * How payloads of a class are checked. Default `compiled`: what is certainly valid is accepted by code made for the class,
   * and class-validator is asked about the rest. `class-validator` asks it about all.
   */
  readonly validation?: 'compiled' | 'class-validator';
}

/** Between a value and its text, within limits and faithfully. */
export interface Codec {
  /** What `write` takes. `rich` is whatever a serializer of your own makes of it. */
  readonly kind: 'json' | 'text' | 'rich';
  readonly maxDepth: number;
  /** @throws NotSerializableError, or InvalidPayloadError when it is too large or too deep */
  write(value: unknown, payload: string): string;
  /** @throws InvalidPayloadError; whatever else a serializer of your own throws */
  read(text: string, payload: string): unknown;
}

/** @throws InvalidOptionError */
export function codecOf(settings: PayloadSettings, undefinedIsAbsent: boolean): Codec {
  const maxBytes = a.whole(1, 512 * 1024 * 1024)(settings.maxBytes ?? 1024 * 1024, 'maxBytes');
  const maxDepth = a.whole(1, 1000)(settings.maxDepth ?? 64, 'maxDepth');
  const { serializer } = settings;
  if (serializer === null) return textCodec(maxBytes, maxDepth);
  // A value takes at least one byte of text, so this also stops what would take for ever to count.
  const limits = { maxDepth, maxValues: maxBytes, undefinedIsAbsent };
  if (serializer === undefined || serializer === JSON) return jsonCodec(maxBytes, limits);
  return richCodec(wordsOf(serializer), maxBytes, { ...limits, rich: true });
}

function jsonCodec(maxBytes: number, limits: Limits): Codec {
  return {
    kind: 'json',
    maxDepth: limits.maxDepth,
    write(value, payload) {
      if (!isFlawless(value, limits.maxDepth)) refuseFlawed(value, limits, payload);
      return withinBytes(JSON.stringify(value), maxBytes, payload);
    },
    read(text, payload) {
      const value = parsed(withinBytes(text, maxBytes, payload), payload);
      return isFlawless(value, limits.maxDepth) ? value : harmless(value, limits, payload);
    },
  };
}

function textCodec(maxBytes: number, maxDepth: number): Codec {
  return {
    kind: 'text',
    maxDepth,
    write(value, payload) {
      if (typeof value !== 'string') throw new NotSerializableError('', describe(value), 'a queue with serializer: null takes strings only');
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
      if (typeof text !== 'string') throw new NotSerializableError('', `${describe(text)} after the serializer`, 'let it give a string');
      return withinBytes(wellFormed(text), maxBytes, payload);
    },
    read: (text, payload) => harmless(loads(withinBytes(text, maxBytes, payload)), limits, payload),
  };
}

interface Words {
  dumps: (value: unknown) => unknown;
  loads: (text: string) => unknown;
}

function wordsOf(serializer: Serializer): Words {
  const given = serializer as unknown as Partial<Record<string, unknown>>;
  for (const [write, read] of [['dumps', 'loads'], ['stringify', 'parse']] as const) {
    if (typeof given[write] !== 'function' || typeof given[read] !== 'function') continue;
    const words = given as Record<string, (value: unknown) => unknown>;
    // Called as methods, and with one argument each: JSON and its likes give a meaning to a second one.
    return { dumps: (value) => words[write]?.(value), loads: (text) => words[read]?.(text) };
  }
  throw new InvalidOptionError('serializer', 'serializer: give { dumps, loads } or { stringify, parse }, or null for plain strings');
}

function withinBytes(text: string, maxBytes: number, payload: string): string {
  // Three bytes is the most that one unit of a string can take, so short texts need no counting.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw invalid(payload, '', 'maxBytes', `has ${bytes} bytes, which is more than ${maxBytes} (option maxBytes)`);
}

// JSON escapes half a surrogate pair; as bare text it would become U+FFFD on its way to Redis.
function wellFormed(text: string): string {
  if (!/\p{Surrogate}/u.test(text)) return text;
  throw new NotSerializableError('', 'text with half a surrogate pair', 'use text.toWellFormed(), or cut strings between characters');
}

function parsed(text: string, payload: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Its own error quotes the text, so it is not passed on.
    throw invalid(payload, '', 'json', 'is not JSON');
  }
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
  if (flaw.rule === 'maxValues') return invalid(payload, '', 'maxBytes', `has ${flaw.what}: ${flaw.wayOut}`);
  return new NotSerializableError(pathOf(flaw.keys.reverse()), flaw.what, flaw.wayOut);
}

/** The error for a value that goes on beyond `maxDepth`: perhaps for ever. */
export function tooDeep(value: unknown, maxDepth: number, payload: string): Error {
  const circle = findCycle(value);
  if (circle) return new NotSerializableError(pathOf(circle), 'an object that contains itself', 'put what the handler needs of it');
  return invalid(payload, '', 'maxDepth', `is nested deeper than ${maxDepth} levels: flatten it, or raise maxDepth`);
}
