import ms from 'ms';
import { InvalidOptionError } from './errors.js';
import { shown } from './shown.js';

/**
 * A length of time: milliseconds, or a number with the unit `ms`, `s`, `m`, `h` or `d`. Fractions are allowed. At most 100 years.
 *
 * @example
 * const durations: Duration[] = [1_500, '500ms', '90s', '10m', '1.5h', '180d'];
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** 100 years. Redis, a header and a `Date` can hold every instant that is this far away. */
export const longestMs = 3_155_760_000_000;

const text = /^\d+(\.\d+)?(ms|s|m|h|d)$/;

/**
 * Milliseconds of a {@link Duration}.
 *
 * @param option name of the option, for the error
 * @returns whole milliseconds, from 0 to 100 years
 * @throws InvalidOptionError if the value is negative, not finite, longer than 100 years, or of another form
 */
export function toMs(value: Duration, option: string): number {
  const parsed = millisecondsOf(value);
  if (parsed >= 0 && parsed <= longestMs) return Math.round(parsed) + 0; // + 0 makes 0 of -0
  throw new InvalidOptionError(
    option,
    parsed > longestMs && parsed < Infinity
      ? `invalid ${option} ${shown(value)}: expected at most 100 years`
      : `invalid ${option} ${shown(value)}: expected a duration, in milliseconds or such as '500ms', '90s', '10m', '2h' or '1d'`,
  );
}

function millisecondsOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && text.test(value) ? ms(value as ms.StringValue) : NaN;
}
