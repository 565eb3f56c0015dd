// Errors about the jobs of tracked messages: their results, and the waits for them. Longer than 250 lines: each error has its docstring.
import { shown } from '../shown.js';
import { HotQueueError } from './base.js';

/**
 * A result, status or record was asked for that Redis does not keep: the message is not tracked. Code `NOT_TRACKED`.
 *
 * @example
 * const pages = new HotQueue('pages', { track: true }); // or: pages.with({ track: true }).put(page)
 */
export class NotTrackedError extends HotQueueError {
  readonly code = 'NOT_TRACKED';
  /**
   * @param queue name of the queue
   * @param id id of the message
   * @param call what was called, such as `result()`
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    call: string,
  ) {
    super(
      `${call} of message ${id} of queue "${queue}": the message is not tracked, so Redis has no record of it. Set track: true on the queue, or put it with({ track: true })`,
    );
  }
}

/**
 * The job failed, and is not tried again. Code `JOB_FAILED`. `cause` is the error of its last attempt.
 *
 * @example
 * await job.result().catch((error) => console.error(error.cause));
 */
export class JobFailedError extends HotQueueError {
  readonly code = 'JOB_FAILED';
  /**
   * @param queue name of the queue
   * @param id id of the job
   * @param attempts how many attempts failed
   * @param message of the last error
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    readonly attempts: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`job ${id} of queue "${queue}" failed after ${attempts} attempt(s): ${message}`, options);
  }
}

/**
 * The job was cancelled. Code `JOB_CANCELLED`. `result()` rejects with it, and it is the reason of `job.signal` in its handler.
 *
 * @example
 * if (error instanceof JobCancelledError) return; // nothing to report
 */
export class JobCancelledError extends HotQueueError {
  readonly code = 'JOB_CANCELLED';
  /**
   * @param queue name of the queue
   * @param id id of the job
   */
  constructor(
    readonly queue: string,
    readonly id: string,
  ) {
    super(`job ${id} of queue "${queue}" was cancelled`);
  }
}

/**
 * No worker took the job before its `ttl` had passed. Code `JOB_EXPIRED`.
 *
 * @example
 * if (error instanceof JobExpiredError) reply.status(503);
 */
export class JobExpiredError extends HotQueueError {
  readonly code = 'JOB_EXPIRED';
  /**
   * @param queue name of the queue
   * @param id id of the job
   */
  constructor(
    readonly queue: string,
    readonly id: string,
  ) {
    super(`job ${id} of queue "${queue}" has expired: no worker took it before its ttl had passed`);
  }
}

/**
 * The job did not end within the `timeout` of `result()`. Code `RESULT_TIMEOUT`. The job goes on.
 *
 * @example
 * const count = await job.result({ timeout: '5s' }).catch((error) => {
 *   if (error instanceof ResultTimeoutError) return undefined; // ask again later
 *   throw error;
 * });
 */
export class ResultTimeoutError extends HotQueueError {
  readonly code = 'RESULT_TIMEOUT';
  /**
   * @param queue name of the queue
   * @param id id of the job
   * @param timeoutMs the time that has passed, in milliseconds
   * @param status of the job then
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    readonly timeoutMs: number,
    readonly status: string,
  ) {
    super(
      `job ${id} of queue "${queue}" has not ended within ${timeoutMs} ms: it is ${status}. It goes on; ask again with job("${id}").result()`,
    );
  }
}

/**
 * Redis has no record of the job: it has expired, or there never was one. Code `RESULT_GONE`.
 *
 * @example
 * const pages = new HotQueue('pages', { track: { keep: '1d' } }); // instead of 10 minutes
 */
export class ResultGoneError extends HotQueueError {
  readonly code = 'RESULT_GONE';
  /**
   * @param queue name of the queue
   * @param id id of the job
   */
  constructor(
    readonly queue: string,
    readonly id: string,
  ) {
    super(
      `queue "${queue}" has no record of job ${id}: it has expired, the id is wrong, or the message was not tracked. Set track: { keep } to keep records longer`,
    );
  }
}

/**
 * What a handler returned is no result of its queue. Code `INVALID_RESULT`. The attempt fails. `result()` rejects with it if a
 * stored result does not fit the class or schema of the reader.
 *
 * @example
 * const pages = new HotQueue('pages', { result: WordCount, track: true });
 */
export class InvalidResultError extends HotQueueError {
  readonly code = 'INVALID_RESULT';
  /**
   * @param queue name of the queue
   * @param id id of the job
   * @param reason which field, and what is wrong with it
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`invalid result of job ${id} of queue "${queue}": ${reason}`, options);
  }
}

/**
 * A result is larger than `track.maxResult`. Code `RESULT_TOO_LARGE`. The attempt fails.
 *
 * @example
 * const pages = new HotQueue('pages', { track: { maxResult: 5_000_000 } });
 */
export class ResultTooLargeError extends HotQueueError {
  readonly code = 'RESULT_TOO_LARGE';
  /**
   * @param queue name of the queue
   * @param id id of the job
   * @param bytes of the result
   * @param mostBytes the limit
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    readonly bytes: number,
    readonly mostBytes: number,
  ) {
    super(
      `result of job ${id} of queue "${queue}" is too large: ${bytes} bytes, and track.maxResult is ${mostBytes}. Store large data elsewhere and return its address, or raise track.maxResult`,
    );
  }
}

/**
 * A put names a job in `after` that Redis does not know: it was not tracked, or its record has expired. Code `UNKNOWN_PARENT`. Nothing
 * is put.
 *
 * @example
 * await merge.with({ after: [await pages.with({ track: true }).put(page)] }).put({});
 */
export class UnknownParentError extends HotQueueError {
  readonly code = 'UNKNOWN_PARENT';
  /**
   * @param queue name of the queue of the put
   * @param parentQueue name of the queue of the job in `after`
   * @param parent its id
   */
  constructor(
    readonly queue: string,
    readonly parentQueue: string,
    readonly parent: string,
  ) {
    super(
      `a message of queue "${queue}" cannot wait for job ${shown(parent)} of queue "${parentQueue}": it has no record. It was put without tracking, or its record has expired. Put it with track: true, or with a longer keep`,
    );
  }
}

/**
 * A flow was not put as a whole in time, so it does not start: its jobs are cancelled, and none has run. Code `FLOW_NOT_STARTED`. Put it again.
 *
 * @example
 * await group(tasks).catch((error) => (error instanceof FlowNotStartedError ? group(tasks) : Promise.reject(error)));
 */
export class FlowNotStartedError extends HotQueueError {
  readonly code = 'FLOW_NOT_STARTED';
  /**
   * @param queue name of the queue of its first job
   * @param flow id of its start
   * @param withinMs how long a put may take, ms
   */
  constructor(
    readonly queue: string,
    readonly flow: string,
    readonly withinMs: number,
  ) {
    super(
      `flow ${flow} of queue "${queue}" does not start: it was not put as a whole within ${withinMs / 60_000} minutes. Its jobs are cancelled, and none has run: put it again`,
    );
  }
}

/**
 * There is no flow with this job. Code `FLOW_NOT_FOUND`.
 *
 * @example
 * const flow = await reports.flow(id).catch((error) => (error instanceof FlowNotFoundError ? undefined : Promise.reject(error)));
 */
export class FlowNotFoundError extends HotQueueError {
  readonly code = 'FLOW_NOT_FOUND';
  /**
   * @param queue name of the queue
   * @param id id of the job
   * @param hasRecord whether there is such a job
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    readonly hasRecord: boolean,
  ) {
    super(
      hasRecord
        ? `job ${shown(id)} of queue "${queue}" is in no flow: it waits for no other job, and no other job waits for it. Use queue.job(id)`
        : `no flow with job ${shown(id)} of queue "${queue}": the job has no record. It was put without tracking, its record has expired, or it never existed. Give the id of a job of a flow whose records are kept`,
    );
  }
}

/**
 * A flow has too many jobs to be read from the id of one of them. Code `FLOW_TOO_LARGE`. Its jobs go on.
 *
 * @example
 * const flow = await reports.flow(id).catch((error) => (error instanceof FlowTooLargeError ? undefined : Promise.reject(error)));
 */
export class FlowTooLargeError extends HotQueueError {
  readonly code = 'FLOW_TOO_LARGE';
  /**
   * @param queue name of the queue
   * @param id id of the job
   * @param most most jobs of a flow that is read
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    readonly most: number,
  ) {
    super(
      `the flow of job ${shown(id)} of queue "${queue}" has more than ${most} jobs: it is not read. Ask about single jobs with queue.job(id), or keep the object that chain() or group() has returned`,
    );
  }
}

/**
 * `job.next` got no queue as its first argument, or a queue on another Redis. Code `NOT_A_QUEUE`. The message and its follow-up are
 * stored in one step, so both queues must be in one Redis.
 *
 * @example
 * await job.next(reports, { page: job.payload.url });
 */
export class NotAQueueError extends HotQueueError {
  readonly code = 'NOT_A_QUEUE';
  /** @param value what was given. @param reason why it does not fit */
  constructor(value: unknown, reason = 'expected a HotQueue as the first argument') {
    super(`next(): invalid queue ${shown(value)}: ${reason}`);
  }
}
