// Errors about the declaration, the start and the control of workers.
import { HotQueueError } from './base.js';

/**
 * Workers of another version of this library are registered on the queue. Code `INCOMPATIBLE_WORKERS`.
 *
 * That version stores claims in another layout, so workers of the two versions cannot share a queue.
 *
 * @example
 * if (error instanceof IncompatibleWorkersError) console.error(`stop the old workers of ${error.key} first`);
 */
export class IncompatibleWorkersError extends HotQueueError {
  readonly code = 'INCOMPATIBLE_WORKERS';
  /**
   * @param key of the queue in Redis
   * @param layout of claims in this version
   * @param other layout of the registered workers
   */
  constructor(
    readonly key: string,
    readonly layout: string,
    readonly other: string,
  ) {
    super(
      `the workers of ${key} keep claims in layout ${other}, this version uses layout ${layout}: stop the workers of the other version and let them finish, then start this version`,
    );
  }
}

/**
 * Invalid use of `@worker`. Code `INVALID_WORKER`. Thrown when the class is declared.
 *
 * @example
 * class Studio { @worker(images) static resize(image: ResizeImage) {} } // throws InvalidWorkerError: a static method
 */
export class InvalidWorkerError extends HotQueueError {
  readonly code = 'INVALID_WORKER';
  /** @param worker `Class.method` */
  constructor(
    readonly worker: string,
    sentence: string,
  ) {
    super(`@worker on ${worker}: ${sentence}`);
  }
}

/**
 * A worker that cannot be controlled: it has left, or it is a loop over `consume()`. Code `UNKNOWN_WORKER`.
 *
 * @example
 * await queue.workers.quiet(id).catch((error) => {
 *   if (error instanceof UnknownWorkerError) return; // it has left
 *   throw error;
 * });
 */
export class UnknownWorkerError extends HotQueueError {
  readonly code = 'UNKNOWN_WORKER';
  /**
   * @param id id of the worker, as it was given
   * @param queue name of the queue
   */
  constructor(
    readonly id: string,
    readonly queue: string,
    why: string,
  ) {
    super(`cannot control worker ${JSON.stringify(id)} of queue "${queue}": ${why}`);
  }
}

/**
 * The argument of `run` or `start` has no workers. Code `NO_WORKERS`.
 *
 * @example
 * start(Studio);       // throws NoWorkersError: a class
 * start(new Studio()); // an instance of the class
 */
export class NoWorkersError extends HotQueueError {
  readonly code = 'NO_WORKERS';
}

/**
 * Two workers of one `run` or `start` take from the same queue with different payload classes. Code `CONFLICTING_QUEUES`.
 *
 * @example
 * const mails = new HotQueue('post', { payload: Mail });
 * const letters = new HotQueue('post', { payload: Letter });
 * start([mails.worker(send), letters.worker(print)]); // throws ConflictingQueuesError
 */
export class ConflictingQueuesError extends HotQueueError {
  readonly code = 'CONFLICTING_QUEUES';
  /**
   * @param key of the queue in Redis
   * @param payloads names of the two payload classes or schemas, each with its worker
   */
  constructor(
    readonly key: string,
    readonly payloads: readonly [string, string],
  ) {
    super(
      `two workers take from "${key}" with different payloads, ${payloads[0]} and ${payloads[1]}: ` +
        'each would bury the messages of the other. Give both the same HotQueue, or use two names',
    );
  }
}
