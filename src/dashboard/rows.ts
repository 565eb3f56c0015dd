import type { QueueSnapshot } from '../inspect/snapshot.js';
import type { Problem, QueueRow, Rates, Sample } from './api.js';

/** How many attempts a queue had at an instant: Unix ms, and steady ms. */
export interface Point {
  readonly at: number;
  readonly steadyAt: number;
  readonly done: number;
  readonly failed: number;
}

/** Attempts per second are measured over about this time: workers add their attempts with a heartbeat, every 10 s if the queue is not watched. */
const windowMs = 20_000;
/** Workers of a watched queue send a heartbeat every second, but not before the last one of those every 10 s. */
const watchedWindowMs = 12_000;
/** Points of the small plot in the overview, and the shortest time between two. */
export const sparkPoints = 40;
export const sparkEveryMs = 1_900;
/** A message that waits for longer than this is a problem. */
const longWaitMs = 300_000;
/** Samples that are kept of each queue. */
export const mostSamples = 600;

/** Attempts per second until the last point; `null` if there is nothing to compare with, or if Redis has lost its data. */
export function ratesAt(points: readonly Point[], isWatched: boolean): Rates | null {
  const last = points.at(-1);
  if (!last) return null;
  const since = last.steadyAt - (isWatched ? watchedWindowMs : windowMs);
  const before = points.findLast(({ steadyAt }) => steadyAt <= since) ?? points[0]!;
  const elapsedMs = last.steadyAt - before.steadyAt;
  const [done, failed] = [last.done - before.done, last.failed - before.failed];
  if (elapsedMs <= 0 || done < 0 || failed < 0) return null;
  const perSecond = (count: number): number => Math.round((count * 10_000) / elapsedMs) / 10;
  return { done: perSecond(done), failed: perSecond(failed) };
}

/** The points that later rates need. */
export const recent = (points: readonly Point[], now: number): Point[] =>
  points.filter(({ steadyAt }) => steadyAt >= now - 2 * windowMs);

/** What a person should look at, the most urgent first. Pure. */
export function problemsOf(
  { waiting, active, dead, isPaused, oldestAt, workers, nextSchedule }: QueueSnapshot,
  rates: Rates | null,
  now: number,
): Problem[] {
  const problem = (says: string): Problem => ({ level: 'problem', says });
  const warning = (says: string): Problem => ({ level: 'warning', says });
  const handlers = workers.filter(({ status }) => status === 'working').length;
  return [
    !isPaused && handlers === 0 && waiting + active > 0 && problem('no worker takes its messages'),
    rates !== null && rates.failed > 0 && rates.failed >= rates.done && problem('most attempts fail'),
    nextSchedule && nextSchedule.dueAt < now - 60_000 && problem('a schedule is overdue'),
    oldestAt !== undefined && oldestAt < now - longWaitMs && warning('a message waits for more than 5 minutes'),
    rates !== null && rates.failed > 0 && rates.failed < rates.done && warning('attempts fail'),
    isPaused && warning('paused'),
    dead > 0 && warning(dead === 1 ? '1 dead letter' : `${dead.toLocaleString('en')} dead letters`),
  ].filter((one) => typeof one === 'object');
}

/** The row of a queue. */
export function rowOf(queue: QueueSnapshot, rates: Rates | null, spark: readonly number[], now: number): QueueRow {
  const { name, waiting, active, delayed, dead, done, failed, isPaused, oldestAt, workers, nextSchedule } = queue;
  return {
    ...{ name, waiting, active, delayed, dead, done, failed, isPaused, rates, spark },
    oldestAt: oldestAt ?? null,
    workers: workers.length,
    problems: problemsOf(queue, rates, now),
    nextSchedule: nextSchedule ?? null,
  };
}

/** A sample for the plots of a queue. */
export const sampleOf = ({ waiting, active }: QueueSnapshot, rates: Rates | null, at: number): Sample => ({
  ...{ at, waiting, active },
  done: rates?.done ?? null,
  failed: rates?.failed ?? null,
});
