import { ScheduleChangedError } from '../core/errors.js';
import type { JobStatus } from '../core/job.js';
import { a } from '../core/options/schema.js';
import type { Job } from '../jobs/job.js';
import { deliver } from '../jobs/outbox.js';
import type { QueueContext } from '../redis/queue-context.js';
import { newId } from '../wire/id.js';
import { payloadTextOf, type Definition } from './definition.js';
import { keptRuns, messageOf, recordOf, runIn } from './firing.js';
import { checkScheduleName, type ScheduleOptions } from './options.js';
import { instantsOf } from './recurrence.js';
import { manualRunId, scheduleInId } from './run-id.js';
import { scheduleOf, type Schedule, type ScheduleRun, type ScheduleRunner } from './schedule.js';
import { isOver, mostTries, ScheduleStore, type PrepareMessage } from './store.js';

const nextTable = a.whole(1, 1_000);

/**
 * The schedules of a queue, as `queue.schedules`: they put a message at the times of a cron expression or at equal intervals.
 *
 * They are stored in Redis. Every process that takes messages from the queue also fires its schedules. However many do so, each instant
 * gets one message.
 *
 * @typeParam In the payload that may be put
 * @typeParam R what the handlers return
 * @example
 * await reports.schedules.set('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { kind: 'daily' } });
 */
export class Schedules<In = unknown, R = unknown> {
  readonly #store: ScheduleStore;
  readonly #stops = new Set<() => void>();

  /** @internal */
  constructor(
    private readonly context: QueueContext,
    prepare: PrepareMessage,
    /** Takes part in the maintenance of the queue. @returns a function that ends it */
    private readonly maintain: () => () => void,
  ) {
    this.#store = new ScheduleStore(context, prepare);
  }

  /**
   * Stores a schedule, or changes the one with this name. If nothing changes that decides when it is due, its next time stays, so every
   * process of a deploy may call it.
   *
   * @param name 1 to 32 letters, digits and `_ . : -`
   * @throws InvalidOptionError for a cron expression that is wrong or never comes, an unknown time zone, an interval under 100 ms;
   *   InvalidPayloadError, NotSerializableError; QueueClosedError, RedisUnreachableError
   * @example
   * await reports.schedules.set('pulse', { every: '30s', payload: { kind: 'pulse' }, missed: 'skip' });
   */
  async set(name: string, options: ScheduleOptions<In>): Promise<Schedule> {
    return (await scheduleOf(this.context, await this.#store.set(name, options)))!;
  }

  /** @internal Stores what a worker declares. */
  async declare(worker: string, name: string, options: unknown): Promise<void> {
    await this.#store.set(name, options, worker);
  }

  /**
   * One schedule; `undefined` if there is none with this name.
   *
   * @throws InvalidOptionError, QueueClosedError, RedisUnreachableError
   * @example
   * const nightly = await reports.schedules.get('nightly');
   */
  async get(name: string): Promise<Schedule | undefined> {
    const stored = await this.#store.read(name);
    return stored && scheduleOf(this.context, stored);
  }

  /**
   * All schedules, the one that is due first at first.
   *
   * @throws QueueClosedError, RedisUnreachableError
   * @example
   * console.table(await reports.schedules.list());
   */
  async list(): Promise<Schedule[]> {
    this.context.admit();
    const stored = await this.context.broker.schedules.list();
    return (await Promise.all(stored.map((one) => scheduleOf(this.context, one)))).filter((one) => one !== undefined);
  }

  /**
   * Deletes a schedule and its history. Messages that it has put stay.
   *
   * @returns whether there was one
   * @throws InvalidOptionError, QueueClosedError, RedisUnreachableError
   * @example
   * await reports.schedules.remove('nightly');
   */
  async remove(name: string): Promise<boolean> {
    this.context.admit();
    return this.context.broker.schedules.remove(checkScheduleName(name), newId());
  }

  /**
   * Pauses a schedule: it puts nothing until {@link resume}.
   *
   * @throws NoScheduleError, InvalidOptionError, QueueClosedError, RedisUnreachableError
   * @example
   * await reports.schedules.pause('nightly');
   */
  async pause(name: string): Promise<void> {
    await this.#store.change(name, () => ({ isPaused: true, dueAt: undefined }));
  }

  /**
   * Ends a pause. The schedule is due at its next instant from now; what passed during the pause does not count as missed.
   *
   * @throws NoScheduleError, InvalidOptionError, QueueClosedError, RedisUnreachableError
   * @example
   * await reports.schedules.resume('nightly');
   */
  async resume(name: string): Promise<void> {
    await this.#store.change(name, async (stored, definition, now) => {
      if (!stored.isPaused) return undefined;
      return { isPaused: false, dueAt: isOver(stored, definition) ? undefined : (await instantsOf(definition))(now) };
    });
  }

