import { isDate } from 'node:util/types';
import { toMs, type Duration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors.js';
import { anInstant } from '../core/options/placement.js';
import { a, checkOptions, type OptionSchema } from '../core/options/schema.js';
import { shown } from '../core/shown.js';
import { historyVerbs, type HistoryVerb } from './entry.js';

/**
 * A place in the history: an instant (a `Date`, or Unix ms), a {@link Duration} with a unit before now (`'1h'`), the key of an entry, or 0: the
 * beginning.
 *
 * @example
 * const places: HistoryPlace[] = [new Date('2026-05-01'), Date.now() - 60_000, '15m', '1700000000000-0'];
 */
export type HistoryPlace = Date | number | Exclude<Duration, number> | `${number}-${number}`;

/**
 * Options of `history.read()`.
 *
 * @example
 * await orders.history.read({ id: job.id });
 * await orders.history.read({ since: '15m', verb: ['bury', 'retry'], limit: 1_000 });
 */
export interface HistoryReadOptions {
  /** Only entries of the message with this id. */
  id?: string;
  /** Only entries from this place on. Default: from the oldest on. */
  since?: HistoryPlace;
  /** Only entries up to this place; with the key of an entry, only those before it. Default: up to the newest. */
  until?: HistoryPlace;
  /** Only entries with this verb, or one of these. Default: all. */
  verb?: HistoryVerb | readonly HistoryVerb[];
  /** Most entries, from 1 to 100,000: the newest ones. Default: 100. */
  limit?: number;
}

/**
 * Options of `history.follow()`.
 *
 * @example
 * for await (const entry of orders.history.follow({ since: '1m', signal })) console.log(entry.verb, entry.id);
 */
export interface HistoryFollowOptions {
  /** Also the entries since this place; a key: those after it. Default: only new ones. With `group`: where a new group begins. */
  since?: HistoryPlace;
  /** Ends the loop. */
  signal?: AbortSignal;
  /** Name of a consumer group: Redis gives each entry to one consumer of the group. Needs `consumer`. */
  group?: string;
  /** Name of this consumer. Two that run at the same time must have different names. */
  consumer?: string;
  /**
   * With `group`: after this time without an acknowledgement, an entry goes to another consumer. From 1 s. Default: 60 s. Longer than
   * the body of the loop takes.
   */
  claimAfter?: Duration;
}

const aPlace = (value: unknown, option: string): string => {
  if (value === 0) return '0';
  if (typeof value === 'number' || isDate(value)) return String(anInstant(value, option));
  if (typeof value === 'string' && /^\d{1,15}-\d{1,15}$/.test(value)) return value;
  if (typeof value === 'string' && /[a-z]$/.test(value))
    return String(Math.max(0, Date.now() - toMs(value as Duration, option)));
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown(value)}: expected a Date, Unix ms, a duration before now such as '1h', or the key of an entry`,
  );
};

const someVerbs = (value: unknown, option: string): readonly HistoryVerb[] => {
  const verbs = Array.isArray(value) ? (value as unknown[]) : [value];
  if (verbs.length === 0) throw new InvalidOptionError(option, `invalid ${option} []: expected at least one verb`);
  return verbs.map((verb) => a.oneOf(...historyVerbs)(verb, option));
};

const aName = (value: unknown, option: string): string => {
  const text = a.text(value, option);
  if (text !== '') return text;
  throw new InvalidOptionError(option, `invalid ${option} "": give it a name`);
};

interface ReadValues {
  readonly id: string;
  readonly since: string;
  readonly until: string;
  readonly verb: readonly HistoryVerb[];
  readonly limit: number;
}

const readTable: OptionSchema<ReadValues> = {
  id: aName,
  since: aPlace,
  until: aPlace,
  verb: someVerbs,
  limit: a.whole(1, 100_000),
};

interface FollowValues {
  readonly since: string;
  readonly signal: AbortSignal;
  readonly group: string;
  readonly consumer: string;
  readonly claimAfter: number;
}

const followTable: OptionSchema<FollowValues> = {
  since: aPlace,
  signal: a.signal,
  group: aName,
  consumer: aName,
  claimAfter: a.durationFrom(1_000),
};

/** @throws InvalidOptionError */
export const readOptions = (given: unknown): Partial<ReadValues> => checkOptions('history.read()', given, readTable);

/** @throws InvalidOptionError */
export function followOptions(given: unknown): Partial<FollowValues> {
  const checked = checkOptions('history.follow()', given, followTable);
  const { group, consumer, claimAfter } = checked;
  if (group !== undefined && consumer === undefined)
    throw new InvalidOptionError(
      'consumer',
      'option group needs the option consumer: give each process a name of its own',
    );
  if (group === undefined && (consumer !== undefined || claimAfter !== undefined))
    throw new InvalidOptionError('group', 'options consumer and claimAfter need the option group');
  return checked;
}
