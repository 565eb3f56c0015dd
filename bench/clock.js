import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Milliseconds of the monotonic clock, which is the same for all processes of the machine. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Resolves to true when `isTrue` returns true, or to false after `patienceMs`. */
export async function until(isTrue, patienceMs, everyMs = 1) {
  const end = nowMs() + patienceMs;
  while (!(await isTrue())) {
    if (nowMs() > end) return false;
    await sleep(everyMs);
  }
  return true;
}

/** The result of `promise`, or `undefined` after `ms`. For `close()` calls that may never resolve. */
export function within(promise, ms) {
  return Promise.race([promise, sleep(ms, undefined, { ref: false })]);
}

/** The quantile of `values`. @param {number[] | Float64Array} values @param {number} share from 0 to 1; 0.5 is the median */
export function quantile(values, share) {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? sorted[0];
}

/** The median: the middle value, or the mean of the two middle values. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