  /**
   * Puts the message of a schedule now, also if it is paused. Its next time stays.
   *
   * @returns the job of the message
   * @throws NoScheduleError, InvalidOptionError, QueueClosedError, RedisUnreachableError
   * @example
   * const job = await reports.schedules.run('nightly');
   */
  async run(name: string): Promise<Job<unknown, R>> {
    const { broker, payload, name: queue } = this.context;
    for (let left = mostTries; left > 0; left -= 1) {
      const stored = await this.#store.existing(name);
      const definition = this.#store.definitionOf(stored);
      const now = await broker.reader.now();
      const id = manualRunId(name, now);
      const entry = JSON.stringify(messageOf(definition, id, now, await intervalOf(definition, now)));
      const record = recordOf({ id, dueAt: now, putAt: now });
      const step = { schedule: stored, nextDueAt: stored.dueAt, counted: 0, runs: [{ id, entry, record }] };
      if (!(await broker.schedules.fire(newId(), [step]))[0]) continue; // it moved on meanwhile
      await deliver(broker, id, entry, { withinMs: 10_000 });
      const fields = { id, queue, payload: await payload.decode(payloadTextOf(definition)), putAt: now };
      return this.context.makeJob(fields, definition.message.tracking !== undefined) as Job<unknown, R>;
    }
    throw new ScheduleChangedError(this.context.name, name);
  }

  /**
   * When a schedule is due next, Unix ms; fewer if it ends before, none if it is paused.
   *
   * @param n how many, from 1 to 1,000
   * @throws NoScheduleError, InvalidOptionError, QueueClosedError, RedisUnreachableError
   * @example
   * for (const at of await reports.schedules.next('nightly', 3)) console.log(new Date(at));
   */
  async next(name: string, n = 1): Promise<number[]> {
    const count = nextTable(n, 'n');
    const stored = await this.#store.existing(name);
    const definition = this.#store.definitionOf(stored);
    const most = Math.min(count, (definition.limit ?? Infinity) - stored.fired);
    return nextInstants(await instantsOf(definition), stored.dueAt, most);
  }

  /**
   * The last runs of a schedule, newest first: when each was due, put and ended, and how. Redis keeps 50.
   *
   * @throws NoScheduleError, InvalidOptionError, QueueClosedError, RedisUnreachableError
   * @example
   * const [last] = await reports.schedules.history('nightly', { limit: 1 });
   */
  async history(name: string, { limit = keptRuns }: { limit?: number } = {}): Promise<ScheduleRun[]> {
    const most = a.whole(1, keptRuns)(limit, 'limit');
    await this.#store.existing(name);
    const { broker } = this.context;
    const runs = (await broker.schedules.runs(name, most)).flatMap(runIn);
    const put = runs.filter(({ putAt }) => putAt !== undefined);
    await Promise.all(put.map(({ id }) => broker.jobs.mend(id)));
    const records = await broker.jobs.records(put.map(({ id }) => id));
    const recordOfRun = new Map(put.map(({ id }, index) => [id, records[index]]));
    return runs.map((run) => {
      const { status, endedAt } = recordOfRun.get(run.id) ?? {};
      return {
        ...run,
        ...(endedAt !== undefined && { endedAt: Number(endedAt) }),
        status: run.putAt === undefined ? 'skipped' : (status as JobStatus | undefined),
        isManual: scheduleInId(run.id)?.isManual === true,
      };
    });
  }

  /**
   * Fires the schedules of this queue in this process, although it takes no messages; delayed messages and those of dead workers too.
   * A process that takes from the queue does this anyway.
   *
   * @returns `stop()` ends it; it also ends when the queue is closed
   * @throws QueueClosedError
   * @example
   * await using scheduler = reports.schedules.start();
   */
  start(): ScheduleRunner {
    this.context.admit();
    const end = this.maintain();
    const stop = (): void => {
      if (this.#stops.delete(stop)) end();
    };
    this.#stops.add(stop);
    return { stop, [Symbol.asyncDispose]: () => Promise.resolve(stop()) };
  }

  /** @internal The queue is closed. */
  close(): void {
    for (const stop of this.#stops) stop();
  }
}

/** The time between its next two instants, ms. */
async function intervalOf(definition: Definition, now: number): Promise<number> {
  const [first = now, second = first] = nextInstants(await instantsOf(definition), undefined, 2, now);
  return second - first;
}

function nextInstants(
  next: (after: number) => number | undefined,
  from: number | undefined,
  most: number,
  after?: number,
): number[] {
  const instants: number[] = [];
  for (let at = after === undefined ? from : next(after); at !== undefined && instants.length < most; at = next(at))
    instants.push(at);
  return instants;
}
