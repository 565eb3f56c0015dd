import ms from 'ms';
import { InvalidOptionError } from './errors.js';

/**
 * A length of time: milliseconds, or a number with the unit `ms`, `s`, `m`, `h` or `d`. Fractions are allowed.
 *
 * @example
 * const durations: Duration[] = [1_500, '500ms', '90s', '10m', '1.5h', '180d'];
 */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** Longest delay of a timer: Node fires a timer with a longer one at once. */
export const longestTimerMs = 2 ** 31 - 1;

const text = /^\d+(\.\d+)?(ms|s|m|h|d)$/;

/**
 * Milliseconds of a {@link Duration}.
 *
 * @param option name of the option, for the error
 * @returns whole milliseconds, from 0
 * @throws InvalidOptionError if the value is negative, not finite, or of another form
 */
export function toMs(value: Duration, option: string): number {
  const parsed = typeof value === 'number' ? value : text.test(String(value)) ? ms(value as ms.StringValue) : NaN;
  if (Number.isFinite(parsed) && parsed >= 0) return Math.round(parsed);
  const shown = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value); // JSON has no NaN
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown}: expected a duration, in milliseconds or such as '500ms', '90s', '10m', '2h' or '1d'`,
  );
}
