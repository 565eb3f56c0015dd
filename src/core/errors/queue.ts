// Errors about what a queue accepts: its length, its buffer, its end.
import { HotQueueError } from './base.js';

/**
 * Redis does not answer, and the put buffer of this process is full. Code `BUFFER_FULL`. Nothing of the call was kept.
 *
 * The buffer of a queue holds 16 MiB of text, or about 20,000 small messages.
 *
 * @example
 * if (error instanceof BufferFullError) await saveForLater(order); // put it again when Redis is back
 */
export class BufferFullError extends HotQueueError {
  readonly code = 'BUFFER_FULL';
  /**
   * @param queue name of the queue
   * @param characters size of the buffer's content; a message counts its text and 700 characters
   */
  constructor(
    readonly queue: string,
    readonly characters: number,
  ) {
    super(
      `Redis does not answer, and ${Math.round(characters / 1_048_576)} MiB are already buffered for queue "${queue}": ` +
        'await earlier puts first, or keep this message until Redis is back',
    );
  }
}

/**
 * The queue already has `maxLength` waiting and delayed messages. Code `QUEUE_FULL`. Nothing of the call was stored.
 *
 * @example
 * const orders = new HotQueue('orders', { maxLength: 10_000 }); // whenFull: 'wait' waits for room instead
 * await orders.put(order).catch((error) => {
 *   if (error instanceof QueueFullError) return reply(503);
 *   throw error;
 * });
 */
export class QueueFullError extends HotQueueError {
  readonly code = 'QUEUE_FULL';
  /**
   * @param queue name of the queue
   * @param maxLength the option `maxLength` of the queue: most waiting and delayed messages
   * @param count number of messages in the call
   */
  constructor(
    readonly queue: string,
    readonly maxLength: number,
    readonly count: number,
  ) {
    super(
      count > maxLength
        ? `cannot put ${count} messages at once on queue "${queue}" with maxLength ${maxLength}: put fewer at once, or use putAll`
        : `queue "${queue}" has no room for ${count} message(s), its maxLength is ${maxLength}: let workers drain it, then put again`,
    );
  }
}

/**
 * A method of a queue was called after `close()`. Code `QUEUE_CLOSED`.
 *
 * @example
 * await queue.close();
 * await queue.size(); // throws QueueClosedError
 */
export class QueueClosedError extends HotQueueError {
  readonly code = 'QUEUE_CLOSED';
  /** @param queue name of the queue */
  constructor(readonly queue: string) {
    super(`queue "${queue}" is closed: create a new HotQueue("${queue}")`);
  }
}

/**
 * Redis stopped answering during a put. Code `OUTCOME_UNKNOWN`. The put may or may not have been stored.
 *
 * `put` throws this error after it has tried for 30 seconds. If you put the same messages again, each may be stored twice,
 * unless each has an id of its own.
 *
 * @example
 * if (error instanceof OutcomeUnknownError && error.mayRepeat) await queue.with({ id: order.id }).put(order);
 */
export class OutcomeUnknownError extends HotQueueError {
  readonly code = 'OUTCOME_UNKNOWN';
  /**
   * @param queue name of the queue
   * @param ids ids of the messages
   * @param mayRepeat true if the put had an `id` option: Redis knows the id, so a second put of the same stores nothing
   *   twice
   */
  constructor(
    readonly queue: string,
    readonly ids: readonly string[],
    readonly mayRepeat: boolean,
    options?: ErrorOptions,
  ) {
    super(
      `Redis stopped answering during a put of ${ids.length} message(s) on queue "${queue}", which may or may not be stored: ` +
        (mayRepeat
          ? 'put the message again under the same id, it is not stored twice'
          : 'putting again may store them twice'),
      options,
    );
  }
}
