// Errors about one message that a worker has taken.
import { HotQueueError } from './base.js';

/**
 * The worker's lease ended before it settled the message. Code `LEASE_LOST`. Another worker may be handling the message.
 *
 * `ack`, `retry`, `bury` and `release` reject with it, and `job.signal` aborts. Stop working on the message.
 *
 * @example
 * if (error instanceof LeaseLostError) return; // another worker handles the message
 */
export class LeaseLostError extends HotQueueError {
  readonly code = 'LEASE_LOST';
  /**
   * @param queue name of the queue
   * @param id id of the message
   */
  constructor(
    readonly queue: string,
    readonly id: string,
  ) {
    super(
      `lost the lease on message ${id} of queue "${queue}": another worker may be handling the message, stop working on it`,
    );
  }
}

/**
 * An attempt took longer than its `timeout`. Code `TIMED_OUT`. The attempt fails, and the retry rules apply.
 *
 * `job.signal` aborts with this error as its reason.
 *
 * @example
 * job.signal.addEventListener('abort', () => {
 *   if (job.signal.reason instanceof TimedOutError) request.destroy();
 * });
 */
export class TimedOutError extends HotQueueError {
  readonly code = 'TIMED_OUT';
  /**
   * @param queue name of the queue
   * @param id id of the message
   * @param timeoutMs the `timeout` that has passed, in milliseconds
   */
  constructor(
    readonly queue: string,
    readonly id: string,
    readonly timeoutMs: number,
  ) {
    super(
      `the handler of message ${id} of queue "${queue}" took longer than ${timeoutMs} ms: raise timeout, or do less in one message`,
    );
  }
}

/**
 * A handler returned work that it has only described: a generator, an async generator, or a stream that was not read. Code
 * `UNREAD_RESULT`.
 *
 * @example
 * queue.worker((rows) => insertAll(rows)); // fails with this error if insertAll is an async generator
 * queue.worker(async (rows) => {
 *   for await (const row of insertAll(rows)) console.log(row);
 * });
 */
export class UnreadResultError extends HotQueueError {
  readonly code = 'UNREAD_RESULT';
  /** @param result what the handler returned, such as `an async generator` */
  constructor(readonly result: string) {
    super(
      `the handler returned ${result} that was not read, so its work was not done: read it in the handler, such as with \`for await (const part of result) …\``,
    );
  }
}

/**
 * A second, different settle call on the same delivery. Code `ALREADY_SETTLED`.
 *
 * @example
 * await job.ack();
 * await job.retry(); // throws AlreadySettledError with settled 'ack'
 */
export class AlreadySettledError extends HotQueueError {
  readonly code = 'ALREADY_SETTLED';
  /**
   * @param id id of the message
   * @param settled the call that settled the message: `ack`, `retry`, `bury` or `release`
   * @param asked the refused call
   */
  constructor(
    readonly id: string,
    readonly settled: string,
    asked: string,
  ) {
    super(`cannot settle message ${id} with ${asked}(): ${settled}() was called before`);
  }
}
