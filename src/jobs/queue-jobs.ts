import { a, checkOptions, type OptionSchema } from '../core/options/schema.js';
import {
  InvalidOptionError,
  InvalidResultError,
  JobCancelledError,
  JobExpiredError,
  JobFailedError,
  QueueClosedError,
  ResultGoneError,
  ResultTimeoutError,
} from '../core/errors.js';
import { hasEnded, jobStatuses, type JobStatus } from '../core/job.js';
import { shown } from '../core/shown.js';
import type { Broker } from '../redis/broker.js';
import type { QueueContext } from '../redis/queue-context.js';
import { newId } from '../wire/id.js';
import { errorOf } from '../wire/error-record.js';
import { callerSignal, withCallerSignal } from './caller-signal.js';
import type { JobStep, ResultOptions } from './job.js';
import type { JobSource } from './job-objects.js';
import { deliverEnd } from './notices.js';
import { readRecord, type JobRecord } from './record.js';
import { JobWaits, type JobEnd, type ResultLimits } from './waits.js';
import { watchJob } from './watch.js';

/**
 * How many tracked jobs have each status.
 *
 * @example
 * const { waiting, running, failed } = await pages.jobs.counts();
 */
export type JobCounts = Readonly<Record<JobStatus, number>>;

const resultTable: OptionSchema<{ timeout: number; signal: AbortSignal }> = { timeout: a.duration, signal: a.signal };

/** Statuses whose jobs are waiting as soon as they are due: their indexes are scored by that time. */
const notDue = ['delayed', 'retrying'] as const;

/** The records of one queue: answers what jobs are asked, and lists them. */
export class QueueJobs implements JobSource {
  readonly #waits: JobWaits;
  readonly #closing = new AbortController();

  constructor(private readonly context: QueueContext) {
    this.#waits = new JobWaits(context.broker);
  }

  get broker(): Broker {
    return this.context.broker;
  }

  /** Ends all waits. */
  close(): void {
    const error = new QueueClosedError(this.context.name);
    this.#waits.close(error);
    this.#closing.abort(error);
  }

  get subscription(): number {
    return this.#waits.subscription;
  }

  async result(
    id: string,
    options: ResultOptions | undefined,
    subscriptionAtPut: number | undefined,
  ): Promise<unknown> {
    const { name } = this.context;
    const limits = options === undefined ? noLimits : limitsOf(id, options);
    this.context.admit();
    const awaited = await this.#waits.wait(id, subscriptionAtPut, withCallerSignal(limits));
    const end = awaited.status === 'late' ? await this.#lastLook(id) : awaited;
    switch (end.status) {
      case 'done':
        return this.#decoded(id, end.result);
      case 'cancelled':
        throw new JobCancelledError(name, id);
      case 'expired':
        throw new JobExpiredError(name, id);
      case 'failed':
        throw await this.#failure(id);
      case '':
        throw new ResultGoneError(name, id);
      default:
        throw new ResultTimeoutError(name, id, limits.timeoutMs!, end.status);
    }
  }

  async status(id: string): Promise<JobStatus | undefined> {
    this.context.admit();
    return this.context.broker.jobs.mend(id);
  }

  async fetch(id: string): Promise<JobRecord | undefined> {
    this.context.admit();
    const { broker, name, payload, results } = this.context;
    await broker.jobs.mend(id);
    const stored = await broker.jobs.record(id);
    return stored && readRecord({ id, queue: name }, stored, { payload, result: results.type });
  }

