import type { QueueSnapshot } from '../inspect/snapshot.js';
import type { QueueTotals } from '../inspect/totals.js';

/** A queue at one moment, with what its workers have counted since it began. */
export type QueueReading = QueueSnapshot & { readonly totals: QueueTotals };

/** What one scrape reads; `undefined` if Redis did not answer in time. */
export type Reading = { readonly now: number; readonly queues: readonly QueueReading[] } | undefined;

/** One value, as prom-client writes it. `metricName` is set for the parts of a histogram. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** A metric with all of its values. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Names of its labels. */
  readonly labels: readonly string[];
  samples(this: void, reading: Reading): Sample[];
}

/** How prom-client adds up values of several processes: every process reads the same numbers, so one of them counts. */
export const aggregator = 'first';

const states = ['waiting', 'delayed', 'active', 'dead'] as const;
const workerStates = ['working', 'quiet', 'stopping'] as const;

/** All metrics, in the order in which they are written. `docs/monitoring.md` explains them. */
export const families: readonly Family[] = [
  {
    name: 'hotqueue_messages',
    help: 'Messages of a queue by state: waiting, delayed, active, dead.',
    type: 'gauge',
    labels: ['queue', 'state'],
    samples: (reading) =>
      ofQueues(reading, (queue) => states.map((state) => ({ labels: { state }, value: queue[state] }))),
  },
  {
    name: 'hotqueue_messages_total',
    help: 'Attempts and messages by outcome: handled, failed (retried is a part of it), dead (expired is a part of it), lost.',
    type: 'counter',
    labels: ['queue', 'outcome'],
    samples: (reading) =>
      ofQueues(reading, ({ totals }) =>
        Object.entries(totals.outcomes).map(([outcome, value]) => ({ labels: { outcome }, value })),
      ),
  },
  histogram('run', 'How long handlers ran.'),
  histogram('wait', 'How long messages were ready before their handler started.'),
  {
    name: 'hotqueue_oldest_seconds',
    help: 'Age of the oldest waiting message; 0 if none is waiting.',
    type: 'gauge',
    labels: ['queue'],
    samples: (reading) =>
      ofQueues(reading, ({ oldestAt }) => [
        { labels: {}, value: oldestAt === undefined ? 0 : Math.max(0, reading!.now - oldestAt) / 1_000 },
      ]),
  },
  {
    name: 'hotqueue_workers',
    help: 'Registered workers of a queue by state: working, quiet, stopping.',
    type: 'gauge',
    labels: ['queue', 'state'],
    samples: (reading) =>
      ofQueues(reading, ({ workers }) =>
        workerStates.map((state) => ({
          labels: { state },
          value: workers.filter(({ status }) => status === state).length,
        })),
      ),
  },
  {
    name: 'hotqueue_worker_memory_bytes',
    help: 'Resident memory of a process with workers, as of its last heartbeat.',
    type: 'gauge',
    labels: ['host', 'process'],
    samples: (reading: Reading): Sample[] => {
      const byProcess = new Map<string, Sample>();
      for (const { host, pid, process, memoryBytes } of reading?.queues.flatMap(({ workers }) => workers) ?? [])
        if (memoryBytes > 0)
          byProcess.set(`${host} ${pid}`, {
            labels: { host, process: process === '' ? String(pid) : process },
            value: memoryBytes,
          });
      return [...byProcess.values()];
    },
  },
  {
    name: 'hotqueue_redis_up',
    help: 'Whether Redis has answered this scrape: 1 or 0.',
    type: 'gauge',
    labels: [],
    samples: (reading) => [{ labels: {}, value: reading ? 1 : 0 }],
  },
];

function histogram(duration: 'run' | 'wait', help: string): Family {
  const name = `hotqueue_${duration}_seconds`;
  return {
    name,
    help,
    type: 'histogram',
    labels: ['queue'],
    samples: (reading) =>
      ofQueues(reading, ({ totals }) => {
        const { atMost, count, sumMs } = totals.durations[duration];
        return [
          ...atMost.map(([boundMs, value]) => ({
            metricName: `${name}_bucket`,
            labels: { le: boundMs / 1_000 },
            value,
          })),
          { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
          { metricName: `${name}_sum`, labels: {}, value: sumMs / 1_000 },
          { metricName: `${name}_count`, labels: {}, value: count },
        ];
      }),
  };
}

/** The samples of each queue, with its name as their first label. */
function ofQueues(reading: Reading, samplesOf: (queue: QueueReading) => Sample[]): Sample[] {
  return (reading?.queues ?? []).flatMap((queue) =>
    samplesOf(queue).map((sample) => ({ ...sample, labels: { queue: queue.name, ...sample.labels } })),
  );
}
