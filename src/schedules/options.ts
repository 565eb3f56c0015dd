import type { Duration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors.js';
import { anInstant, type Priority } from '../core/options/placement.js';
import type { PutOptions } from '../core/options/put.js';
import { a, checkOptions, type OptionSchema } from '../core/options/schema.js';
import { describe, shown } from '../core/shown.js';
import type { TrackOptions } from '../core/options/track.js';

/**
 * When a schedule puts a message, and which: an argument of `queue.schedules.set`.
 *
 * @typeParam In the payload that may be put
 * @example
 * await reports.schedules.set('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { kind: 'daily' } });
 * await reports.schedules.set('pulse', { every: '30s', payload: { kind: 'pulse' }, missed: 'skip' });
 */
export interface ScheduleOptions<In = unknown> {
  /**
   * Cron expression: minute, hour, day of the month, month, day of the week; or six fields, the first for the second. `L`, `W`, `#`,
   * names of days and months, and `@daily` and the like work. Either this or `every`.
   */
  cron?: string;
  /** IANA name of the time zone of `cron`, such as `'Europe/Berlin'`. Default: `'UTC'`. */
  timeZone?: string;
  /** Interval, from 100 ms. It is counted from `start`, or else from when the schedule was set, so it does not drift. */
  every?: Duration;
  /** The message that is put each time. It is checked when the schedule is set. */
  payload: In;
  /**
   * What happens with the instants that pass while no process works on the queue. `'once'`: one message for all of them. `'skip'`: no
   * message for an instant that was missed by more than a minute, or by half of the time to the next one. `'all'`: a message for each.
   * Default: `'once'`.
   */
  missed?: 'once' | 'skip' | 'all';
  /** `'skip'`: no message while the one before has not ended. Default: `'allow'`. */
  overlap?: 'allow' | 'skip';
  /** The schedule is not due before this: a `Date` or Unix ms. */
  start?: Date | number;
  /** The schedule is not due after this: a `Date` or Unix ms. */
  end?: Date | number;
  /** The schedule ends after so many messages, from 1. */
  limit?: number;
  /** Each message waits for a random part of this time, so that many schedules with one time do not start together. Default: 0. */
  jitter?: Duration;
  /** Maximum number of attempts, as for a put. */
  attempts?: number;
  /** Wait before the next attempt, as for a put. */
  backoff?: Duration | readonly Duration[];
  /** Time limit of one attempt, as for a put. */
  timeout?: Duration;
  /** Time in which a worker must take the message, as for a put. */
  ttl?: Duration;
  /** Priority, as for a put. */
  priority?: Priority;
  /**
   * Whether its messages have job records, as for a put. A record is kept for at least the next 50 runs, so that the history shows how
   * each run ended. Default: true.
   */
  track?: boolean | TrackOptions;
}

/** {@link ScheduleOptions} after validation. */
export interface ResolvedSchedule {
  readonly cron?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly everyMs?: number | undefined;
  readonly missed: 'once' | 'skip' | 'all';
  readonly overlap: 'allow' | 'skip';
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  readonly limit?: number | undefined;
  readonly jitterMs?: number | undefined;
  readonly payload: unknown;
  /** Options of its puts. */
  readonly put: PutOptions;
}

const leastEveryMs = 100;
const nameForm = /^[A-Za-z0-9_.:-]{1,32}$/;
const putOptionNames = ['attempts', 'backoff', 'timeout', 'ttl', 'priority'] as const;
const perPut: Readonly<Record<string, string>> = {
  delay: 'jitter moves each message by a random time',
  at: 'cron and every say when its messages are put, start says when it begins',
  id: 'the id of a message is made from the name of the schedule and the instant',
  uniqueFor: 'the id of a message is made from the name of the schedule and the instant',
  unique: "overlap: 'skip' puts no message while the one before has not ended",
  until: "overlap: 'skip' puts no message while the one before has not ended",
  replace: "overlap: 'skip' puts no message while the one before has not ended",
};

const table: OptionSchema<Record<keyof ScheduleOptions, unknown>> = {
  cron: a.given,
  timeZone: a.given,
  every: a.durationFrom(leastEveryMs),
  payload: a.given,
  missed: a.oneOf('once', 'skip', 'all'),
  overlap: a.oneOf('allow', 'skip'),
  start: anInstant,
  end: anInstant,
  limit: a.whole(1, 1_000_000_000),
  jitter: a.duration,
  attempts: a.given,
  backoff: a.given,
  timeout: a.given,
  ttl: a.given,
  priority: a.given,
  track: a.given,
};

/** @throws InvalidOptionError if the name is not 1 to 32 letters, digits and `_ . : -` */
export function checkScheduleName(name: unknown): string {
  if (typeof name === 'string' && nameForm.test(name)) return name;
  throw new InvalidOptionError(
    'name',
    `invalid name ${shown(name)} of a schedule: use 1 to 32 letters, digits and _ . : -`,
  );
}

/**
 * Checks everything that needs neither Redis nor the cron library. The put options are checked by the put.
 *
 * @throws InvalidOptionError
 */
export function checkSchedule(name: unknown, given: unknown): ResolvedSchedule {
  const where = `schedule ${shown(name)}`;
  checkScheduleName(name);
  refuseOptionsOfOnePut(where, given);
  const checked = checkOptions(where, given, table) as Partial<
    Omit<ResolvedSchedule, 'put'> & { every: number; jitter: number; track: boolean | TrackOptions }
  >;
  const { every, jitter, cron, timeZone, payload, missed = 'once', overlap = 'allow', start, end, limit } = checked;
  if ((cron === undefined) === (every === undefined))
    throw new InvalidOptionError(
      cron === undefined ? 'cron' : 'every',
      `${where}: ${cron === undefined ? 'it does not say when' : 'cron and every cannot be used together'}: use { cron: '0 3 * * *' } or { every: '30s' }`,
    );
  if (every !== undefined && timeZone !== undefined)
    throw new InvalidOptionError('timeZone', `${where}: option timeZone has no effect with every: remove it`);
  if (!Object.hasOwn(given as object, 'payload'))
    throw new InvalidOptionError('payload', `${where}: the payload is missing: write { …, payload: message }`);
  if (start !== undefined && end !== undefined && end < start)
    throw new InvalidOptionError('end', `${where}: invalid end: it is before start, so the schedule is never due`);
  const { track = true } = checked;
  if (overlap === 'skip' && track === false)
    throw new InvalidOptionError(
      'overlap',
      `${where}: overlap: 'skip' needs the records of its jobs: remove track: false`,
    );
  return {
    ...{ cron, timeZone, everyMs: every, missed, overlap, start, end, limit, payload },
    jitterMs: jitter === 0 ? undefined : jitter,
    put: { ...putOptionsIn(given as PutOptions), track },
  };
}

function putOptionsIn(given: PutOptions): PutOptions {
  const found: Record<string, unknown> = {};
  for (const name of putOptionNames) if (given[name] !== undefined) found[name] = given[name];
  return found;
}

function refuseOptionsOfOnePut(where: string, given: unknown): void {
  if (typeof given !== 'object' || given === null)
    throw new InvalidOptionError(
      'options',
      `${where}: invalid options ${describe(given)}: expected an object, such as { every: '30s', payload: message }`,
    );
  const option = Object.keys(perPut).find((name) => Object.hasOwn(given, name));
  if (option !== undefined)
    throw new InvalidOptionError(
      option,
      `${where}: option ${option} is of a single put, not of a schedule: ${perPut[option]}`,
    );
}
