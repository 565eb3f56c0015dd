import { toMs, type Duration } from './durations.js';
import { InvalidOptionError } from './errors.js';
import { a, describe, type Table } from './options.js';

/** Which messages are taken first. */
export type Priority = 'high' | 'normal' | 'low';

/** Where in the queue messages are put, and under which id. */
export interface PlaceOptions {
  /** Not ready before so long has passed since Redis has the message. */
  delay?: Duration;
  /** Not ready before then: a `Date`, or Unix ms; a time past is now. In place of `delay`. */
  at?: Date | number;
  /** `'high'` is taken before `'normal'`, the default, and `'low'` after it; each in order. */
  priority?: Priority;
  /**
   * The message's id, yours instead of a new one: 1 to 64 letters, digits and `_ . : -`. While Redis knows it, nothing else is
   * stored under it, so that putting the same again is safe. For a single message: `queue.with({ id }).put(message)`.
   */
  id?: string;
  /** For how long Redis knows an `id` again, whatever becomes of its message; `'1d'` by default. */
  dedupe?: Duration;
}

/** {@link PlaceOptions}, checked. */
export interface Placing {
  readonly delayMs?: number | undefined;
  /** Unix ms. */
  readonly at?: number | undefined;
  readonly priority?: Priority | undefined;
  readonly id?: string | undefined;
  readonly dedupeMs?: number | undefined;
}

/** When something that is delayed shall be due. */
export interface DueOptions {
  /** So long from now. */
  delay?: Duration;
  /** Then: a `Date`, or Unix ms; a time past is now. */
  at?: Date | number;
}

const idForm = /^[A-Za-z0-9_.:-]{1,64}$/;
/** A hundred years. */
const longestMs = 3_155_760_000_000;
/** Unix ms of March 1973. Nobody waits for a moment before it; in seconds it lies in the year 5138. */
const earliest = 100_000_000_000;

/** The options that a queue may have a default for. */
export const placeTable: Table<{ delay: number; priority: Priority; dedupe: number }> = {
  delay: (value, option) => wait(value, option, 0),
  priority: a.oneOf('high', 'normal', 'low'),
  dedupe: (value, option) => wait(value, option, 1),
};
/** Those of one put. */
export const onePlaceTable: Table<{ at: number; id: string }> = { at: anInstant, id: anId };
export const dueTable: Table<{ delay: number; at: number }> = { delay: placeTable.delay, at: anInstant };

/** In the table of a queue: these are for one message, or for a moment. */
export function notForAll(_value: unknown, option: string): never {
  throw new InvalidOptionError(option, `${option}: a queue has none of its own; give it with a message, as in queue.with({ ${option}: … }).put(message)`);
}

/** @throws InvalidOptionError when both, or neither, are given */
export function oneDue(where: string, { delay, at }: { readonly delay?: number; readonly at?: number }): { readonly afterMs: number } | { readonly at: number } {
  refuseTwoTimes(delay, at);
  if (at !== undefined) return { at };
  if (delay !== undefined) return { afterMs: delay };
  throw new InvalidOptionError('delay', `${where}: say when, as in { delay: '10m' } or { at: new Date(…) }`);
}

export function refuseTwoTimes(delay: unknown, at: unknown): void {
  if (delay !== undefined && at !== undefined) throw new InvalidOptionError('at', 'at: a delay was given as well; leave out one of the two');
}

function wait(value: Duration, option: string, leastMs: number): number {
  const ms = toMs(value, option);
  if (ms >= leastMs && ms <= longestMs) return ms;
  throw new InvalidOptionError(option, `${option}: ${JSON.stringify(value)} will not do; give ${leastMs > 0 ? `at least ${leastMs} ms and ` : ''}at most 100 years`);
}

function anInstant(value: Date | number, option: string): number {
  const ms = value instanceof Date ? value.getTime() : value;
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms > Date.now() + longestMs) {
    throw new InvalidOptionError(option, `${option}: ${describe(value)} is no time; give a Date, or Unix milliseconds, within 100 years`);
  }
  if (!(value instanceof Date) && ms < earliest) {
    throw new InvalidOptionError(option, `${option}: ${ms} is a time in ${new Date(ms).getUTCFullYear()}; give Unix milliseconds, not seconds, or use delay for so long from now`);
  }
  return Math.max(0, Math.round(ms));
}

function anId(value: unknown, option: string): string {
  if (typeof value === 'string' && idForm.test(value)) return value;
  throw new InvalidOptionError(option, `${option}: ${describe(value)} is no id; use 1 to 64 letters, digits, and any of _ . : -`);
}
