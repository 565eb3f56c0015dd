import type { Schedule } from 'hotqueue';
import type { ScheduleRow } from './api.js';
import { longText } from './shown.js';
import type { Sources, TextQueue } from './sources.js';

/** Runs and times of each schedule that are shown. */
const mostRuns = 10;
const mostNext = 3;

/** The schedules of a queue, the one that is due first at first. */
export async function schedulesOf(sources: Sources, queue: TextQueue): Promise<ScheduleRow[]> {
  return Promise.all((await queue.schedules.list()).map((schedule) => rowOf(sources, queue, schedule)));
}

async function rowOf({ texts }: Sources, queue: TextQueue, schedule: Schedule): Promise<ScheduleRow> {
  const { name, isPaused, runs, worker, payload } = schedule;
  const [next, history] = await Promise.all([
    queue.schedules.next(name, mostNext),
    queue.schedules.history(name, { limit: mostRuns }),
  ]);
  return {
    ...{ queue: queue.name, name, when: whenOf(schedule), isPaused, next, runs },
    worker: worker ?? null,
    payload: texts.ofValue(payload, longText),
    history: history.map(({ id, dueAt, status = 'unknown', isManual }) => ({ id, dueAt, status, isManual })),
  };
}

function whenOf({ cron, timeZone, everyMs = 0 }: Schedule): string {
  if (cron !== undefined) return `${cron} (${timeZone})`;
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const;
  const [size, unit] = units.find(([size]) => everyMs % size === 0) ?? [1, 'ms'];
  return `every ${everyMs / size} ${unit}`;
}
