import type { Duration } from '../core/duration.js';
import type { JobFields, JobStatus } from '../core/job.js';
import type { JobRecord } from './record.js';

/**
 * How long {@link JobHandle.result} waits.
 *
 * @example
 * await job.result({ timeout: '30s', signal: request.signal });
 */
export interface ResultOptions {
  /** If the job has not ended after this time, it rejects with ResultTimeoutError, and the job goes on. `0`: looks once. Default: no limit. */
  timeout?: Duration;
  /** Ends the wait: it rejects with the reason of the signal. */
  signal?: AbortSignal;
}

/**
 * What happens to a job, as {@link JobHandle.watch} reports it: it has another status, its handler has reported progress, or it has written a
 * line to its log.
 *
 * @example
 * for await (const step of job.watch()) if ('progress' in step) bar.set(step.progress);
 */
export type JobStep =
  | {
      /** Where the job is now. */
      readonly status: JobStatus;
    }
  | {
      /** What the handler has given to `job.progress`. */
      readonly progress: unknown;
    }
  | {
      /** What the handler has given to `job.log`. */
      readonly log: string;
    };

/**
 * A tracked job that can be asked about, in any process: `put` resolves to one, and `queue.job(id)` makes one.
 *
 * Its methods throw NotTrackedError for a message that was put without tracking, QueueClosedError after `queue.close()`, and
 * RedisUnreachableError if Redis does not answer for 10 s.
 *
 * @typeParam T the payload
 * @typeParam R what the handler returns
 * @example
 * const job = pages.job(id);
 * if ((await job.status()) === 'done') console.log(await job.result());
 */
export interface JobHandle<T = unknown, R = unknown> {
  /** Id of the job. */
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  /**
   * What the handler returned. Waits until the job has ended. Any number of calls is one connection.
   *
   * @throws JobFailedError with the error of the handler as `cause`; JobCancelledError; JobExpiredError; ResultTimeoutError;
   *   ResultGoneError if there is no record; InvalidResultError if the result does not fit the `result` of this queue
   * @example
   * const count = await job.result({ timeout: '30s' });
   */
  result(options?: ResultOptions): Promise<R>;
  /**
   * Where the job is; `undefined` if there is no record: it has expired, or never was.
   *
   * @example
   * if ((await job.status()) === 'waiting') console.log('no worker has begun');
   */
  status(): Promise<JobStatus | undefined>;
  /**
   * Everything that is known of the job; `undefined` if there is no record.
   *
   * @example
   * const record = await job.fetch();
   * console.log(record?.status, record?.progress, record?.log);
   */
  fetch(): Promise<JobRecord<T, R> | undefined>;
  /**
   * What happens to the job from now on, beginning with its status, until it has ended. A step may be missing if the connection breaks
   * meanwhile, but not the last one.
   *
   * @throws ResultGoneError if there is no record
   * @example
   * for await (const step of job.watch()) console.log(step);
   */
  watch(options?: { signal?: AbortSignal }): AsyncIterableIterator<JobStep>;
  /**
   * Cancels the job. If it waits or is delayed, it never runs. If it runs, `job.signal` of its handler aborts with a
   * JobCancelledError, and what the handler returns or throws is dropped. It is not tried again.
   *
   * @returns whether it is cancelled now; false if it had ended otherwise before, or there is no record
   * @example
   * if (!(await job.cancel())) console.log('too late');
   */
  cancel(): Promise<boolean>;
}

/**
 * A message that is stored in Redis, as `put` resolves to it. If it is tracked, it can be asked about.
 *
 * @typeParam T the payload
 * @typeParam R what the handler returns
 * @example
 * const job = await images.put({ path: 'a.jpg', width: 800 });
 * console.log(job.id, job.queue, job.payload.path, new Date(job.putAt));
 */
export interface Job<T = unknown, R = unknown> extends JobFields<T>, JobHandle<T, R> {
  /** Only for a put with the option `id` or `unique`. True: Redis knew the id or the key already, and nothing was stored. */
  readonly isDuplicate?: boolean;
}
