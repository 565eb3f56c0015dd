/** When a message that failed is tried again. */
export interface RetryPolicy {
  /** Most attempts, the first included. */
  readonly attempts: number;
  /** Ms before the second attempt. */
  readonly backoffMs: number;
}

/** Three tries, a second and two seconds apart: enough for a hiccup, over before anybody has to wait for the verdict. */
export const defaultPolicy: RetryPolicy = { attempts: 3, backoffMs: 1_000 };

const longestDelayMs = 3_600_000;

/**
 * Milliseconds to wait before the next attempt.
 *
 * Doubles each time, up to an hour; a random part of the upper half is taken away ("equal jitter"), so that messages
 * which failed together do not come back together.
 *
 * @param attempt the attempt that just failed, 1 for the first
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function delayAfter(attempt: number, { backoffMs }: RetryPolicy, random: () => number = Math.random): number {
  const full = Math.min(backoffMs * 2 ** (attempt - 1), Math.max(longestDelayMs, backoffMs));
  return Math.round(full / 2 + random() * (full / 2));
}
