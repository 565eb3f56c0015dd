import { bucketCount } from './buckets.js';

/** What can become of the attempt of a message, as it is counted; `docs/monitoring.md` explains each. */
export const outcomes = ['handled', 'failed', 'retried', 'dead', 'expired', 'lost'] as const;
export type CountedOutcome = (typeof outcomes)[number];

/** Names of the two sums of durations, whole ms, and of the buckets behind them: `run`, `run0`, `run1`, … */
export const durations = ['run', 'wait'] as const;
export type CountedDuration = (typeof durations)[number];

const countOf = { handled: 0, failed: 1, retried: 2, dead: 3, expired: 4, lost: 5 } as const;
const runAt = outcomes.length;
const waitAt = runAt + 1 + bucketCount;

/** Names of the counts in the hashes of Redis, in the order of {@link Tally}. */
export const countedFields: readonly string[] = [
  ...outcomes,
  ...durations.flatMap((name) => [name, ...Array.from({ length: bucketCount }, (_, bucket) => `${name}${bucket}`)]),
];

/**
 * What one worker has counted since it joined. It only grows, and the worker sends all of it with each heartbeat: Redis adds what is
 * more than the last time, so a heartbeat that arrives twice, or late, adds nothing.
 */
export class Tally {
  readonly #counts = new Float64Array(countedFields.length);

  /**
   * An attempt has ended: the message is handled, or the attempt failed and the message is retried or dead.
   *
   * @param runMs absent if no handler ran, as for an invalid payload
   */
  ended(outcome: 'handled' | 'retried' | 'dead', runMs: number | undefined, waitMs: number): void {
    const counts = this.#counts;
    counts[countOf[outcome]]! += 1;
    if (outcome !== 'handled') counts[countOf.failed]! += 1;
    if (runMs === undefined) return;
    counts[runAt]! += runMs;
    counts[runAt + 1 + (runMs <= 1 ? 0 : bucketOf(runMs))]! += 1;
    counts[waitAt]! += waitMs;
    counts[waitAt + 1 + (waitMs <= 1 ? 0 : bucketOf(waitMs))]! += 1;
  }

  /** A message was buried without an attempt, as its `ttl` had passed. */
  expired(): void {
    this.#counts[countOf.dead]! += 1;
    this.#counts[countOf.expired]! += 1;
  }

  /** Begins again at 0: the worker joins under a new id. */
  clear(): void {
    this.#counts.fill(0);
  }

  /** All counts that are not 0, such as `handled 12 run 340 run3 12`: see `_metrics.lua`. */
  toString(): string {
    let text = '';
    for (const [index, count] of this.#counts.entries()) {
      const whole = Math.floor(count); // rounded down: a sum must never shrink
      if (whole > 0) text += `${text === '' ? '' : ' '}${countedFields[index]!} ${whole}`;
    }
    return text;
  }
}

/** Index of the first bucket whose bound is not below a duration. @param ms 0 or more */
export function bucketOf(ms: number): number {
  if (ms <= 1) return 0;
  return ms > 16_777_216 ? bucketCount - 1 : 32 - Math.clz32(Math.ceil(ms) - 1);
}
