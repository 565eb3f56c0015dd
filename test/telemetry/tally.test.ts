import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketBoundsMs, bucketCount, quantileMs } from '../../src/telemetry/buckets.js';
import { bucketOf, Tally } from '../../src/telemetry/tally.js';

describe('buckets', () => {
  it.each([
    [0, 0],
    [1, 0],
    [1.001, 1],
    [2, 1],
    [2.5, 2],
    [1_000, 10],
    [1_024, 10],
    [1_024.5, 11],
    [16_777_216, 24],
    [16_777_217, 25],
    [1e15, 25],
  ])('a duration of %d ms is in bucket %d', (ms, bucket) => expect(bucketOf(ms)).toBe(bucket));

  it('the bound of a bucket is not below its durations, and the one before is', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2e7, noNaN: true }), (ms) => {
        const bucket = bucketOf(ms);
        expect(ms).toBeLessThanOrEqual(bucketBoundsMs[bucket] ?? Infinity);
        expect(ms).toBeGreaterThan(bucket === 0 ? -1 : bucketBoundsMs[bucket - 1]!);
      }),
    );
  });
});

describe('quantiles', () => {
  it('are undefined for nothing', () =>
    expect(quantileMs(new Array<number>(bucketCount).fill(0), 0.5)).toBeUndefined());

  it('are in the bucket of the exact value', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95, 0.99),
        (durations, share) => {
          const counts = new Array<number>(bucketCount).fill(0);
          for (const ms of durations) counts[bucketOf(ms)]! += 1;
          const exact = durations.sort((one, other) => one - other)[Math.ceil(share * durations.length) - 1]!;
          expect(bucketOf(quantileMs(counts, share)!)).toBe(bucketOf(exact));
        },
      ),
    );
  });

  it('of durations beyond the last bound are that bound', () => {
    const counts = new Array<number>(bucketCount).fill(0);
    counts[bucketCount - 1] = 3;
    expect(quantileMs(counts, 0.5)).toBe(16_777_216);
  });
});

it('a tally has a text with what it has counted', () => {
  const tally = new Tally();
  expect(tally.toString()).toBe('');
  tally.ended('handled', 0.6, 3);
  tally.ended('handled', 0.6, 3);
  tally.ended('retried', 5, 100);
  tally.ended('dead', undefined, 0);
  tally.expired();
  expect(tally.toString()).toBe(
    'handled 2 failed 2 retried 1 dead 2 expired 1 run 6 run0 2 run3 1 wait 106 wait2 2 wait7 1',
  );
  tally.clear();
  expect(tally.toString()).toBe('');
});
