/** What a due schedule puts, and when it is due next. */
import { expect, it } from 'vitest';
import { planOf } from '../../src/schedules/firing.js';
import { instantsOf } from '../../src/schedules/recurrence.js';

const minute = 60_000;
const next = await instantsOf({ everyMs: minute, anchor: 0 });

it.each([
  // missed, due, now, instants, due next
  ['once', 10, 10, [10], 11],
  ['once', 10, 14.5, [14], 15],
  ['skip', 10, 10, [10], 11],
  ['skip', 10, 10.4, [10], 11],
  ['skip', 10, 10.6, [], 11],
  ['skip', 10, 14.4, [14], 15],
  ['skip', 10, 14.6, [], 15],
  ['all', 10, 10, [10], 11],
  ['all', 10, 13.5, [10, 11, 12, 13], 14],
] as const)('missed: %s, due at minute %d and now %d', (missed, due, now, instants, nextDue) => {
  expect(planOf({ missed }, next, due * minute, now * minute, Infinity)).toEqual({
    instants: instants.map((at) => at * minute),
    nextDueAt: nextDue * minute,
  });
});

it('with skip, an instant of a rare schedule may be a minute late', async () => {
  const daily = await instantsOf({ everyMs: 1_440 * minute, anchor: 0 });
  expect(planOf({ missed: 'skip' }, daily, 0, minute, Infinity).instants).toEqual([0]);
  expect(planOf({ missed: 'skip' }, daily, 0, minute + 1, Infinity).instants).toEqual([]);
});

it('with all, one step puts a hundred messages, and the next step goes on', () => {
  const first = planOf({ missed: 'all' }, next, 0, 250 * minute, Infinity);
  expect(first.instants).toHaveLength(100);
  expect(first.nextDueAt).toBe(100 * minute);
});

it('puts no more than the limit allows', () => {
  expect(planOf({ missed: 'all' }, next, 0, 10 * minute, 3)).toEqual({
    instants: [0, minute, 2 * minute],
    nextDueAt: 3 * minute,
  });
});

it('has no next time after its end', async () => {
  const ending = await instantsOf({ everyMs: minute, anchor: 0, end: 2 * minute });
  expect(planOf({ missed: 'once' }, ending, minute, 5 * minute, Infinity)).toEqual({
    instants: [2 * minute],
    nextDueAt: undefined,
  });
});
