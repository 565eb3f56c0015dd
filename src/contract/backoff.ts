import { toMs, type Duration } from './durations.js';
import { InvalidOptionError } from './errors.js';
import { a, checkOptions, type Table } from './options.js';

/** The same wait before each attempt. */
export interface FixedBackoff {
  type: 'fixed';
  delay: Duration;
  /** Takes away a random part of the upper half, so that messages which failed together part ways; false by default. */
  jitter?: boolean;
}

/** `delay` before the second attempt, doubled for each one after it. */
export interface ExponentialBackoff {
  type: 'exponential';
  delay: Duration;
  /** The longest wait; an hour by default, or `delay` when that is longer. */
  max?: Duration;
  /** Takes away a random part of the upper half, so that messages which failed together part ways; true by default. */
  jitter?: boolean;
}

/**
 * How long to wait before the next attempt: a duration to begin with, doubled each time, with jitter; a list, whose last
 * entry repeats; a rule; or a function of the attempt that failed (1 for the first) and its error.
 */
export type Backoff = Duration | readonly Duration[] | FixedBackoff | ExponentialBackoff | ((attempt: number, error: unknown) => Duration);

/** {@link Backoff}, checked. */
export type Waits =
  | { readonly type: 'fixed'; readonly delayMs: number; readonly jitter: boolean }
  | { readonly type: 'exponential'; readonly delayMs: number; readonly maxMs: number; readonly jitter: boolean }
  | { readonly type: 'listed'; readonly delaysMs: readonly number[] }
  /** The user's own: it may throw, or give nonsense. */
  | { readonly type: 'own'; readonly delay: (attempt: number, error: unknown) => Duration };

const hourMs = 3_600_000;

/** What a single duration means. */
export function doubling(delayMs: number, maxMs = Math.max(hourMs, delayMs), jitter = true): Waits {
  return { type: 'exponential', delayMs, maxMs, jitter };
}

/** @throws InvalidOptionError */
export function toWaits(value: Backoff, option: string): Waits {
  if (typeof value === 'function') return { type: 'own', delay: value };
  if (Array.isArray(value)) return listed(value as readonly Duration[], option);
  if (typeof value === 'object' && value !== null) return ruled(value as FixedBackoff | ExponentialBackoff, option);
  return doubling(toMs(value, option));
}

function listed(value: readonly Duration[], option: string): Waits {
  if (value.length === 0) throw new InvalidOptionError(option, `${option}: an empty list says nothing; give at least one duration`);
  return { type: 'listed', delaysMs: value.map((delay, index) => toMs(delay, `${option}[${index}]`)) };
}

function ruled(value: FixedBackoff | ExponentialBackoff, option: string): Waits {
  const named = (name: string) => (duration: never) => toMs(duration, `${option}.${name}`);
  const table: Table<{ type: 'fixed' | 'exponential'; delay: number; max: number; jitter: boolean }> = {
    type: (type) => a.oneOf('fixed', 'exponential')(type, `${option}.type`),
    delay: named('delay'),
    max: named('max'),
    jitter: (jitter) => a.flag(jitter, `${option}.jitter`),
  };
  const { type, delay, max, jitter } = checkOptions(option, value, table);
  const refuse = (name: string, sentence: string): never => {
    throw new InvalidOptionError(`${option}.${name}`, `${option}.${name}: ${sentence}`);
  };
  if (type === undefined) return refuse('type', "it is missing; give 'fixed' or 'exponential'");
  if (delay === undefined) return refuse('delay', "it is missing; give a duration, such as '1s'");
  if (type === 'exponential') {
    if (max !== undefined && max < delay) return refuse('max', `${max} ms is less than delay, ${delay} ms`);
    return doubling(delay, max, jitter);
  }
  if (max !== undefined) return refuse('max', "a fixed wait does not grow; leave it out, or give type 'exponential'");
  return { type, delayMs: delay, jitter: jitter ?? false };
}
