import { toMs, type Duration } from './duration.js';

/**
 * Base class of what a handler throws to decide what happens to its message: {@link Bury} or {@link RetryIn}.
 *
 * It is not a {@link HotQueueError}, because it reports no mistake. The worker logs it with `logger.info` instead of
 * `logger.warn`.
 *
 * @example
 * try {
 *   await send(email); // may throw Bury or RetryIn
 * } catch (error) {
 *   throw error instanceof Verdict ? error : new RetryIn('30s', { cause: error });
 * }
 */
export abstract class Verdict extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * Thrown by a handler: buries the message at once, even if attempts are left.
 *
 * @example
 * if (account.isClosed) throw new Bury('account closed');
 */
export class Bury extends Verdict {
  /**
   * @param reason `reason` of the dead letter
   * @param options `cause`, if given, becomes the `error` of the dead letter
   */
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(reason, options);
  }
}

/**
 * Thrown by a handler: retries the message after `delay` instead of the backoff.
 *
 * The attempt counts. If it was the last of `attempts`, the message is buried.
 *
 * @example
 * if (response.status === 429) throw new RetryIn('30s');
 */
export class RetryIn extends Verdict {
  /** The delay in milliseconds. */
  readonly delayMs: number;

  /** @throws InvalidOptionError if `delay` is invalid. In a handler this fails the attempt like any other error */
  constructor(delay: Duration, options?: ErrorOptions) {
    const delayMs = toMs(delay, 'RetryIn');
    super(`retry in ${delayMs} ms`, options);
    this.delayMs = delayMs;
  }
}
