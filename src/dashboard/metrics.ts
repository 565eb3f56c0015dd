import type { Duration, MetricsPoint, Spread } from 'hotqueue';
import type { MetricsPointView, MetricsView, SpreadView } from './api.js';
import type { TextQueue } from './sources.js';

/** How far back the page looks, and the length of a point. */
export const ranges: Readonly<Record<string, { since: Duration; step: Duration }>> = {
  '1h': { since: '1h', step: '1m' },
  '24h': { since: '24h', step: '15m' },
  '30d': { since: '30d', step: '6h' },
};

/** What happened on a queue, as its workers counted it. */
export async function metricsView(queue: TextQueue, range: { since: Duration; step: Duration }): Promise<MetricsView> {
  const { points, total } = await queue.metrics(range);
  const { handled, failed, retried, dead, expired, lost, run, wait } = total;
  const counts = { handled, failed, retried, dead, expired, lost };
  return { points: points.map(pointOf), total: { ...counts, run: spreadOf(run), wait: spreadOf(wait) } };
}

const pointOf = ({ at, perSecond, run, wait }: MetricsPoint): MetricsPointView => ({
  ...{ at, done: perSecond.handled, failed: perSecond.failed },
  run: spreadOf(run),
  wait: spreadOf(wait),
});

const spreadOf = ({ count, p50Ms, p95Ms, p99Ms }: Spread): SpreadView => ({
  ...{ count, p50Ms: p50Ms ?? null, p95Ms: p95Ms ?? null, p99Ms: p99Ms ?? null },
});
