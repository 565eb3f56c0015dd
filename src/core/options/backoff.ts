import { toMs, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { describe } from '../shown.js';
import { a, checkOptions, type OptionSchema } from './schema.js';

/**
 * The same wait before each attempt.
 *
 * @example
 * queue.worker(send, { backoff: { type: 'fixed', delay: '5s' } });
 */
export interface FixedBackoff {
  /** Distinguishes it from {@link ExponentialBackoff}. */
  type: 'fixed';
  /** Wait before each attempt. */
  delay: Duration;
  /**
   * If true, each wait is random, between half of `delay` and `delay`, so that messages that failed together do not come
   * back together. Default: false.
   */
  jitter?: boolean;
}

/**
 * A wait that doubles with each attempt.
 *
 * @example
 * queue.worker(send, { backoff: { type: 'exponential', delay: '1s', max: '5m' } }); // about 1, 2, 4, … 300 seconds
 */
export interface ExponentialBackoff {
  /** Distinguishes it from {@link FixedBackoff}. */
  type: 'exponential';
  /** Wait before the second attempt. */
  delay: Duration;
  /** Longest wait. Default: one hour, or `delay` if that is longer. */
  max?: Duration;
  /**
   * If true, each wait is random, between half of its full length and its full length, so that messages that failed
   * together do not come back together. Default: true.
   */
  jitter?: boolean;
}

/**
 * How long to wait before the next attempt:
 *
 * - a duration: the wait before the second attempt. It doubles with each attempt, up to one hour, with jitter;
 * - a list of durations: one for each wait, without jitter. The last one repeats;
 * - a {@link FixedBackoff} or an {@link ExponentialBackoff};
 * - a function. It gets the number of the failed attempt, from 1, and the error, and returns a duration. If it throws or
 *   returns anything else, the worker logs a warning and waits for 1 s, 2 s, 4 s, …
 *
 * @example
 * queue.worker(send, { backoff: '2s' });
 * queue.worker(send, { backoff: ['1s', '10s', '1m'] });
 * queue.worker(send, { backoff: (attempt, error) => (error instanceof RateLimited ? error.retryAfterMs : attempt * 1_000) });
 */
export type Backoff =
  Duration | readonly Duration[] | FixedBackoff | ExponentialBackoff | ((attempt: number, error: unknown) => Duration);

/** A {@link Backoff} after validation. */
export type BackoffCurve =
  | { readonly type: 'fixed'; readonly delayMs: number; readonly jitter: boolean }
  | { readonly type: 'exponential'; readonly delayMs: number; readonly maxMs: number; readonly jitter: boolean }
  | { readonly type: 'listed'; readonly delaysMs: readonly number[] }
  /** A function of the user. It may throw or return an invalid duration. */
  | { readonly type: 'own'; readonly delay: (attempt: number, error: unknown) => Duration };

const hourMs = 3_600_000;

/** The backoff that a single duration stands for. */
export function doubling(delayMs: number, maxMs = Math.max(hourMs, delayMs), jitter = true): BackoffCurve {
  return { type: 'exponential', delayMs, maxMs, jitter };
}

/** @throws InvalidOptionError */
export function toBackoffCurve(value: Backoff, option: string): BackoffCurve {
  if (typeof value === 'function') return { type: 'own', delay: value };
  if (describe(value) === 'an array') return listed(value as readonly Duration[], option);
  if (typeof value === 'object' && value !== null) return ruled(value as FixedBackoff | ExponentialBackoff, option);
  return doubling(toMs(value, option));
}

function listed(value: readonly Duration[], option: string): BackoffCurve {
  if (value.length === 0) throw new InvalidOptionError(option, `invalid ${option} []: expected at least one duration`);
  return { type: 'listed', delaysMs: value.map((delay, index) => toMs(delay, `${option}[${index}]`)) };
}

function ruled(value: FixedBackoff | ExponentialBackoff, option: string): BackoffCurve {
  const named = (name: string) => (duration: never) => toMs(duration, `${option}.${name}`);
  const table: OptionSchema<{ type: 'fixed' | 'exponential'; delay: number; max: number; jitter: boolean }> = {
    type: (type) => a.oneOf('fixed', 'exponential')(type, `${option}.type`),
    delay: named('delay'),
    max: named('max'),
    jitter: (jitter) => a.flag(jitter, `${option}.jitter`),
  };
  const { type, delay, max, jitter } = checkOptions(option, value, table);
  const refuse = (name: string, sentence: string): never => {
    throw new InvalidOptionError(`${option}.${name}`, `invalid ${option}.${name} ${sentence}`);
  };
  if (type === undefined) return refuse('type', "undefined: expected 'fixed' or 'exponential'");
  if (delay === undefined) return refuse('delay', "undefined: expected a duration, such as '1s'");
  if (type === 'exponential') {
    if (max !== undefined && max < delay) return refuse('max', `${max} ms: expected at least the delay, ${delay} ms`);
    return doubling(delay, max, jitter);
  }
  if (max !== undefined)
    return refuse('max', `${max} ms: a fixed wait does not grow. Remove max, or use type 'exponential'`);
  return { type, delayMs: delay, jitter: jitter ?? false };
}