  watch(id: string, { signal }: { signal?: AbortSignal } = {}): AsyncIterableIterator<JobStep> {
    this.context.admit();
    const signals = [this.#closing.signal, signal, callerSignal()].filter((one) => one !== undefined);
    return watchJob(this.context, id, () => this.fetch(id), signals);
  }

  async cancel(id: string): Promise<boolean> {
    this.context.admit();
    const { broker } = this.context;
    const before = await broker.jobs.cancel(id, newId());
    await deliverEnd(broker, id, { withinMs: 10_000 }).catch(() => undefined); // maintenance notifies the jobs that wait for it
    return before !== undefined && (before === 'cancelled' || !hasEnded(before));
  }

  async page(
    status: JobStatus,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ jobs: JobRecord[]; cursor?: string }> {
    const { broker, name, payload, results } = this.context;
    if (!hasEnded(status)) await broker.jobs.mendAllClaimed();
    const found = await this.#idsOf(status, limit, cursor);
    // The index may be behind: a worker died, or a record has expired.
    if (!hasEnded(status)) await Promise.all(found.map(({ id }) => broker.jobs.mend(id)));
    const stored = await broker.jobs.records(found.map(({ id }) => id));
    const gone = found.filter((_, index) => stored[index] === undefined).map(({ id }) => id);
    await broker.jobs.forget(status, gone);
    const jobs = stored.flatMap((record, index) =>
      record?.status === status
        ? [readRecord({ id: found[index]!.id, queue: name }, record, { payload, result: results.type })]
        : [],
    );
    const last = found.at(-1);
    return { jobs, ...(last && found.length === limit && { cursor: `${last.score}:${last.id}` }) };
  }

  async counts(): Promise<JobCounts> {
    const { broker } = this.context;
    // Records of jobs that have just begun, and of those whose workers died, say so once they were looked at.
    await broker.jobs.mendAllClaimed();
    for (let cursor = Infinity; cursor > -Infinity;) {
      const running = await broker.jobs.page('running', ['(-inf', cursor === Infinity ? '+inf' : `(${cursor}`], 1_000);
      await Promise.all(running.map(({ id }) => broker.jobs.mend(id)));
      cursor = running.length === 1_000 ? running.at(-1)!.score : -Infinity;
    }
    const now = await broker.reader.now();
    const counts = await Promise.all(
      jobStatuses.map((status) => broker.jobs.count(status, rangeOf(status, status, now))),
    );
    const due = await Promise.all(notDue.map((status) => broker.jobs.count(status, ['(-inf', String(now)])));
    const byStatus = Object.fromEntries(jobStatuses.map((status, index) => [status, counts[index]])) as Record<
      JobStatus,
      number
    >;
    byStatus.waiting += due.reduce((sum, count) => sum + count, 0);
    return byStatus;
  }

  /** Ids of the jobs with a status, the newest first. Delayed jobs that are due are waiting. */
  async #idsOf(
    status: JobStatus,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ readonly id: string; readonly score: number }[]> {
    const { broker } = this.context;
    const now = await broker.reader.now();
    const after = cursorOf(cursor);
    const sources: JobStatus[] = status === 'waiting' ? ['waiting', ...notDue] : [status];
    // Several ids may have the score of the cursor: those up to its own id come before it.
    const pages = await Promise.all(
      sources.map(async (source) => {
        const [lowest, highest] = rangeOf(status, source, now);
        const top = after ? String(Math.min(after.score, highest === '+inf' ? Infinity : Number(highest))) : highest;
        const read = await broker.jobs.page(source, [lowest, top], limit + 1_000);
        return after
          ? read.filter(({ id, score }) => score < after.score || (score === after.score && id < after.id))
          : read;
      }),
    );
    return pages
      .flat()
      .sort((one, other) => other.score - one.score || (other.id < one.id ? -1 : 1))
      .slice(0, limit);
  }

  /** The time of a wait has passed: the job may have ended, and the notification may not have arrived yet. `unknown` if Redis does not answer. */
  async #lastLook(id: string): Promise<JobEnd> {
    const { jobs } = this.context.broker;
    const patience = { withinMs: 1_000 };
    try {
      await jobs.mend(id, patience);
      const [end] = await jobs.ends([id], patience);
      return end!;
    } catch {
      return { status: 'unknown', result: undefined };
    }
  }

  #decoded(id: string, text: string | undefined): unknown {
    if (text === undefined) return undefined;
    const refuse = (cause: unknown): never => {
      throw new InvalidResultError(this.context.name, id, (cause as Error).message, { cause });
    };
    try {
      const value = this.context.results.type.decode(text);
      return value instanceof Promise ? value.catch(refuse) : value;
    } catch (cause) {
      return refuse(cause);
    }
  }

  async #failure(id: string): Promise<Error> {
    const record = await this.fetch(id);
    if (!record) return new ResultGoneError(this.context.name, id);
    const error = record.error ?? { name: 'Error', message: 'unknown error' };
    return new JobFailedError(this.context.name, id, record.attempts, error.message, { cause: errorOf(error) });
  }
}

const noLimits: ResultLimits = { timeoutMs: undefined, signal: undefined };

function limitsOf(id: string, options: ResultOptions): ResultLimits {
  const { timeout: timeoutMs, signal } = checkOptions(`result() of job ${shown(id)}`, options, resultTable);
  return { timeoutMs, signal };
}

/** The range of scores in an index in which jobs have a status, `source` being the index. Each index has a member at -inf, see `scripts/_jobs.lua`. */
function rangeOf(status: JobStatus, source: JobStatus, now: number): readonly [string, string] {
  if (source !== 'delayed' && source !== 'retrying') return ['(-inf', '+inf'];
  return status === 'waiting' ? ['(-inf', String(now)] : [`(${now}`, '+inf'];
}

function cursorOf(cursor: string | undefined): { readonly score: number; readonly id: string } | undefined {
  if (cursor === undefined) return undefined;
  const [, score, id] = /^(\d+(?:\.\d+)?):(.+)$/.exec(cursor) ?? [];
  if (score !== undefined && id !== undefined) return { score: Number(score), id };
  throw new InvalidOptionError('cursor', `invalid cursor ${shown(cursor)}: use the cursor of the page before`);
}
