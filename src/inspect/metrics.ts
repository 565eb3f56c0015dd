import type { ResolvedMetricsOptions } from '../core/options/metrics.js';
import { MetricsReader, type Counts } from '../redis/metrics-reader.js';
import type { QueueContext } from '../redis/queue-context.js';
import { bucketCount, quantileMs } from '../telemetry/buckets.js';
import { outcomes, type CountedDuration, type CountedOutcome } from '../telemetry/tally.js';
import { oldestIn } from './queues.js';

/**
 * How long something took: handlers, or messages that waited.
 *
 * Percentiles are estimated from buckets whose bounds double, from 1 ms to 4.7 hours: each is in the right bucket.
 *
 * @example
 * ```ts
 * const { run } = (await queue.metrics()).total;
 * console.log(run.count, run.meanMs, run.p95Ms);
 * ```
 */
export interface Spread {
  /** How many were measured. */
  readonly count: number;
  /** Mean, ms; `undefined` if none was measured. */
  readonly meanMs: number | undefined;
  /** Half of them took at most so long, ms. */
  readonly p50Ms: number | undefined;
  /** 95 % of them took at most so long, ms. */
  readonly p95Ms: number | undefined;
  /** 99 % of them took at most so long, ms. */
  readonly p99Ms: number | undefined;
}

/**
 * What happened to the messages of a queue in a stretch of time.
 *
 * @example
 * ```ts
 * for (const { at, handled, failed } of (await queue.metrics()).points) console.log(new Date(at), handled, failed);
 * ```
 */
export interface MetricsPoint {
  /** Begin, Unix ms. */
  readonly at: number;
  /** Length, ms; the last point of `points` ends now. */
  readonly lengthMs: number;
  /** Attempts that succeeded. */
  readonly handled: number;
  /** Attempts that failed: those that are retried, and those that were the last. */
  readonly failed: number;
  /** Attempts that failed, and whose message gets another one. */
  readonly retried: number;
  /** Messages that were buried. */
  readonly dead: number;
  /** Messages that were buried because their `ttl` had passed. */
  readonly expired: number;
  /** Messages that a worker had when its lease ended: it died, or Redis got no heartbeat of it. */
  readonly lost: number;
  /** Attempts per second: those that succeeded, and those that failed. */
  readonly perSecond: {
    /** Attempts that succeeded. */
    readonly handled: number;
    /** Attempts that failed. */
    readonly failed: number;
  };
  /** How long handlers ran. */
  readonly run: Spread;
  /** How long messages were ready before their handler started. */
  readonly wait: Spread;
}

/**
 * Metrics of a queue, see `queue.metrics()`.
 *
 * @example
 * ```ts
 * const { oldestMs, total }: Metrics = await queue.metrics({ since: '5m' });
 * console.log(oldestMs, total.perSecond.handled, total.wait.p95Ms);
 * ```
 */
export interface Metrics {
  /** Age of the oldest waiting message, ms; `undefined` if none waits, or its age is not known. */
  readonly oldestMs: number | undefined;
  /** All points together. */
  readonly total: MetricsPoint;
  /** Points of equal length, the oldest first, also those in which nothing happened. */
  readonly points: readonly MetricsPoint[];
}

/** Reads the counts that workers have added with their heartbeats. */
export async function metricsOf(
  { broker }: QueueContext,
  { sinceMs, stepMs, period }: ResolvedMetricsOptions,
): Promise<Metrics> {
  const [now, heads] = await Promise.all([broker.reader.now(), broker.reader.heads()]);
  const periodMs = period === 'minute' ? 60_000 : 3_600_000;
  const from = Math.floor((now - sinceMs) / stepMs) * stepMs;
  const starts = Array.from({ length: Math.ceil((now + 1 - from) / periodMs) }, (_, index) => from + index * periodMs);
  const counts = await new MetricsReader(broker.connection, broker.keys).of(period, starts);
  const perPoint = stepMs / periodMs;
  const points = Array.from({ length: Math.ceil(starts.length / perPoint) }, (_, index) => {
    const at = from + index * stepMs;
    const its = counts.slice(index * perPoint, (index + 1) * perPoint);
    return pointOf(at, Math.min(stepMs, Math.max(1, now - at)), its);
  });
  const oldestAt = oldestIn(heads);
  return {
    oldestMs: oldestAt === undefined ? undefined : Math.max(0, now - oldestAt),
    total: pointOf(from, Math.max(1, now - from), counts),
    points,
  };
}

function pointOf(at: number, lengthMs: number, counts: readonly Counts[]): MetricsPoint {
  const sum = (name: string): number => counts.reduce((total, one) => total + (one[name] ?? 0), 0);
  const of = Object.fromEntries(outcomes.map((name) => [name, sum(name)])) as Record<CountedOutcome, number>;
  const rate = (count: number): number => (count * 1_000) / lengthMs;
  return {
    at,
    lengthMs,
    ...of,
    perSecond: { handled: rate(of.handled), failed: rate(of.failed) },
    run: spreadOf('run', sum),
    wait: spreadOf('wait', sum),
  };
}

function spreadOf(name: CountedDuration, sum: (field: string) => number): Spread {
  const buckets = Array.from({ length: bucketCount }, (_, bucket) => sum(`${name}${bucket}`));
  const count = buckets.reduce((total, one) => total + one, 0);
  return {
    count,
    meanMs: count === 0 ? undefined : sum(name) / count,
    p50Ms: quantileMs(buckets, 0.5),
    p95Ms: quantileMs(buckets, 0.95),
    p99Ms: quantileMs(buckets, 0.99),
  };
}
