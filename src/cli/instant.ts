import { InvalidArgumentError } from 'commander';

const form = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:?\d\d)?)?$/i;
/** Unix ms of 1973 to 5138. A shorter number is a year, or seconds. */
const unixMs = /^\d{12,14}$/;
/** Clocks move by half an hour or an hour. */
const clockShifts = [-3_600_000, -1_800_000, 1_800_000, 3_600_000];

/**
 * Parses a time, for commander: a date, a date with a time of day, or Unix ms. A time without an offset is local time, and a
 * date alone is its first moment, in local time. A text that means no instant, or more than one, is refused.
 *
 * @param text `2026-12-24`, `2026-12-24T18:00`, `2026-12-24T18:00:30.5`, `2026-12-24T17:00Z`, `2026-12-24T18:00+01:00`
 */
export function instant(text: string): Date {
  if (unixMs.test(text)) return new Date(Number(text));
  const found = form.exec(text);
  if (!found)
    throw new InvalidArgumentError(`It must be a time, ${accepted}${/^\d+$/.test(text) ? hintForNumber : ''}.`);
  const [year, month, day, hour, minute, second, ms] = found
    .slice(1, 8)
    .map((part, index) => Number(index === 6 ? (part ?? '').padEnd(3, '0') : (part ?? 0))) as Parts;
  const parts: Parts = [year, month, day, hour, minute, second, ms];
  const asUtc = utcOf(parts);
  if (!hasParts(asUtc, parts, 'utc')) throw new InvalidArgumentError('There is no such date or time of day.');
  const offset = found[8];
  return offset ? new Date(asUtc.getTime() - offsetMs(offset)) : localTime(parts);
}

type Parts = [year: number, month: number, day: number, hour: number, minute: number, second: number, ms: number];

const accepted =
  'such as 2026-12-24, 2026-12-24T18:00 (local time), 2026-12-24T17:00Z or 2026-12-24T18:00+01:00, or Unix milliseconds';
const hintForNumber = '. A number of seconds is not accepted: add 000 for milliseconds';

function localTime(parts: Parts): Date {
  const [year, month, day, hour, minute, second, ms] = parts;
  const date = new Date(year, month - 1, day, hour, minute, second, ms);
  if (!hasParts(date, parts, 'local'))
    throw new InvalidArgumentError(
      'The clocks skip this local time: give another one, or add an offset such as +01:00.',
    );
  const isTwice = clockShifts.some((shift) => hasParts(new Date(date.getTime() + shift), parts, 'local'));
  if (isTwice)
    throw new InvalidArgumentError('This local time comes twice, as the clocks go back: add an offset such as +01:00.');
  return date;
}

function offsetMs(offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))];
  if (hours > 14 || minutes > 59) throw new InvalidArgumentError(`There is no offset ${offset}.`);
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** `Date.UTC` takes years below 100 for years of the last century. */
function utcOf([year, month, day, hour, minute, second, ms]: Parts): Date {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, ms);
  return date;
}

/** Whether a date has these parts. It has others if a part was out of range: 30 February becomes 2 March. */
function hasParts(date: Date, [year, month, day, hour, minute, second]: Parts, zone: 'utc' | 'local'): boolean {
  const found =
    zone === 'utc'
      ? [
          date.getUTCFullYear(),
          date.getUTCMonth(),
          date.getUTCDate(),
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
        ]
      : [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  return [year, month - 1, day, hour, minute, second].every((part, index) => part === found[index]);
}
