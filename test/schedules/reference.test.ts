/** Next times of random cron expressions in several zones, against another library. */
import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { instantsOf } from '../../src/schedules/recurrence.js';

const zones = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/Sao_Paulo'],
  ...['Africa/Casablanca', 'Pacific/Auckland'],
];
const from = Date.parse('2027-01-01T00:00Z');
const twoYears = 2 * 365.25 * 86_400_000;
const expressions = 200;
const looks = 12;

/** A field: a star, a number, a list, a range, or steps. */
const field = (least: number, most: number): fc.Arbitrary<string> => {
  const number = fc.integer({ min: least, max: most });
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: number.map(String) },
    {
      weight: 1,
      arbitrary: fc
        .uniqueArray(number, { minLength: 2, maxLength: 4 })
        .map((list) => list.sort((a, b) => a - b).join(',')),
    },
    { weight: 1, arbitrary: fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: Math.max(2, Math.floor(most / 2)) }).map((step) => `*/${step}`) },
  );
};
const cron = fc
  .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
  .map((parts) => parts.join(' '));

/** Ms of the hours around which the clocks of a zone change: there the two libraries have other rules. */
const nearChange = (at: number, timeZone: string): boolean =>
  new Set([-3, 0, 3].map((hours) => offsetOf(at + hours * 3_600_000, timeZone))).size > 1;

const formats = new Map<string, Intl.DateTimeFormat>();
function offsetOf(at: number, timeZone: string): string {
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  formats.set(timeZone, format);
  return format.formatToParts(at).find(({ type }) => type === 'timeZoneName')!.value;
}

/** `undefined` where it gives up, as for a date that comes once in years. */
function theirsAfter(expression: string, tz: string, after: number): number | undefined {
  try {
    return CronExpressionParser.parse(expression, { currentDate: new Date(after), tz })
      .next()
      .getTime();
  } catch (error) {
    if (String(error).includes('loop limit exceeded')) return undefined;
    throw error;
  }
}

it('agree with cron-parser, except where the clocks change', async () => {
  const times = fc
    .sample(fc.integer({ min: 0, max: twoYears }), { numRuns: looks, seed: 7 })
    .map((after) => from + after);
  const differences: string[] = [];
  let compared = 0;
  for (const expression of fc.sample(cron, { numRuns: expressions, seed: 7 }))
    for (const timeZone of zones) {
      const next = await instantsOf({ cron: expression, timeZone });
      for (const after of times) {
        const theirs = theirsAfter(expression, timeZone, after);
        const ours = next(after)!;
        if (theirs === undefined) continue;
        compared += 1;
        if (ours === theirs || nearChange(ours, timeZone) || nearChange(theirs, timeZone)) continue;
        differences.push(
          `${expression} in ${timeZone} after ${new Date(after).toISOString()}: ${new Date(ours).toISOString()}, theirs ${new Date(theirs).toISOString()}`,
        );
      }
    }
  expect(differences).toEqual([]);
  expect(compared).toBeGreaterThan(0.9 * expressions * zones.length * looks);
}, 120_000);
