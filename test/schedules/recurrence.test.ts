/** When schedules are due: intervals, cron expressions, time zones. */
import { expect, it } from 'vitest';
import { checkCron, checkTimeZone, instantsOf, lastInstant, type Recurrence } from '../../src/schedules/recurrence.js';

const at = (text: string): number => Date.parse(text);

/** The first instants after a time, as ISO texts. */
async function after(recurrence: Recurrence, from: string, count: number): Promise<string[]> {
  const next = await instantsOf(recurrence);
  const found: string[] = [];
  for (let instant = next(at(from)); instant !== undefined && found.length < count; instant = next(instant))
    found.push(new Date(instant).toISOString());
  return found;
}

it('an interval keeps its phase', async () => {
  const next = await instantsOf({ everyMs: 30_000, anchor: 1_000 });
  expect([999, 1_000, 31_000, 100_000, -90_000].map(next)).toEqual([1_000, 31_000, 61_000, 121_000, 1_000]);
});

it('is not due before its start and after its end', async () => {
  const next = await instantsOf({ everyMs: 10, anchor: 100, start: 100, end: 120 });
  expect([0, 100, 110, 120].map(next)).toEqual([100, 110, 120, undefined]);
  const nightly = { cron: '0 3 * * *', start: at('2027-01-10T03:00Z'), end: at('2027-01-11T03:00Z') };
  expect(await after(nightly, '2026-06-01', 5)).toEqual(['2027-01-10T03:00:00.000Z', '2027-01-11T03:00:00.000Z']);
});

// Each row: a zone, an expression, a time shortly before its clocks change, and the instants that follow.
it.each([
  // 02:30 does not exist on 28 March: it is due at 03:00, when the gap ends. 02:30 comes twice on 31 October: the first counts.
  ['Europe/Berlin', '30 2 * * *', '2027-03-27T12:00Z', ['2027-03-28T01:00', '2027-03-29T00:30']],
  ['Europe/Berlin', '30 2 * * *', '2027-10-30T12:00Z', ['2027-10-31T00:30', '2027-11-01T01:30']],
  ['America/New_York', '30 2 * * *', '2027-03-13T12:00Z', ['2027-03-14T07:00', '2027-03-15T06:30']],
  ['America/New_York', '30 1 * * *', '2027-11-06T12:00Z', ['2027-11-07T05:30', '2027-11-08T06:30']],
  // Half an hour: 02:00 to 02:30 does not exist on 3 October, 01:30 to 02:00 comes twice on 4 April.
  ['Australia/Lord_Howe', '15 2 * * *', '2027-10-02T00:00Z', ['2027-10-02T15:30', '2027-10-03T15:15']],
  ['Australia/Lord_Howe', '45 1 * * *', '2027-04-03T00:00Z', ['2027-04-03T14:45', '2027-04-04T15:15']],
  ['Asia/Kolkata', '30 2 * * *', '2027-03-27T12:00Z', ['2027-03-27T21:00', '2027-03-28T21:00']],
  // A pattern for every hour goes on through the hour that comes twice.
  ['Europe/Berlin', '0 * * * *', '2027-10-30T23:30Z', ['2027-10-31T00:00', '2027-10-31T01:00', '2027-10-31T02:00']],
])('in %s, "%s" after %s is due once for each day', async (timeZone, cron, from, expected) => {
  expect(await after({ cron, timeZone }, from, expected.length)).toEqual(expected.map((text) => `${text}:00.000Z`));
});

it.each([
  ['*/20 * * * * *', ['12:00:20', '12:00:40']],
  ['0 9 L * *', ['2027-01-31T09:00:00', '2027-02-28T09:00:00']],
  ['0 9 * * 5#2', ['2027-01-08T09:00:00', '2027-02-12T09:00:00']],
  ['0 9 * JAN MON', ['2027-01-04T09:00:00', '2027-01-11T09:00:00']],
  ['@daily', ['2027-01-02T00:00:00', '2027-01-03T00:00:00']],
])('reads "%s"', async (cron, expected) => {
  const found = await after({ cron: await checkCron(cron) }, '2027-01-01T12:00Z', 2);
  expect(found.map((text, index) => text.slice(0, 19).slice(-expected[index]!.length))).toEqual(expected);
});

it('finds the last instant before now without visiting those in between', async () => {
  let calls = 0;
  const every = await instantsOf({ everyMs: 1_000, anchor: 0 });
  const next = (time: number): number | undefined => {
    calls += 1;
    return every(time);
  };
  expect(lastInstant(next, 5_000, 86_400_000_500)).toBe(86_400_000_000);
  expect(lastInstant(next, 5_000, 5_000)).toBe(5_000);
  expect(calls).toBeLessThan(100);
  expect(lastInstant(next, 5_300, 5_400)).toBe(5_300); // no instant came since
});

it.each([
  ['61 * * * *', 'the minute "61" is wrong. Expected 0-59'],
  ['0 24 * * *', 'the hour "24" is wrong. Expected 0-23'],
  ['0 3 32 * *', 'the day of the month "32" is wrong. Expected 1-31'],
  ['0 3 * 13 *', 'the month "13" is wrong. Expected 1-12'],
  ['0 3 * * XYZ', 'the day of the week "XYZ" is wrong. Expected 0-7'],
  ['99 0 3 * * *', 'the second "99" is wrong. Expected 0-59'],
  ['0 3 * *', 'it has 4 fields. Expected five'],
  ['', 'it has 0 fields'],
  ['2027-01-01T00:00', 'it has 1 fields'],
  [17, 'expected a text'],
])('refuses the cron expression %o', async (cron, sentence) => {
  await expect(checkCron(cron)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    option: 'cron',
    message: expect.stringContaining(sentence) as string,
  });
});

it.each([
  ['Berlin', 'Europe/Berlin'],
  ['Europe/Belrin', 'Europe/Berlin'],
  ['new york', 'America/New_York'],
])('refuses the time zone %s, and offers %s', (zone, nearest) => {
  expect(() => checkTimeZone(zone)).toThrow(nearest);
});

it.each([['UTC'], ['Europe/Berlin'], ['Asia/Kolkata']])('accepts the time zone %s', (zone) => {
  expect(checkTimeZone(zone)).toBe(zone);
});

it.each([['+02:00'], [''], [7], [undefined]])('refuses %o as a time zone', (zone) => {
  expect(() => checkTimeZone(zone)).toThrow('expected the IANA name');
});
