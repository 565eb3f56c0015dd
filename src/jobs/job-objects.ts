// The objects that `put` and `queue.job` return.
import { inspect } from 'node:util';
import { InvalidOptionError, NotTrackedError } from '../core/errors.js';
import type { JobFields, JobStatus } from '../core/job.js';
import { shown } from '../core/shown.js';
import type { Broker } from '../redis/broker.js';
import type { Connection } from '../redis/connection.js';
import type { JobRef } from './job-ref.js';
import type { Job, JobHandle, JobStep, ResultOptions } from './job.js';
import type { JobRecord } from './record.js';

/** What answers the questions about the jobs of one queue. */
export interface JobSource {
  /** Where its records are. */
  readonly broker: Broker;
  /** Number of the subscription to the ends of the jobs of this process; 0 if there is none. */
  readonly subscription: number;
  /** @param subscriptionAtPut the subscription that was active when it was put, see `JobWaits.wait`; `undefined` if another process has put the job */
  result(id: string, options: ResultOptions | undefined, subscriptionAtPut: number | undefined): Promise<unknown>;
  status(id: string): Promise<JobStatus | undefined>;
  fetch(id: string): Promise<JobRecord | undefined>;
  watch(id: string, options?: { signal?: AbortSignal }): AsyncIterableIterator<JobStep>;
  cancel(id: string): Promise<boolean>;
}

/** What `console.log` shows of a job: its fields. */
function fieldsOf(job: object): object {
  return { ...job };
}

/** A job without a record. */
export class UntrackedJob<T = unknown> implements Job<T> {
  readonly id: string;
  readonly queue: string;
  readonly payload: T;
  readonly putAt: number;

  constructor({ id, queue, payload, putAt }: JobFields<T>) {
    this.id = id;
    this.queue = queue;
    this.payload = payload;
    this.putAt = putAt;
  }

  result(): Promise<never> {
    return this.#refuse('result()');
  }

  status(): Promise<never> {
    return this.#refuse('status()');
  }

  fetch(): Promise<never> {
    return this.#refuse('fetch()');
  }

  watch(): never {
    throw new NotTrackedError(this.queue, this.id, 'watch()');
  }

  cancel(): Promise<never> {
    return this.#refuse('cancel()');
  }

  [inspect.custom](): object {
    return fieldsOf(this);
  }

  #refuse(call: string): Promise<never> {
    return Promise.reject(new NotTrackedError(this.queue, this.id, call));
  }
}

/** A job with a record; with a payload if this process has put it. */
export class TrackedJob implements JobHandle {
  readonly id: string;
  readonly queue: string;
  declare readonly payload?: unknown;
  declare readonly putAt?: number;
  readonly #source: JobSource;
  #subscriptionAtPut: number | undefined;

  /** @param subscriptionAtPut see {@link JobSource.result} */
  constructor(source: JobSource, id: string, queue: string, subscriptionAtPut?: number, fields?: JobFields) {
    this.id = id;
    this.queue = queue;
    this.#source = source;
    this.#subscriptionAtPut = subscriptionAtPut;
    if (!fields) return;
    this.payload = fields.payload;
    this.putAt = fields.putAt;
  }

  result(options?: ResultOptions): Promise<unknown> {
    const subscriptionAtPut = this.#subscriptionAtPut;
    if (subscriptionAtPut !== undefined) this.#subscriptionAtPut = 0; // its end is published once
    return this.#source.result(this.id, options, subscriptionAtPut);
  }

  status(): Promise<JobStatus | undefined> {
    return this.#source.status(this.id);
  }

  fetch(): Promise<JobRecord | undefined> {
    return this.#source.fetch(this.id);
  }

  watch(options?: { signal?: AbortSignal }): AsyncIterableIterator<JobStep> {
    return this.#source.watch(this.id, options);
  }

  cancel(): Promise<boolean> {
    return this.#source.cancel(this.id);
  }

  [inspect.custom](): object {
    return fieldsOf(this);
  }

  /** Where a tracked job is; `undefined` for another value. */
  static placeOf(this: void, job: object): Place | undefined {
    if (!(#source in job)) return undefined;
    const { id, queue } = job;
    const { connection, keys } = job.#source.broker;
    return { ref: { queue, prefix: keys.names, id }, connection };
  }
}

/** A job, and the connection to its Redis. */
interface Place {
  readonly ref: JobRef;
  readonly connection: Connection;
}

/** What stands for a job. */
const standsFor = new WeakMap<object, object>();

/** What stands for a job, such as a flow for its last one. */
export function standFor(object: object, job: object): void {
  standsFor.set(object, job);
}

/**
 * A job that another one may wait for, and the connection to its Redis.
 *
 * @throws NotTrackedError, InvalidOptionError if it is no job
 */
export function placeOfJob(job: unknown, option: string): Place {
  if (job instanceof UntrackedJob) throw new NotTrackedError(job.queue, job.id, option);
  const place = typeof job === 'object' && job !== null ? TrackedJob.placeOf(standsFor.get(job) ?? job) : undefined;
  if (place) return place;
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown(job)}: expected a job that put() has returned, or queue.job(id)`,
  );
}

/**
 * The job of a message.
 *
 * @param isDuplicate absent where the question makes no sense
 * @param end who is notified of its end: this process; this process, and its message will be put only now, so that a subscription that has begun gets
 *   it; or only those who watch the job
 */
export function makeJob(
  source: JobSource,
  fields: JobFields,
  isTracked: boolean,
  isDuplicate?: boolean,
  end: 'ours' | 'ours, unsent' | 'watched' = 'ours',
): Job {
  const isOurs = isDuplicate !== true && end !== 'watched';
  const subscriptionAtPut = !isOurs ? undefined : end === 'ours, unsent' ? source.subscription : 0;
  const job = isTracked
    ? new TrackedJob(source, fields.id, fields.queue, subscriptionAtPut, fields)
    : new UntrackedJob(fields);
  return (isDuplicate === undefined ? job : Object.assign(job, { isDuplicate })) as Job;
}
