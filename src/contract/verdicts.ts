import { toMs, type Duration } from './durations.js';

/**
 * What a handler throws to say what becomes of its message. No {@link HotQueueError}: nobody made a mistake, so it is told
 * to `logger.info`, not to `logger.warn`.
 */
export abstract class Verdict extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** `throw new Bury('account closed')`: gives the message up at once, whatever attempts are left. */
export class Bury extends Verdict {
  /** @param reason the letter's `reason`; the `cause`, when there is one, is kept as the letter's `error` */
  constructor(readonly reason: string, options?: ErrorOptions) {
    super(reason, options);
  }
}

/** `throw new RetryIn('30s')`: another attempt after so long, as long as `attempts` allows one. */
export class RetryIn extends Verdict {
  readonly delayMs: number;

  /** @throws InvalidOptionError, which counts as any other failure */
  constructor(delay: Duration, options?: ErrorOptions) {
    const delayMs = toMs(delay, 'RetryIn');
    super(`again in ${delayMs} ms`, options);
    this.delayMs = delayMs;
  }
}
