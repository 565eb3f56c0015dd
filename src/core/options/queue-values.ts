// The options of a queue whose values are objects: the ioredis client, the serializer, the logger, the bounds of dead letters.
import type { Cluster, Redis } from 'ioredis';
import { InvalidOptionError } from '../errors.js';
import type { Logger } from '../logger.js';
import { a, checkOptions, type OptionSchema } from './schema.js';
import { shown } from '../shown.js';

/**
 * Converts payloads to text and back: an object with `dumps` and `loads`, as in Python, or with `stringify` and `parse`, as
 * `JSON`.
 *
 * @example
 * const serializer = { dumps: (value) => superjson.stringify(value), loads: (text) => superjson.parse(text) };
 * const events = new HotQueue('events', { serializer });
 */
export type Serializer =
  | {
      /** The text for a payload. Called by `put`, after validation. */
      dumps(value: unknown): string;
      /** The payload in a text. Called before validation; what it throws makes the message invalid. */
      loads(text: string): unknown;
    }
  | {
      /** The text for a payload, as `dumps`. */
      stringify(value: unknown): string;
      /** The payload in a text, as `loads`. */
      parse(text: string): unknown;
    };

/** Limits beyond which the oldest dead letters are deleted. */
export interface DeadLetterBounds {
  readonly most: number;
  readonly maxAgeMs: number;
}

const deadLettersTable: OptionSchema<{ max: number; maxAge: number }> = {
  max: (value, option) => a.whole(1, 10_000_000)(value, `deadLetters.${option}`),
  maxAge: (value, option) => a.durationFrom(1)(value, `deadLetters.${option}`),
};

export function deadLetterBounds(value: object): DeadLetterBounds {
  const { max = 100_000, maxAge = 15_552_000_000 } = checkOptions('deadLetters', value, deadLettersTable);
  return { most: max, maxAgeMs: maxAge };
}

/** How much of the history of a queue is kept. */
export interface HistoryBounds {
  /** Entries (`max`), or ms (`forMs`). */
  readonly bound: { readonly max: number } | { readonly forMs: number };
  readonly hasPayload: boolean;
}

const historyTable: OptionSchema<{ max: number; for: number; payload: boolean }> = {
  max: (value, option) => a.whole(1, 1_000_000_000)(value, `history.${option}`),
  for: (value, option) => a.durationFrom(1_000)(value, `history.${option}`),
  payload: (value, option) => a.flag(value, `history.${option}`),
};

export function historyBounds(value: object | boolean, option: string): HistoryBounds | false {
  if (value === false) return false;
  if (value === true)
    throw new InvalidOptionError(
      option,
      "invalid history true: say how much is kept, such as { max: 100_000 } or { for: '7d' }",
    );
  const { max, for: forMs, payload = false } = checkOptions('history', value, historyTable);
  if ((max === undefined) === (forMs === undefined))
    throw new InvalidOptionError(
      option,
      "invalid history: give one of max and for, such as { max: 100_000 } or { for: '7d' }",
    );
  return { bound: max === undefined ? { forMs: forMs! } : { max }, hasPayload: payload };
}

export function aClient(value: Redis | Cluster, option: string): Redis | Cluster {
  const isClient =
    typeof value === 'object' &&
    value !== null &&
    typeof value.evalsha === 'function' &&
    typeof value.duplicate === 'function';
  if (!isClient)
    throw new InvalidOptionError(option, `invalid ${option} ${shown(value)}: expected an ioredis Redis or Cluster`);
  const { keyPrefix, role } = value.options as { keyPrefix?: string; role?: string };
  if (keyPrefix) {
    throw new InvalidOptionError(
      option,
      `invalid ${option} with the ioredis keyPrefix "${keyPrefix}": it would break the braces that keep the keys of a queue together. Use the option "prefix" instead`,
    );
  }
  if (role === 'slave') {
    throw new InvalidOptionError(
      option,
      `invalid ${option} with the ioredis role "slave": a replica accepts no writes. Use the role "master", which is the default`,
    );
  }
  return value;
}

export function aSerializer(value: Serializer | null, option: string): Serializer | null {
  const has = (...methods: string[]): boolean =>
    methods.every((method) => typeof (value as unknown as Record<string, unknown>)[method] === 'function');
  if (value === null || has('dumps', 'loads') || has('stringify', 'parse')) return value;
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown(value)}: expected { dumps, loads }, JSON, or null for plain strings`,
  );
}

export function aLogger(value: Logger | false, option: string): Logger | false {
  const fits =
    value === false ||
    (Object(value) === value &&
      ['debug', 'info', 'warn', 'error'].every(
        (method) => typeof (value as unknown as Record<string, unknown>)[method] === 'function',
      ));
  if (fits) return value;
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown(value)}: expected an object with debug, info, warn and error, such as console, or false`,
  );
}
