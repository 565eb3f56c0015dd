import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import { QueueHistory } from './queue-history.js';
import { queueTime, scored, tenSeconds } from './reading.js';

const requestMemoryMs = 600_000;

/** A schedule as it is stored. */
export interface StoredSchedule {
  readonly name: string;
  /** JSON, see `schedules/definition.ts`. */
  readonly definition: string;
  readonly revision: string;
  /** Unix ms, by the clock of the queue; `undefined` if it is paused or over. */
  readonly dueAt: number | undefined;
  readonly isPaused: boolean;
  /** Id of the last message that it has put; `''` for none. */
  readonly last: string;
  /** How many runs count for its limit. */
  readonly fired: number;
  /** When a worker that declares it started, Unix ms; `undefined` if none does. */
  readonly declaredAt: number | undefined;
}

/** What {@link ScheduleBroker.save} stores. */
export interface ScheduleChange {
  readonly name: string;
  /** The revision that was read, `''` for a new schedule. */
  readonly before: string;
  /** When it was due as it was read; `undefined` for never, or a new schedule. */
  readonly dueBefore?: number | undefined;
  readonly revision: string;
  readonly definition: string;
  readonly dueAt: number | undefined;
  readonly isPaused: boolean;
  readonly declaredAt?: number | undefined;
}

/** One step of a schedule: what it puts, and when it is due next. */
export interface Firing {
  readonly schedule: StoredSchedule;
  readonly nextDueAt: number | undefined;
  /** How many of the runs count for the limit of the schedule. */
  readonly counted: number;
  /** In order. `entry` is absent for a run that is skipped. */
  readonly runs: readonly { readonly id: string; readonly entry: string | undefined; readonly record: string }[];
}

/** The schedules of one queue in Redis: one method for each script, and what reads them. */
export class ScheduleBroker {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
    private readonly history = QueueHistory.of(connection, keys),
  ) {}

  /** Names of the messages in the outbox, at most a few hundred. */
  async undelivered(patience: Patience): Promise<string[]> {
    const { outbox } = this.keys;
    const [, found] = await this.connection.call((client) => client.hscan(outbox, '0', 'COUNT', 500), patience);
    return found.filter((_, index) => index % 2 === 0);
  }

  /** The schedules that are due first, and when they are; and the time of the queue. */
  async first(
    most: number,
    patience: Patience,
  ): Promise<{ readonly now: number; readonly due: readonly { readonly name: string; readonly dueAt: number }[] }> {
    const { schedules } = this.keys;
    const [{ now }, found] = await Promise.all([
      queueTime(this.connection, this.keys, patience),
      this.connection.call((client) => client.zrange(schedules, 0, String(most - 1), 'WITHSCORES'), patience),
    ]);
    return {
      now,
      due: scored(found).map(([name, score]) => ({ name, dueAt: score === 'inf' ? Infinity : Number(score) })),
    };
  }

  /** All schedules, the one that is due first at first. */
  async list(patience: Patience = tenSeconds): Promise<StoredSchedule[]> {
    const names = await this.connection.call((client) => client.zrange(this.keys.schedules, 0, '-1'), patience);
    return this.read(names, patience);
  }

  /** Those of these schedules that exist. */
  async read(names: readonly string[], patience: Patience = tenSeconds): Promise<StoredSchedule[]> {
    const hashes = await this.connection.call(
      (client) => Promise.all(names.map((name) => client.hgetall(this.keys.schedule(name)))),
      patience,
    );
    return hashes.flatMap((fields, index) => storedSchedule(names[index]!, fields));
  }

  /** save-schedule: stores a schedule. @returns false if it was changed, or has fired, since it was read */
  async save(change: ScheduleChange, patience: Patience = tenSeconds): Promise<boolean> {
    const { name, before, dueBefore, revision, definition, dueAt, isPaused, declaredAt } = change;
    const keys = [this.keys.schedules, this.keys.schedule(name)];
    const terms = [definition, dueAt ?? 'inf', isPaused ? '1' : '', declaredAt ?? ''];
    const args = [name, before, revision, ...terms, dueBefore ?? 'inf'];
    return (await this.history.run('save-schedule', keys, args, patience)) === 1;
  }

  /**
   * fire: stores messages in the outbox, and moves their schedules on.
   *
   * @param call a new id for each call: if it is sent again, it does nothing more
   * @returns for each, whether this call did it
   */
  async fire(call: string, firings: readonly Firing[], patience: Patience = tenSeconds): Promise<boolean[]> {
    const keys = [this.keys.schedules, this.keys.outbox];
    const args: (string | number)[] = [call];
    for (const { schedule, nextDueAt, counted, runs } of firings) {
      const { name, revision, dueAt, last } = schedule;
      const newest = runs.findLast(({ entry }) => entry !== undefined)?.id ?? '';
      keys.push(this.keys.schedule(name), this.keys.scheduleRuns(name));
      args.push(name, revision, dueAt ?? 'inf', last, nextDueAt ?? 'inf', newest, counted, runs.length);
      for (const { id, entry, record } of runs) args.push(entry === undefined ? '' : id, entry ?? '', record);
    }
    const reply = (await this.history.run('fire', keys, args, patience)) as number[];
    return reply.map((done) => done === 1);
  }

  /** remove-schedule: deletes a schedule. @param request id of this request @returns whether there was one */
  async remove(name: string, request: string, patience: Patience = tenSeconds): Promise<boolean> {
    const { schedules } = this.keys;
    const keys = [schedules, this.keys.schedule(name), this.keys.scheduleRuns(name), this.keys.request(request)];
    return (await this.history.run('remove-schedule', keys, [name, requestMemoryMs], patience)) === 1;
  }

  /** The last runs of a schedule as JSON, newest first. */
  runs(name: string, most: number, patience: Patience = tenSeconds): Promise<string[]> {
    return this.connection.call((client) => client.lrange(this.keys.scheduleRuns(name), 0, most - 1), patience);
  }
}

function storedSchedule(name: string, fields: Record<string, string>): StoredSchedule[] {
  const { definition, revision, due = 'inf', paused, last = '', fired = '0', declaredAt } = fields;
  if (definition === undefined || revision === undefined) return [];
  const schedule = { name, definition, revision, last, isPaused: paused === '1', fired: Number(fired) };
  return [
    {
      ...schedule,
      dueAt: due === 'inf' ? undefined : Number(due),
      declaredAt: declaredAt === undefined ? undefined : Number(declaredAt),
    },
  ];
}
