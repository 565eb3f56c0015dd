/** Upper bounds of the buckets of run and wait times, in ms: 1, 2, 4, … 16,777,216 (4.7 hours). Longer times are in one more bucket. */
export const bucketBoundsMs: readonly number[] = Array.from({ length: 25 }, (_, power) => 2 ** power);

/** How many buckets a histogram has: those of {@link bucketBoundsMs}, and one for longer times. */
export const bucketCount = bucketBoundsMs.length + 1;

/**
 * The duration below which a share of all durations is, estimated from their buckets: linear within a bucket.
 *
 * @param counts of each bucket
 * @param share 0 to 1
 * @returns ms; `undefined` if nothing was counted. The longest bound for durations beyond it
 */
export function quantileMs(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let rank = share * total;
  for (const [index, count] of counts.entries()) {
    const upper = bucketBoundsMs[index];
    if (upper === undefined) break;
    const lower = index === 0 ? 0 : bucketBoundsMs[index - 1]!;
    if (count > 0 && rank <= count) return lower + (upper - lower) * (rank / count);
    rank -= count;
  }
  return bucketBoundsMs.at(-1);
}
