import type { WorkerInfo } from 'hotqueue';
import { ratesBetween, type QueueSnapshot, type Rates } from '../../inspect/snapshot.js';

/** Snapshots of all queues, taken at the same time. */
export interface TimedSnapshots {
  /** Unix ms. */
  readonly at: number;
  readonly queues: readonly QueueSnapshot[];
}

/**
 * Attempts per second of a queue: the sum of the rates of its workers, each between two of its own heartbeats.
 *
 * The difference of the queue's totals between two snapshots would be wrong: workers report with heartbeats, and the first one
 * after the start of `top` brings the work of up to ten seconds at once.
 *
 * @param before earlier snapshots, the oldest first
 * @returns `undefined` until a worker has reported twice. Without workers, it uses the totals of the queue
 */
export function ratesOverWindow(
  queue: QueueSnapshot,
  at: number,
  before: readonly TimedSnapshots[],
): Rates | undefined {
  const earlier = before.flatMap(({ at: thenAt, queues }) =>
    queues.filter(({ name }) => name === queue.name).map((then) => ({ at: thenAt, then })),
  );
  if (queue.workers.length === 0) return ratesBetween(earlier[0]?.then, queue, at - (earlier[0]?.at ?? at));
  const known = queue.workers.flatMap(
    (worker) =>
      ratesOfWorker(
        worker,
        earlier.map(({ then }) => then),
      ) ?? [],
  );
  if (known.length === 0) return undefined;
  const sum = (which: keyof Rates): number =>
    Math.round(known.reduce((total, rates) => total + rates[which], 0) * 10) / 10;
  return { done: sum('done'), failed: sum('failed') };
}

/** Uses the ends of the lease as times of the heartbeats: each heartbeat renews the lease for the same time. */
function ratesOfWorker(worker: WorkerInfo, before: readonly QueueSnapshot[]): Rates | undefined {
  const then = before.flatMap(({ workers }) => workers.filter(({ id }) => id === worker.id))[0];
  const elapsedMs = worker.leaseUntil - (then?.leaseUntil ?? worker.leaseUntil);
  if (!then || elapsedMs <= 0) return undefined;
  const perSecond = (which: keyof Rates): number => Math.max(0, ((worker[which] - then[which]) * 1_000) / elapsedMs);
  return { done: perSecond('done'), failed: perSecond('failed') };
}
