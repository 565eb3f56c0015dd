import type { QueueOptions } from '../core/options/queue.js';
import { MetricsReader } from '../redis/metrics-reader.js';
import { bucketBoundsMs, bucketCount } from '../telemetry/buckets.js';
import { durations, outcomes, type CountedDuration, type CountedOutcome } from '../telemetry/tally.js';
import type { Broker } from '../redis/broker.js';
import type { QueueContext } from '../redis/queue-context.js';
import { countsOf } from './counts.js';
import { asking, oldestIn } from './queues.js';
import type { QueueSnapshot } from './snapshot.js';
import { QueueWorkers } from './workers.js';

/** Durations since the queue began. */
export interface DurationTotals {
  readonly sumMs: number;
  readonly count: number;
  /** How many were at most so long: bound in ms, and their number. Each includes the ones before. */
  readonly atMost: readonly (readonly [boundMs: number, count: number])[];
}

/** What the workers of a queue have counted since it began; all numbers only grow. */
export interface QueueTotals {
  readonly outcomes: Readonly<Record<CountedOutcome, number>>;
  readonly durations: Readonly<Record<CountedDuration, DurationTotals>>;
}

/** A queue of this process at one moment, with its totals. */
export async function readingOf(context: QueueContext): Promise<QueueSnapshot & { readonly totals: QueueTotals }> {
  const { broker, name } = context;
  const [counts, isPaused, heads, workers, totals] = await Promise.all([
    countsOf(context),
    broker.reader.isPaused(),
    broker.reader.heads(),
    new QueueWorkers(context).list(),
    totalsIn(broker),
  ]);
  return { ...counts, name, isPaused, oldestAt: oldestIn(heads), workers, nextSchedule: undefined, totals };
}

/** Reads the counts of a queue of all time. */
export function totalsOf(name: string, address: QueueOptions): Promise<QueueTotals> {
  return asking(name, address, totalsIn);
}

async function totalsIn({ connection, keys }: Broker): Promise<QueueTotals> {
  const counts = await new MetricsReader(connection, keys).total();
  const of = (field: string): number => counts[field] ?? 0;
  return {
    outcomes: Object.fromEntries(outcomes.map((outcome) => [outcome, of(outcome)])) as QueueTotals['outcomes'],
    durations: Object.fromEntries(
      durations.map((duration) => [duration, durationTotals(duration, of)]),
    ) as unknown as QueueTotals['durations'],
  };
}

function durationTotals(name: CountedDuration, of: (field: string) => number): DurationTotals {
  let count = 0;
  const atMost = bucketBoundsMs.map((boundMs, bucket) => [boundMs, (count += of(`${name}${bucket}`))] as const);
  return { sumMs: of(name), count: count + of(`${name}${bucketCount - 1}`), atMost };
}
