import { deliver } from '../jobs/outbox.js';
import type { Broker } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { Firing, StoredSchedule } from '../redis/schedule-broker.js';
import { newId } from '../wire/id.js';
import { definitionOf } from './definition.js';
import { firingOf, hasOpenRun } from './firing.js';
import { instantsOf } from './recurrence.js';

/** Schedules of one step: a step must not block Redis for long. */
const mostAtOnce = 100;
/** Steps of one pass: the other work of maintenance must go on, also if a schedule has missed a day of instants. */
const mostSteps = 20;

/** A message that a schedule has put. */
export interface FiredRun {
  readonly schedule: string;
  readonly id: string;
}

/**
 * Puts the messages of the schedules that are due, up to 20 steps, and moves these schedules on. May be called by several processes at once.
 *
 * @param onFired called for each message when its step is over
 * @returns in how many ms the next schedule is due; `undefined` if none is
 */
export async function fireDue(
  broker: Broker,
  patience: Patience,
  onFired: (run: FiredRun) => void,
): Promise<number | undefined> {
  for (let step = 0; step < mostSteps; step += 1) {
    const { now, due } = await broker.schedules.first(mostAtOnce, patience);
    const names = due.filter(({ dueAt }) => dueAt <= now).map(({ name }) => name);
    if (names.length === 0) {
      const nextDueAt = due[0]?.dueAt ?? Infinity;
      return nextDueAt === Infinity ? undefined : nextDueAt - now;
    }
    const schedules = await broker.schedules.read(names, patience);
    const firings = (await Promise.all(schedules.map((one) => firingNow(broker, one, now, patience)))).flat();
    if (firings.length === 0) return undefined; // of another program or version: it cannot be fired here
    const done = await broker.schedules.fire(newId(), firings, patience);
    const own = firings.filter((_, index) => done[index]);
    // What cannot be put now stays in the outbox, and maintenance tries again.
    await Promise.allSettled(own.map((firing) => deliverRuns(broker, firing, patience)));
    for (const { schedule, runs } of own)
      for (const { id, entry } of runs) if (entry !== undefined) onFired({ schedule: schedule.name, id });
  }
  return 0;
}

/** Puts the messages of a step from the outbox, in order. */
async function deliverRuns(broker: Broker, { runs }: Pick<Firing, 'runs'>, patience: Patience): Promise<void> {
  for (const { id, entry } of runs) if (entry !== undefined) await deliver(broker, id, entry, patience);
}

async function firingNow(broker: Broker, schedule: StoredSchedule, now: number, patience: Patience): Promise<Firing[]> {
  const definition = definitionOf(schedule);
  if (!definition || schedule.dueAt === undefined || schedule.dueAt > now) return [];
  const next = await instantsOf(definition).catch(() => undefined); // of a version with other expressions
  if (!next) return [];
  const isOpen = definition.overlap === 'skip' && (await hasOpenRun(broker, schedule, patience));
  return [firingOf(schedule, definition, next, now, isOpen)];
}
