import type { PutOptions } from '../core/options/put.js';
import { InvalidOptionError, NoScheduleError, ScheduleChangedError } from '../core/errors.js';
import type { JobFields } from '../core/job.js';
import type { FollowUp } from '../jobs/outbox.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { StoredSchedule } from '../redis/schedule-broker.js';
import { newId } from '../wire/id.js';
import { withoutTrace } from '../wire/trace.js';
import { definitionOf, timingOf, type Definition } from './definition.js';
import { checkSchedule, checkScheduleName, type ResolvedSchedule } from './options.js';
import { checkCron, checkTimeZone, instantsOf, type Recurrence } from './recurrence.js';

/** Checks and encodes a message for an outbox. */
export type PrepareMessage = (
  payload: unknown,
  options: PutOptions,
) => Promise<{ readonly job: JobFields; readonly followUp: FollowUp }>;

/** Changes of one schedule that are made again if another process has changed it meanwhile. */
export const mostTries = 100;

/** What a change of a schedule may change. */
type Change = Pick<StoredSchedule, 'isPaused' | 'dueAt'>;

/** Reads and changes the schedules of one queue. A change is stored only if no other process has made one meanwhile. */
export class ScheduleStore {
  constructor(
    private readonly context: QueueContext,
    private readonly prepare: PrepareMessage,
  ) {}

  /** Stores a schedule, or changes the one with this name. @param worker the worker that declares it */
  async set(name: string, options: unknown, worker?: string): Promise<StoredSchedule> {
    this.context.admit();
    const checked = checkSchedule(name, options);
    const { broker, wire, name: queue } = this.context;
    if (wire === 'plain')
      throw new InvalidOptionError(
        'wire',
        `schedule ${JSON.stringify(name)}: queue "${queue}" has wire: 'plain', and a message of a schedule needs an id. Use wire: 'hotqueue'`,
      );
    const recurrence = await checkRecurrence(checked);
    const { followUp } = await this.prepare(checked.payload, checked.put);
    const { missed, overlap, limit, jitterMs } = checked;
    for (let left = mostTries; left > 0; left -= 1) {
      const now = await broker.reader.now();
      const stored = (await broker.schedules.read([name]))[0];
      const old = stored && definitionOf(stored);
      const isSameTime = old !== undefined && timingOf(old) === timingOf(recurrence);
      const anchor = isSameTime ? old.anchor : (recurrence.start ?? now);
      const definition: Definition = {
        ...recurrence,
        ...(recurrence.everyMs !== undefined && { anchor }),
        ...{ missed, overlap, limit, jitterMs, worker: worker ?? old?.worker },
        message: templateOf(name, followUp),
      };
      const text = JSON.stringify(definition);
      if (stored && old && worker === undefined && isSame(old, definition)) return stored;
      const next = await instantsOf(definition);
      const dueAt = isSameTime && stored?.dueAt !== undefined ? stored.dueAt : next(now);
      // A worker whose schedule is over must still start.
      if (dueAt === undefined && !isSameTime && (worker === undefined || checked.end === undefined))
        refuseNever(name, checked);
      const isPaused = stored?.isPaused === true;
      const isEnded = stored !== undefined && isOver(stored, definition);
      const change = {
        ...{
          name,
          before: stored?.revision ?? '',
          dueBefore: stored?.dueAt,
          revision: newId(),
          definition: text,
          isPaused,
        },
        dueAt: isPaused || isEnded ? undefined : dueAt,
        declaredAt: worker === undefined ? undefined : now,
      };
      if (!(await broker.schedules.save(change))) continue;
      await broker.announce(queue, { withinMs: 10_000 });
      if (change.dueAt !== undefined) this.context.maintenance.observe({ nextDueMs: Math.max(0, change.dueAt - now) });
      return (await this.read(name)) ?? { ...change, last: '', fired: 0 };
    }
    throw new ScheduleChangedError(this.context.name, name);
  }

  /** Makes a change; none if `changeOf` returns `undefined`. */
  async change(
    name: string,
    changeOf: (
      stored: StoredSchedule,
      definition: Definition,
      now: number,
    ) => Change | undefined | Promise<Change | undefined>,
  ): Promise<void> {
    const { broker } = this.context;
    for (let left = mostTries; left > 0; left -= 1) {
      const stored = await this.existing(name);
      const change = await changeOf(stored, this.definitionOf(stored), await broker.reader.now());
      if (!change) return;
      const { definition, revision: before, dueAt: dueBefore } = stored;
      if (await broker.schedules.save({ name, before, dueBefore, revision: newId(), definition, ...change })) return;
    }
    throw new ScheduleChangedError(this.context.name, name);
  }

  async read(name: string): Promise<StoredSchedule | undefined> {
    this.context.admit();
    return (await this.context.broker.schedules.read([checkScheduleName(name)]))[0];
  }

  /** @throws NoScheduleError */
  async existing(name: string): Promise<StoredSchedule> {
    const stored = await this.read(name);
    if (!stored) throw new NoScheduleError(this.context.name, name);
    return stored;
  }

  /** @throws NoScheduleError if another program has written it */
  definitionOf(stored: StoredSchedule): Definition {
    const definition = definitionOf(stored);
    if (!definition) throw new NoScheduleError(this.context.name, stored.name, 'another program has written it');
    return definition;
  }
}

/** What stays the same in its messages. */
/** Each call of `set` may be in another trace: a trace alone is no change. */
function isSame(one: Definition, other: Definition): boolean {
  const textOf = ({ message, ...rest }: Definition): string =>
    JSON.stringify({ ...rest, message: { ...message, message: withoutTrace(message.message) } });
  return textOf(one) === textOf(other);
}

function templateOf(name: string, followUp: FollowUp): FollowUp {
  const message = followUp.message.replace(/^#\S+/, '#-');
  const tracking = followUp.tracking && { ...followUp.tracking, by: `schedule ${name}` };
  return { ...followUp, id: '', message, tracking };
}

async function checkRecurrence({ cron, timeZone, everyMs, start, end }: ResolvedSchedule): Promise<Recurrence> {
  if (cron === undefined) return { everyMs, start, end };
  return {
    cron: await checkCron(cron),
    timeZone: timeZone === undefined ? 'UTC' : checkTimeZone(timeZone),
    start,
    end,
  };
}

function refuseNever(name: string, { cron, end }: ResolvedSchedule): never {
  const option = cron !== undefined ? 'cron' : 'end';
  const why = end === undefined ? 'no date fits all of its fields' : 'no instant is left before its end';
  throw new InvalidOptionError(
    option,
    `schedule ${JSON.stringify(name)}${cron === undefined ? '' : `, cron ${JSON.stringify(cron)}`}: it never comes: ${why}`,
  );
}

/** Whether a schedule has put as many messages as its limit allows. */
export const isOver = ({ fired }: StoredSchedule, { limit = Infinity }: Definition): boolean => fired >= limit;
