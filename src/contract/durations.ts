import ms from 'ms';
import { InvalidOptionError } from './errors.js';

/** Milliseconds, or a string such as `'90s'`, `'10m'`, `'1.5h'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const text = /^\d+(\.\d+)?(ms|s|m|h|d)$/;

/**
 * Milliseconds of a {@link Duration}.
 *
 * @param option what the duration is for, named in the error
 * @throws InvalidOptionError for anything negative, not finite, or in another form
 */
export function toMs(value: Duration, option: string): number {
  const parsed = typeof value === 'number' ? value : text.test(String(value)) ? ms(value as ms.StringValue) : NaN;
  if (Number.isFinite(parsed) && parsed >= 0) return Math.round(parsed);
  throw new InvalidOptionError(
    option,
    `${option}: ${JSON.stringify(value) ?? typeof value} is no duration: give milliseconds, or a string such as '500ms', '90s', '10m', '2h' or '1d'`,
  );
}
