import type { WorkerInfo } from 'hotqueue';
import { ratesOf, type QueueLook, type Rates } from '../look.js';

/** A snapshot of all queues. */
export interface Look {
  /** Unix ms. */
  readonly at: number;
  readonly queues: readonly QueueLook[];
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
export function ratesIn(queue: QueueLook, at: number, before: readonly Look[]): Rates | undefined {
  const earlier = before.flatMap((look) =>
    look.queues.filter(({ name }) => name === queue.name).map((then) => ({ at: look.at, then })),
  );
  if (queue.workers.length === 0) return ratesOf(queue, earlier[0]?.then, at - (earlier[0]?.at ?? at));
  const known = queue.workers.flatMap(
    (worker) =>
      ratesOfOne(
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
function ratesOfOne(worker: WorkerInfo, before: readonly QueueLook[]): Rates | undefined {
  const then = before.flatMap(({ workers }) => workers.filter(({ id }) => id === worker.id))[0];
  const elapsedMs = worker.leaseUntil - (then?.leaseUntil ?? worker.leaseUntil);
  if (!then || elapsedMs <= 0) return undefined;
  const perSecond = (which: keyof Rates): number => Math.max(0, ((worker[which] - then[which]) * 1_000) / elapsedMs);
  return { done: perSecond('done'), failed: perSecond('failed') };
}
