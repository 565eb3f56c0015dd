import type { Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { shown } from '../shown.js';
import { a, checkOptions, type OptionSchema } from './schema.js';

/**
 * Whether messages are tracked, and what is kept of their jobs. `true`: with the defaults.
 *
 * @example
 * const pages = new HotQueue('pages', { track: { keep: '1h', keepFailed: '30d' } });
 */
export interface TrackOptions {
  /** How long the record of a job is kept that is done or was cancelled, from 1 ms. Default: `'10m'`. */
  keep?: Duration;
  /** How long the record of a job is kept that has failed or has expired, from 1 ms. Default: `'7d'`. */
  keepFailed?: Duration;
  /** Whether the record has the payload too. Default: true. */
  payload?: boolean;
  /** Most bytes of a result, from 1 to 128 MiB. A larger one is a failed attempt. Default: 1 MiB. */
  maxResult?: number;
}

/** {@link TrackOptions} after validation. */
export interface ResolvedTracking {
  readonly keepMs: number;
  readonly keepFailedMs: number;
  readonly storesPayload: boolean;
  readonly maxResultBytes: number;
}

export const defaultTracking: ResolvedTracking = {
  keepMs: 600_000,
  keepFailedMs: 604_800_000,
  storesPayload: true,
  maxResultBytes: 1_048_576,
};

const trackTable: OptionSchema<{ keep: number; keepFailed: number; payload: boolean; maxResult: number }> = {
  keep: (value, option) => a.durationFrom(1)(value, `track.${option}`),
  keepFailed: (value, option) => a.durationFrom(1)(value, `track.${option}`),
  payload: (value, option) => a.flag(value, `track.${option}`),
  maxResult: (value, option) => a.whole(1, 134_217_728)(value, `track.${option}`),
};

/** @throws InvalidOptionError */
export function aTracking(value: boolean | TrackOptions, option: string): ResolvedTracking | false {
  if (value === false) return false;
  if (value === true) return defaultTracking;
  if (typeof value !== 'object' || value === null)
    throw new InvalidOptionError(
      option,
      `invalid ${option} ${shown(value)}: expected true, false or an object, such as { keep: '10m' }`,
    );
  const { keep, keepFailed, payload, maxResult } = checkOptions('track', value, trackTable);
  return {
    keepMs: keep ?? defaultTracking.keepMs,
    keepFailedMs: keepFailed ?? defaultTracking.keepFailedMs,
    storesPayload: payload ?? true,
    maxResultBytes: maxResult ?? defaultTracking.maxResultBytes,
  };
}

/** The key of a unique job: a text, or a function of the payload that returns one. */
export type UniqueKey = string | ((payload: never) => string);

export function aUniqueKey(value: UniqueKey, option: string): UniqueKey {
  return typeof value === 'function' ? value : uniqueText(value, option);
}

/** @throws InvalidOptionError for a key that is no text of 1 to 256 characters */
export function uniqueText(value: unknown, option: string): string {
  if (typeof value === 'string' && value.length >= 1 && value.length <= 256) return value;
  throw new InvalidOptionError(option, `invalid ${option} ${shown(value)}: expected a text of 1 to 256 characters`);
}
