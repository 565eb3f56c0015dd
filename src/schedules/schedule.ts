import type { JobStatus } from '../core/job.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { StoredSchedule } from '../redis/schedule-broker.js';
import { definitionOf, payloadTextOf } from './definition.js';

/**
 * A schedule, as `get` and `list` return it. Times are Unix ms, by the clock of the Redis server.
 *
 * @example
 * for (const { name, nextAt } of await reports.schedules.list()) console.log(name, nextAt && new Date(nextAt));
 */
export interface Schedule {
  /** Its name in the queue. */
  readonly name: string;
  /** Name of the queue. */
  readonly queue: string;
  /** Cron expression; absent with `everyMs`. */
  readonly cron?: string;
  /** Time zone of `cron`. */
  readonly timeZone?: string;
  /** Interval, ms; absent with `cron`. */
  readonly everyMs?: number;
  /** What happens with instants that pass while no process works on the queue. */
  readonly missed: 'once' | 'skip' | 'all';
  /** Whether it puts a message while the one before has not ended. */
  readonly overlap: 'allow' | 'skip';
  /** It is not due before this. */
  readonly start?: number;
  /** It is not due after this. */
  readonly end?: number;
  /** It ends after so many messages. */
  readonly limit?: number;
  /** Each message waits for a random part of this, ms. */
  readonly jitterMs?: number;
  /** The payload of its messages, as a handler gets it; `undefined` if this queue object cannot decode it. */
  readonly payload: unknown;
  /** When it is due next; `undefined` if it is paused or over. */
  readonly nextAt: number | undefined;
  /** Whether it is paused. */
  readonly isPaused: boolean;
  /** How many messages it has put, without those of `run`. */
  readonly runs: number;
  /** Id of the last message that it has put; absent if it has put none. */
  readonly lastId?: string;
  /** The worker that declares it, such as `Reporter.report`; absent if `set` was called by a program. */
  readonly worker?: string;
  /** When a worker that declares it started last. */
  readonly declaredAt?: number;
}

/**
 * A run in the history of a schedule.
 *
 * @example
 * for (const { dueAt, status } of await reports.schedules.history('nightly')) console.log(new Date(dueAt), status);
 */
export interface ScheduleRun {
  /** Id of its message. */
  readonly id: string;
  /** The instant at which it was due, Unix ms; for a run that was asked for by hand, when that was. */
  readonly dueAt: number;
  /** When its message was put, Unix ms; absent for a run that was skipped. */
  readonly putAt?: number;
  /** When its job ended, Unix ms. */
  readonly endedAt?: number;
  /** Where its job is; `skipped` if the run before had not ended; `undefined` if its job has no record. */
  readonly status: JobStatus | 'skipped' | undefined;
  /** Whether `run` was called for it. */
  readonly isManual: boolean;
}

/**
 * What `queue.schedules.start()` returns.
 *
 * @example
 * const scheduler = reports.schedules.start();
 * process.once('SIGTERM', () => scheduler.stop());
 */
export interface ScheduleRunner extends AsyncDisposable {
  /** Fires no more schedules in this process. */
  stop(): void;
}

/** A stored schedule, as its users see it; `undefined` if another program has written it. */
export async function scheduleOf(context: QueueContext, stored: StoredSchedule): Promise<Schedule | undefined> {
  const definition = definitionOf(stored);
  if (!definition) return undefined;
  const { cron, timeZone, everyMs, missed, overlap, start, end, limit, jitterMs, worker } = definition;
  const { name, isPaused, dueAt: nextAt, fired: runs, last, declaredAt } = stored;
  const payload = await decoded(context, payloadTextOf(definition));
  const optional = { cron, timeZone, everyMs, start, end, limit, jitterMs, worker, declaredAt };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
  const schedule = { name, queue: context.name, missed, overlap, payload, nextAt, isPaused, runs };
  return { ...schedule, ...given, ...(last !== '' && { lastId: last }) };
}

async function decoded(context: QueueContext, text: string): Promise<unknown> {
  try {
    return await context.payload.decode(text);
  } catch {
    return undefined; // the class of this queue object is another one
  }
}
