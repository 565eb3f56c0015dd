import { isDate } from 'node:util/types';
import { longestMs, toMs, type Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import { shown } from '../shown.js';
import { a, type OptionSchema } from './schema.js';

/**
 * Order in which workers take messages: all of `'high'` before `'normal'`, all of `'normal'` before `'low'`.
 *
 * @example
 * await queue.with({ priority: 'high' }).put(message);
 */
export type Priority = 'high' | 'normal' | 'low';

/** Time, priority and id of a message. */
export interface PlacementOptions {
  /** Time before the message is waiting for a worker, from 0 to 100 years, counted from the put. Default: 0. */
  delay?: Duration;
  /**
   * Time at which the message starts to wait for a worker: a `Date` or Unix ms. A time in the past means now. Not with
   * `delay`.
   */
  at?: Date | number;
  /** Messages of one priority are taken in order. Default: `'normal'`. */
  priority?: Priority;
  /**
   * Id of the message, instead of a generated one: 1 to 64 letters, digits and `_ . : -`. While Redis knows the id, a second
   * put with it stores nothing and returns a job with `isDuplicate: true`. Only for single messages.
   *
   * @example
   * await queue.with({ id: `invoice-${order.id}` }).put(order); // safe to repeat
   */
  id?: string;
  /** How long Redis knows an `id`, also after the message is done: from 1 ms to 100 years. Default: `'1d'`. */
  uniqueFor?: Duration;
}

/** {@link PlacementOptions} after validation. */
export interface ResolvedPlacement {
  readonly delayMs?: number | undefined;
  /** Unix ms. */
  readonly at?: number | undefined;
  readonly priority?: Priority | undefined;
  readonly id?: string | undefined;
  readonly uniqueForMs?: number | undefined;
}

/**
 * New due time of a delayed message: either `delay` or `at`.
 *
 * @example
 * await queue.delayed.move(job.id, { delay: '10m' });
 * await queue.delayed.move(job.id, { at: new Date('2030-01-01T09:00Z') });
 */
export interface DueOptions {
  /** Time from now, up to 100 years. */
  delay?: Duration;
  /** A `Date` or Unix ms. A time in the past means now. */
  at?: Date | number;
}

const idForm = /^[A-Za-z0-9_.:-]{1,64}$/;
/**
 * Unix ms of March 1973. A smaller number is almost certainly in seconds (this one in seconds is the year 5138). It would be
 * a time in the past, so the message would not be delayed.
 */
const earliest = 100_000_000_000;

/** Options that a queue may set as defaults. */
export const placementSchema: OptionSchema<{ delay: number; priority: Priority; uniqueFor: number }> = {
  delay: (value, option) => wait(value, option, 0),
  priority: a.oneOf('high', 'normal', 'low'),
  uniqueFor: (value, option) => wait(value, option, 1),
};
/** Options of one put only. */
export const messagePlacementSchema: OptionSchema<{ at: number; id: string }> = { at: aDueTime, id: anId };
export const dueSchema: OptionSchema<{ delay: number; at: number }> = { delay: placementSchema.delay, at: aDueTime };

/** Refuses an option of one message when it is given to a queue. */
export function perMessageOnly(_value: unknown, option: string): never {
  throw new InvalidOptionError(
    option,
    `option ${option} is not allowed for a queue, only for a single message: use queue.with({ ${option}: … }).put(message)`,
  );
}

/** @throws InvalidOptionError if both or neither are given */
export function dueOf(
  where: string,
  { delay, at }: { readonly delay?: number; readonly at?: number },
): { readonly afterMs: number } | { readonly at: number } {
  refuseTwoTimes(delay, at);
  if (at !== undefined) return { at };
  if (delay !== undefined) return { afterMs: delay };
  throw new InvalidOptionError('delay', `${where}: missing time: use { delay: '10m' } or { at: new Date(…) }`);
}

export function refuseTwoTimes(delay: unknown, at: unknown): void {
  if (delay !== undefined && at !== undefined)
    throw new InvalidOptionError('at', 'options at and delay cannot be used together: remove one of the two');
}

function wait(value: Duration, option: string, leastMs: number): number {
  const ms = toMs(value, option);
  if (ms >= leastMs) return ms;
  throw new InvalidOptionError(option, `invalid ${option} ${shown(value)}: expected at least ${leastMs} ms`);
}

function aDueTime(value: Date | number, option: string): number {
  return anInstant(value, option, ', or the option delay for a time from now');
}

/** A `Date` or Unix ms, as Unix ms. @param otherwise what else to use in place of seconds */
export function anInstant(value: Date | number, option: string, otherwise = ''): number {
  const ms = isDate(value) ? Date.prototype.getTime.call(value) : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms > Date.now() + longestMs) {
    const given = isDate(value) ? `(${Date.prototype.toString.call(value)})` : shown(value);
    throw new InvalidOptionError(
      option,
      `invalid ${option} ${given}: expected a Date or Unix milliseconds, within 100 years`,
    );
  }
  if (!isDate(value) && ms < earliest) {
    throw new InvalidOptionError(
      option,
      `invalid ${option} ${ms}: this is a time in ${new Date(ms).getUTCFullYear()}. Use Unix milliseconds, not seconds${otherwise}`,
    );
  }
  return Math.max(0, Math.round(ms));
}

function anId(value: unknown, option: string): string {
  if (typeof value === 'string' && idForm.test(value)) return value;
  throw new InvalidOptionError(option, `invalid ${option} ${shown(value)}: use 1 to 64 letters, digits and _ . : -`);
}
