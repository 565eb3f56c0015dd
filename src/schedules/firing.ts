import type { FollowUp } from '../jobs/outbox.js';
import { hasEnded } from '../core/job.js';
import type { Broker } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { Firing, StoredSchedule } from '../redis/schedule-broker.js';
import type { Definition } from './definition.js';
import { lastInstant, type NextInstant } from './recurrence.js';
import { runId } from './run-id.js';

/** A run in the history of a schedule, as it is stored. */
export interface StoredRun {
  readonly id: string;
  readonly dueAt: number;
  /** When its message was put, Unix ms by the clock of the queue; absent for a run that was skipped. */
  readonly putAt?: number;
}

/** The instants for which a schedule puts a message now, and when it is due next. */
export interface Plan {
  readonly instants: readonly number[];
  readonly nextDueAt: number | undefined;
}

/** An instant that is late by more than this was missed; also by more than half of the time to the next one. */
const lateMs = 60_000;
/** Instants of one schedule that are put in one step. */
const mostInstants = 100;
/** Records of jobs are kept for so many further runs. */
export const keptRuns = 50;
const longestKeptMs = 315_576_000_000;
/** How long Redis refuses the id of a run, so that a schedule that a failover has set back puts nothing twice. */
const rememberedMs = 86_400_000;

/**
 * What a due schedule does.
 *
 * @param dueAt an instant that is not after `now`
 * @param left how many more messages its limit allows
 */
export function planOf(
  { missed }: Pick<Definition, 'missed'>,
  next: NextInstant,
  dueAt: number,
  now: number,
  left: number,
): Plan {
  const instants: number[] = [];
  const most = Math.min(mostInstants, left);
  let nextDueAt: number | undefined;
  if (missed === 'all') {
    for (let at: number | undefined = dueAt; at !== undefined && at <= now && instants.length < most; at = nextDueAt) {
      instants.push(at);
      nextDueAt = next(at);
    }
  } else {
    const newest = lastInstant(next, dueAt, now);
    nextDueAt = next(newest);
    const isMissed = now - newest > Math.min(lateMs, ((nextDueAt ?? Infinity) - newest) / 2);
    if (missed === 'once' || !isMissed) instants.push(newest);
  }
  return { instants, nextDueAt };
}

/** The message of one run, for the outbox. */
export function messageOf(definition: Definition, id: string, now: number, intervalMs: number): FollowUp {
  const { message, jitterMs } = definition;
  const { tracking } = message;
  const rest = message.message.replace(/^#\S+ 0 0/, '').replace(/^([^\n]*?) d=\d+/, '$1');
  const due = jitterMs === undefined ? message.due : { at: now + Math.floor(Math.random() * jitterMs) };
  const ready = due ? ` d=${'at' in due ? due.at : now + due.afterMs}` : '';
  const keepMs = Math.min(keptRuns * intervalMs, longestKeptMs);
  return {
    ...message,
    id,
    message: `#${id} 0 0 p=${now} s=1${ready}${rest}`,
    uniqueForMs: rememberedMs,
    ...(due && { due }),
    ...(tracking && {
      tracking: {
        ...tracking,
        keepMs: Math.max(tracking.keepMs, keepMs),
        keepFailedMs: Math.max(tracking.keepFailedMs, keepMs),
      },
    }),
  };
}

/** The step of a due schedule. @param isOpen its last message has not ended */
export function firingOf(
  schedule: StoredSchedule,
  definition: Definition,
  next: NextInstant,
  now: number,
  isOpen: boolean,
): Firing {
  const { name, dueAt = now, fired } = schedule;
  const { limit = Infinity } = definition;
  const { instants, nextDueAt } = planOf(definition, next, dueAt, now, limit - fired);
  const intervalMs = nextDueAt === undefined ? 0 : nextDueAt - (instants.at(-1) ?? dueAt);
  const isSkipped = (index: number): boolean => definition.overlap === 'skip' && (isOpen || index > 0);
  const runs = instants.map((instant, index) => {
    const id = runId(name, instant);
    if (isSkipped(index)) return { id, entry: undefined, record: recordOf({ id, dueAt: instant }) };
    const entry = JSON.stringify(messageOf(definition, id, now, intervalMs));
    return { id, entry, record: recordOf({ id, dueAt: instant, putAt: now }) };
  });
  const counted = runs.filter(({ entry }) => entry !== undefined).length;
  return { schedule, nextDueAt: fired + counted < limit ? nextDueAt : undefined, counted, runs };
}

export const recordOf = (run: StoredRun): string => JSON.stringify(run);

/** Reads what {@link recordOf} wrote; nothing if another program wrote it. */
export function runIn(text: string): StoredRun[] {
  try {
    const run = JSON.parse(text) as StoredRun | null;
    return typeof run?.id === 'string' ? [run] : [];
  } catch {
    return [];
  }
}

/** Whether the last message of a schedule has not ended: it is in the outbox, or its job is open. */
export async function hasOpenRun(broker: Broker, { last }: StoredSchedule, patience: Patience): Promise<boolean> {
  if (last === '') return false;
  const status = await broker.jobs.mend(last, patience);
  if (status !== undefined) return !hasEnded(status);
  const { outbox } = broker.keys;
  return (await broker.connection.call((client) => client.hexists(outbox, last), patience)) === 1;
}
