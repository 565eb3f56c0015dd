import type { WorkerView } from 'hotqueue';
import { ratesOf, type QueueLook, type Rates } from '../look.js';

/** All queues at one moment. */
export interface Look {
  /** Unix ms. */
  readonly at: number;
  readonly queues: readonly QueueLook[];
}

/**
 * Attempts per second: of each worker between its own reports, added up.
 *
 * Not what a queue's sums grew by between two looks: workers tell of their work with their beats, the first of which, up to
 * ten seconds after somebody began to look, brings the work of all that time at once.
 *
 * @param before earlier looks, oldest first
 * @returns `undefined` until somebody has reported twice; sums of the queue serve where nobody works any more
 */
export function ratesIn(queue: QueueLook, at: number, before: readonly Look[]): Rates | undefined {
  const earlier = before.flatMap((look) => look.queues.filter(({ name }) => name === queue.name).map((then) => ({ at: look.at, then })));
  if (queue.workers.length === 0) return ratesOf(queue, earlier[0]?.then, at - (earlier[0]?.at ?? at));
  const known = queue.workers.flatMap((worker) => ratesOfOne(worker, earlier.map(({ then }) => then)) ?? []);
  if (known.length === 0) return undefined;
  const sum = (which: keyof Rates): number => Math.round(known.reduce((total, rates) => total + rates[which], 0) * 10) / 10;
  return { handled: sum('handled'), failed: sum('failed') };
}

/** A lease ends so long after the beat that renewed it, always the same: the ends are as far apart as the reports. */
function ratesOfOne(worker: WorkerView, before: readonly QueueLook[]): Rates | undefined {
  const then = before.flatMap(({ workers }) => workers.filter(({ id }) => id === worker.id))[0];
  const elapsedMs = worker.leaseUntil - (then?.leaseUntil ?? worker.leaseUntil);
  if (!then || elapsedMs <= 0) return undefined;
  const perSecond = (which: keyof Rates): number => Math.max(0, ((worker[which] - then[which]) * 1_000) / elapsedMs);
  return { handled: perSecond('handled'), failed: perSecond('failed') };
}
