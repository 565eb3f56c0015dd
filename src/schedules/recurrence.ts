import { distance } from 'fastest-levenshtein';
import { InvalidOptionError } from '../core/errors.js';
import { shown } from '../core/shown.js';

/** When a schedule is due: at the times of a cron expression, or at equal intervals. Instants are Unix ms. */
export interface Recurrence {
  readonly cron?: string | undefined;
  /** IANA name, for `cron`. */
  readonly timeZone?: string | undefined;
  readonly everyMs?: number | undefined;
  /** An instant from which the intervals are counted. */
  readonly anchor?: number | undefined;
  /** It is not due before this. */
  readonly start?: number | undefined;
  /** It is not due after this. */
  readonly end?: number | undefined;
}

/** The first instant after the given one; `undefined` if there is none. */
export type NextInstant = (after: number) => number | undefined;

/** The instants of a recurrence. Loads the cron library if there is a cron expression. */
export async function instantsOf(recurrence: Recurrence): Promise<NextInstant> {
  const { start, end = Infinity } = recurrence;
  const next = recurrence.cron === undefined ? intervals(recurrence) : await cronTimes(recurrence);
  const earliest = start === undefined ? -Infinity : start - 1;
  return (after) => {
    const instant = next(Math.max(after, earliest));
    return instant !== undefined && instant <= end ? instant : undefined;
  };
}

/** They keep their phase: each is a multiple of the interval after the anchor. */
function intervals({ everyMs = 0, anchor = 0 }: Recurrence): NextInstant {
  return (after) => anchor + Math.max(0, Math.floor((after - anchor) / everyMs) + 1) * everyMs;
}

async function cronTimes({ cron = '', timeZone = 'UTC' }: Recurrence): Promise<NextInstant> {
  const { Cron } = await import('croner');
  const times = new Cron(cron, { timezone: timeZone, paused: true });
  return (after) => times.nextRun(new Date(after))?.getTime();
}

/**
 * The last instant that is not after `now`, from one that is known.
 *
 * @param known an instant that is not after `now`
 */
export function lastInstant(next: NextInstant, known: number, now: number): number {
  // There may be millions of them in between, so it looks for the latest time that has one behind it.
  let [from, to] = [known - 1, now];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    const instant = next(middle);
    if (instant !== undefined && instant <= now) from = Math.max(middle, instant - 1);
    else to = middle;
  }
  const last = next(from);
  return last !== undefined && last <= now ? last : known; // `known` is no instant any more, and none came since
}

const fields: readonly (readonly [name: string, allowed: string])[] = [
  ['second', '0-59'],
  ['minute', '0-59'],
  ['hour', '0-23'],
  ['day of the month', '1-31, L for the last day, or 15W for the weekday nearest to the 15th'],
  ['month', '1-12, or JAN-DEC'],
  ['day of the week', '0-7 with 0 and 7 for Sunday, or SUN-SAT; 5#2 for the second Friday, 5L for the last'],
];
const everyField = 'each field may also be *, a list (1,2), a range (1-5) or steps (*/15)';
const nicknames = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i;

/**
 * Checks a cron expression.
 *
 * @throws InvalidOptionError that names the field that is wrong, and what it may be
 */
export async function checkCron(cron: unknown): Promise<string> {
  if (typeof cron !== 'string')
    throw new InvalidOptionError('cron', `invalid cron ${shown(cron)}: expected a text, such as '0 3 * * *'`);
  const text = cron.trim();
  if (nicknames.test(text)) return text;
  const parts = text.split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6)
    throw new InvalidOptionError(
      'cron',
      `invalid cron ${shown(cron)}: it has ${text === '' ? 0 : parts.length} fields. Expected five (minute, hour, day of the month, month, day of the week), or six with the second in front, or @daily and the like`,
    );
  const { Cron } = await import('croner');
  const named = fields.slice(6 - parts.length);
  for (const [index, part] of parts.entries()) {
    const alone = named.map((_, place) => (place === index ? part : '*')).join(' ');
    const reason = refusal(() => new Cron(alone, { paused: true }));
    if (reason === undefined) continue;
    const [name, allowed] = named[index]!;
    throw new InvalidOptionError(
      'cron',
      `invalid cron ${shown(cron)}: the ${name} ${shown(part)} is wrong. Expected ${allowed}; ${everyField}`,
      { cause: reason },
    );
  }
  const whole = refusal(() => new Cron(text, { paused: true }));
  if (whole !== undefined)
    throw new InvalidOptionError('cron', `invalid cron ${shown(cron)}: see the cause`, { cause: whole });
  return text;
}

function refusal(make: () => unknown): unknown {
  try {
    make();
    return undefined;
  } catch (error) {
    return error ?? 'refused';
  }
}

/**
 * Checks the name of a time zone.
 *
 * @throws InvalidOptionError with the nearest names
 */
export function checkTimeZone(timeZone: unknown): string {
  if (typeof timeZone === 'string' && /^[A-Za-z]/.test(timeZone)) {
    try {
      return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone === '' ? 'UTC' : timeZone;
    } catch {
      // not a name of a zone
    }
  }
  const nearest = typeof timeZone === 'string' ? nearestZones(timeZone) : ['Europe/Berlin', 'UTC'];
  throw new InvalidOptionError(
    'timeZone',
    `invalid timeZone ${shown(timeZone)}: expected the IANA name of a time zone. Did you mean ${nearest.join(', ')}?`,
  );
}

/** Three names that are most like this one, or whose last part is. */
function nearestZones(name: string): string[] {
  const wanted = name.toLowerCase().replaceAll(' ', '_');
  const farness = (zone: string): number => {
    const lower = zone.toLowerCase();
    const city = lower.slice(lower.lastIndexOf('/') + 1);
    return Math.min(distance(wanted, lower), distance(wanted.slice(wanted.lastIndexOf('/') + 1), city) + 0.5);
  };
  return Intl.supportedValuesOf('timeZone')
    .map((zone) => ({ zone, farness: farness(zone) }))
    .sort((one, other) => one.farness - other.farness)
    .slice(0, 3)
    .map(({ zone }) => zone);
}
