import type { Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { a, checkOptions, type OptionSchema } from './schema.js';

/**
 * Options of `queue.metrics()`.
 *
 * @example
 * ```ts
 * const { points } = await queue.metrics({ since: '7d', step: '1h' });
 * ```
 */
export interface MetricsOptions {
  /** How far back it looks, up to `'32d'`; default `'1h'`. */
  since?: Duration;
  /**
   * Length of one point: whole minutes for up to 25 hours, whole hours beyond. By default a minute for up to 3 hours, 15 minutes for up
   * to 25 hours, and an hour beyond.
   */
  step?: Duration;
}

/** {@link MetricsOptions} in ms. */
export interface ResolvedMetricsOptions {
  readonly sinceMs: number;
  readonly stepMs: number;
  /** Which hashes of counts have the answer. */
  readonly period: 'minute' | 'hour';
}

const schema: OptionSchema<{ since: number; step: number }> = { since: a.duration, step: a.duration };
const minuteMs = 60_000;
const hourMs = 3_600_000;
/** Redis keeps the counts of a minute and of an hour for so long. */
const minutesKeptMs = 25 * hourMs;
const hoursKeptMs = 32 * 24 * hourMs;

/** @throws InvalidOptionError */
export function metricsOptions(given: unknown): ResolvedMetricsOptions {
  const { since, step } = checkOptions('metrics()', given, schema);
  const sinceMs = since ?? hourMs;
  if (sinceMs < minuteMs || sinceMs > hoursKeptMs)
    throw new InvalidOptionError(
      'since',
      `invalid since ${sinceMs} ms: expected 1 minute to 32 days, as no older counts are kept`,
    );
  const stepMs = step ?? defaultStepMs(sinceMs);
  const period = stepMs % hourMs === 0 && sinceMs > 3 * hourMs ? 'hour' : 'minute';
  if (stepMs < minuteMs || stepMs % minuteMs !== 0)
    throw new InvalidOptionError('step', `invalid step ${stepMs} ms: expected whole minutes, such as '1m' or '1h'`);
  if (period === 'minute' && sinceMs > minutesKeptMs)
    throw new InvalidOptionError(
      'step',
      `invalid step ${stepMs} ms: expected whole hours, as counts of minutes are kept for 25 hours`,
    );
  return { sinceMs, stepMs, period };
}

function defaultStepMs(sinceMs: number): number {
  if (sinceMs <= 3 * hourMs) return minuteMs;
  return sinceMs <= minutesKeptMs ? 15 * minuteMs : hourMs;
}
