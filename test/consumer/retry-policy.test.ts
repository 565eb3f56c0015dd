import { describe, expect, it } from 'vitest';
import { toBackoffCurve, type Backoff } from '../../src/core/options/backoff.js';
import { defaultPolicy, delayAfter, guarded, type Warn } from '../../src/consumer/retry-policy.js';

const least = () => 0;
const most = () => 1;
const waits = (backoff: Backoff, attempts: readonly number[], random: () => number) =>
  attempts.map((attempt) => delayAfter(attempt, toBackoffCurve(backoff, 'backoff'), undefined, random));

describe('the delay before the next attempt', () => {
  it.each<[string, Backoff, number[]]>([
    ['a duration doubles', '1s', [1_000, 2_000, 4_000, 8_000]],
    ['a duration of 0 stays 0', 0, [0, 0, 0, 0]],
    [
      'a list gives one delay for each attempt, and the last one repeats',
      ['1s', '5s', '1m'],
      [1_000, 5_000, 60_000, 60_000],
    ],
    ['a fixed delay stays the same', { type: 'fixed', delay: '3s' }, [3_000, 3_000, 3_000, 3_000]],
    [
      'an exponential delay doubles up to its maximum',
      { type: 'exponential', delay: '1s', max: '3s' },
      [1_000, 2_000, 3_000, 3_000],
    ],
    ['a function returns the delay', (attempt) => attempt * 10, [10, 20, 30, 40]],
    ['a function may return a duration as text', () => '2m', [120_000, 120_000, 120_000, 120_000]],
  ])('%s', (_what, backoff, expected) => {
    expect(waits(backoff, [1, 2, 3, 4], most)).toEqual(expected);
  });

  it.each<[string, Backoff, number]>([
    ['a duration', '1s', 500],
    ['an exponential rule', { type: 'exponential', delay: '1s' }, 500],
    ['an exponential rule without jitter', { type: 'exponential', delay: '1s', jitter: false }, 1_000],
    ['a fixed rule with jitter', { type: 'fixed', delay: '1s', jitter: true }, 500],
    ['a fixed rule', { type: 'fixed', delay: '1s' }, 1_000],
    ['a list', ['1s'], 1_000],
  ])('has a minimum after jitter: %s', (_what, backoff, expected) => {
    expect(waits(backoff, [1], least)).toEqual([expected]);
  });

  it('is at most an hour, or the given duration if that is longer, also after a million attempts', () => {
    expect(waits('1s', [13, 1_000, 1_000_000], most)).toEqual([3_600_000, 3_600_000, 3_600_000]);
    expect(waits('2h', [1, 5], most)).toEqual([7_200_000, 7_200_000]);
    expect(waits(0, [2_000], most)).toEqual([0]);
  });
});

describe("a worker's own functions", () => {
  const told: string[] = [];
  const warn: Warn = (_fields, sentence) => void told.push(sentence);
  const backoffOf = (backoff: Backoff) => guarded({ backoff: toBackoffCurve(backoff, 'backoff') }, warn).backoff;

  it('get the attempt and the error', () => {
    const seen: unknown[] = [];
    const error = new Error('no');
    const rules = guarded(
      {
        backoff: toBackoffCurve((...given) => (seen.push(given), 1), 'backoff'),
        retryIf: (...given: [unknown, number]) => (seen.push(given), false),
      },
      warn,
    );
    delayAfter(2, rules.backoff, error);
    expect(rules.retryIf(error, 2)).toBe(false);
    expect(seen).toEqual([
      [2, error],
      [error, 2],
    ]);
  });

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new TypeError('oops');
      },
      'oops',
    ],
    ['gives nothing', () => undefined, 'invalid backoff undefined: expected a duration'],
    ['gives NaN', () => NaN, 'invalid backoff NaN: expected a duration'],
    ['gives a negative number', () => -1, 'invalid backoff -1: expected a duration'],
    ['gives Infinity', () => Infinity, 'invalid backoff Infinity: expected a duration'],
    ['gives another form', () => '5 minutes', 'invalid backoff "5 minutes": expected a duration'],
    ['is async', async () => 5, 'expected a duration'],
    [
      'is async and fails',
      async () => {
        throw new Error('later');
      },
      'expected a duration',
    ],
  ])('a backoff that %s falls back to the default, with a warning', (_what, backoff, sentence) => {
    told.length = 0;
    const delayMs = delayAfter(2, backoffOf(backoff as () => number));
    expect(delayMs).toBeGreaterThanOrEqual(1_000);
    expect(delayMs).toBeLessThanOrEqual(2_000);
    expect(told).toEqual([expect.stringMatching(/^backoff did not return a duration/)]);
    expect(told[0]).toContain(sentence);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new TypeError('oops');
      },
    ],
    ['returns nothing', () => undefined],
    ['returns null', () => null],
    ['returns a number', () => 0],
    ['is async', async () => false],
    [
      'is async and fails',
      async () => {
        throw new Error('later');
      },
    ],
  ])('a retryIf that %s allows another attempt, with a warning', (_what, retryIf) => {
    told.length = 0;
    expect(
      guarded({ retryIf: retryIf as (error: unknown, attempt: number) => boolean }, warn).retryIf(new Error('no'), 1),
    ).toBe(true);
    expect(told).toHaveLength(1);
  });

  it('do not change the other options', () => {
    expect(guarded(defaultPolicy, warn)).toEqual(defaultPolicy);
  });
});
