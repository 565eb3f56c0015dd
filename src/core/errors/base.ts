/**
 * Base class of every error that this library throws on purpose.
 *
 * Each subclass has one cause, a stable `code`, and its data as fields. The message says what is wrong, shows the value,
 * and says what to do. It never contains payload values.
 *
 * @example
 * try {
 *   await queue.put(order);
 * } catch (error) {
 *   if (error instanceof HotQueueError && error.code === 'QUEUE_FULL') return reply(503);
 *   throw error;
 * }
 */
export abstract class HotQueueError extends Error {
  /** Stable across releases. Compare this, not the message. */
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}
