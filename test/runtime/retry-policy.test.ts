import { describe, expect, it } from 'vitest';
import { toWaits, type Backoff } from '../../src/contract/backoff.js';
import { defaultPolicy, delayAfter, guarded } from '../../src/runtime/retry-policy.js';

const least = () => 0;
const most = () => 1;
const waits = (backoff: Backoff, attempts: readonly number[], random: () => number) => attempts.map((attempt) => delayAfter(attempt, toWaits(backoff, 'backoff'), undefined, random));

describe('the wait before the next attempt', () => {
  it.each<[string, Backoff, number[]]>([
    ['a duration doubles', '1s', [1_000, 2_000, 4_000, 8_000]],
    ['a duration of nothing stays nothing', 0, [0, 0, 0, 0]],
    ['a list is followed, and its last one repeats', ['1s', '5s', '1m'], [1_000, 5_000, 60_000, 60_000]],
    ['a fixed one stays', { type: 'fixed', delay: '3s' }, [3_000, 3_000, 3_000, 3_000]],
    ['an exponential one doubles up to its greatest', { type: 'exponential', delay: '1s', max: '3s' }, [1_000, 2_000, 3_000, 3_000]],
    ['a function decides', (attempt) => attempt * 10, [10, 20, 30, 40]],
    ['a function may say it in words', () => '2m', [120_000, 120_000, 120_000, 120_000]],
  ])('%s', (_what, backoff, expected) => {
    expect(waits(backoff, [1, 2, 3, 4], most)).toEqual(expected);
  });

  it.each<[string, Backoff, number]>([
    ['a duration', '1s', 500],
    ['an exponential rule', { type: 'exponential', delay: '1s' }, 500],
    ['an exponential rule that does not want it', { type: 'exponential', delay: '1s', jitter: false }, 1_000],
    ['a fixed rule that wants it', { type: 'fixed', delay: '1s', jitter: true }, 500],
    ['a fixed rule', { type: 'fixed', delay: '1s' }, 1_000],
    ['a list', ['1s'], 1_000],
  ])('has at least so much left after jitter: %s', (_what, backoff, expected) => {
    expect(waits(backoff, [1], least)).toEqual([expected]);
  });

  it('is an hour at the most, or what was given when that is longer, also after a million attempts', () => {
    expect(waits('1s', [13, 1_000, 1_000_000], most)).toEqual([3_600_000, 3_600_000, 3_600_000]);
    expect(waits('2h', [1, 5], most)).toEqual([7_200_000, 7_200_000]);
    expect(waits(0, [2_000], most)).toEqual([0]);
  });
});

describe("a worker's own functions", () => {
  const told: string[] = [];
  const warn = (sentence: string) => void told.push(sentence);
  const backoffOf = (backoff: Backoff) => guarded({ backoff: toWaits(backoff, 'backoff') }, warn).backoff;

  it('are given the attempt and the error', () => {
    const seen: unknown[] = [];
    const error = new Error('no');
    const rules = guarded({ backoff: toWaits((...given) => (seen.push(given), 1), 'backoff'), retryIf: (...given: [unknown, number]) => (seen.push(given), false) }, warn);
    delayAfter(2, rules.backoff, error);
    expect(rules.retryIf(error, 2)).toBe(false);
    expect(seen).toEqual([[2, error], [error, 2]]);
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => { throw new TypeError('oops'); }, 'oops'],
    ['gives nothing', () => undefined, 'is no duration'],
    ['gives NaN', () => NaN, 'is no duration'],
    ['gives a negative number', () => -1, '-1 is no duration'],
    ['gives Infinity', () => Infinity, 'is no duration'],
    ['gives another form', () => '5 minutes', '"5 minutes" is no duration'],
    ['is async', async () => 5, 'is no duration'],
    ['is async and fails', async () => { throw new Error('later'); }, 'is no duration'],
  ])('a backoff that %s falls back to the default, with a warning', (_what, backoff, sentence) => {
    told.length = 0;
    const delayMs = delayAfter(2, backoffOf(backoff as () => number));
    expect(delayMs).toBeGreaterThanOrEqual(1_000);
    expect(delayMs).toBeLessThanOrEqual(2_000);
    expect(told).toEqual([expect.stringMatching(/^backoff did not return a duration/)]);
    expect(told[0]).toContain(sentence);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => { throw new TypeError('oops'); }],
    ['answers nothing', () => undefined],
    ['answers null', () => null],
    ['answers a number', () => 0],
    ['is async', async () => false],
    ['is async and fails', async () => { throw new Error('later'); }],
  ])('a retryIf that %s means another attempt, with a warning', (_what, retryIf) => {
    told.length = 0;
    expect(guarded({ retryIf: retryIf as (error: unknown, attempt: number) => boolean }, warn).retryIf(new Error('no'), 1)).toBe(true);
    expect(told).toHaveLength(1);
  });

  it('leave the rest as it is', () => {
    expect(guarded(defaultPolicy, warn)).toEqual(defaultPolicy);
  });
});
