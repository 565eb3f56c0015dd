import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Milliseconds of the machine's monotonic clock, which its processes share. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** Resolves when `isTrue` does; false after `patienceMs`. */
export async function until(isTrue, patienceMs, everyMs = 1) {
  const end = nowMs() + patienceMs;
  while (!(await isTrue())) {
    if (nowMs() > end) return false;
    await sleep(everyMs);
  }
  return true;
}

/** What `promise` brings, or `undefined` after `ms`. For the closing of what may never close. */
export function within(promise, ms) {
  return Promise.race([promise, sleep(ms, undefined, { ref: false })]);
}

/** @param {number[] | Float64Array} values @param {number} share 0.5 is the median */
export function quantile(values, share) {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? sorted[0];
}

/** The middle, or the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
