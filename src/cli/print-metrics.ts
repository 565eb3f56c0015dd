import type { Duration, Metrics, Spread } from 'hotqueue';
import { queueNames } from '../inspect/queues.js';
import { addressOf, answer, missing, withQueue, type RedisFlags } from './command.js';
import { age } from './output.js';
import { table } from './table.js';

/** Options of `hotqueue metrics`. */
export interface MetricsFlags extends RedisFlags {
  readonly since: Duration;
}

interface QueueMetrics extends Metrics {
  readonly name: string;
}

/** Prints a row for each queue. */
export async function printMetrics(names: readonly string[], flags: MetricsFlags): Promise<void> {
  const chosen = names.length > 0 ? names : await queueNames(addressOf(flags));
  if (chosen.length === 0 && !flags.json) return missing('no queue yet: put a message first');
  const all = await Promise.all(chosen.map((name) => metricsOf(name, flags)));
  answer(flags, { queues: all.map(asJson) }, () => asTable(all));
}

function metricsOf(name: string, flags: MetricsFlags): Promise<QueueMetrics> {
  return withQueue(name, flags, async (queue) => ({
    name,
    ...(await queue.metrics({ since: flags.since })),
  }));
}

const heading = [
  'queue',
  'handled',
  'per s',
  'failed',
  'dead',
  'run p50',
  'p95',
  'p99',
  'wait p50',
  'p95',
  'p99',
  'oldest',
];

function asTable(all: readonly QueueMetrics[]): string {
  const rows = all.map(({ name, oldestMs, total }) => [
    name,
    ...[total.handled.toLocaleString('en'), total.perSecond.handled.toFixed(1)],
    ...[total.failed.toLocaleString('en'), total.dead.toLocaleString('en')],
    ...percentiles(total.run),
    ...percentiles(total.wait),
    oldestMs === undefined ? '' : age(oldestMs),
  ]);
  return table(heading, rows);
}

const percentiles = ({ p50Ms, p95Ms, p99Ms }: Spread): string[] => [p50Ms, p95Ms, p99Ms].map(spent);

/** A percentile, as exactly as it is known: three digits. */
function spent(ms: number | undefined): string {
  if (ms === undefined) return '';
  if (ms < 1_000) return `${Number(ms.toPrecision(3))} ms`;
  return ms < 600_000 ? `${Number((ms / 1_000).toPrecision(3))} s` : `${Math.round(ms / 60_000)} min`;
}

/** `undefined` is left out by JSON, but a program can rely on a field that is there. */
const asJson = (metrics: QueueMetrics): unknown =>
  JSON.parse(JSON.stringify(metrics, (_, value: unknown) => (value === undefined ? null : value)));
