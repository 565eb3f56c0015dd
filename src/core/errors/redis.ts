// Errors about the Redis server.
import { HotQueueError } from './base.js';

/**
 * Redis does not answer at the given address, or no Redis was found. Code `REDIS_UNREACHABLE`.
 *
 * @example
 * if (error instanceof RedisUnreachableError && !error.mayHaveArrived) await queue.put(order); // safe to repeat
 */
export class RedisUnreachableError extends HotQueueError {
  readonly code = 'REDIS_UNREACHABLE';
  /** Whether the request may have reached Redis before the connection failed. False: it certainly had no effect. */
  readonly mayHaveArrived: boolean;
  /** @param address without its password */
  constructor(
    readonly address: string,
    advice: string,
    options?: ErrorOptions & { readonly mayHaveArrived?: boolean },
  ) {
    super(`no Redis answers at ${address}: ${advice}`, options);
    this.mayHaveArrived = options?.mayHaveArrived ?? false;
  }
}

/**
 * Redis refused the command. Code `REDIS_REFUSED`.
 *
 * The server runs, and is in a state in which it does not do what was asked: it is a replica, it cannot write to its disk, a script
 * blocks it, the password is wrong. Unless `mayHaveArrived` is true, the call had no effect.
 *
 * @example
 * if (error instanceof RedisRefusedError && !error.isPermanent) await retryLater(order); // such as MISCONF, BUSY or READONLY
 */
export class RedisRefusedError extends HotQueueError {
  readonly code = 'REDIS_REFUSED';
  /** Whether an earlier attempt of the same call may have had an effect, because its connection broke. */
  readonly mayHaveArrived: boolean;
  /** False if the state passes by itself: the call was repeated for as long as it may take. */
  readonly isPermanent: boolean;
  /**
   * @param address without its password
   * @param reply first word of the reply, such as `MISCONF` or `NOPERM`
   * @param text the whole reply
   */
  constructor(
    readonly address: string,
    readonly reply: string,
    text: string,
    advice: string,
    options?: ErrorOptions & { readonly mayHaveArrived?: boolean; readonly isPermanent?: boolean },
  ) {
    super(`Redis at ${address} refuses the command (${text}): ${advice}`, options);
    this.mayHaveArrived = options?.mayHaveArrived ?? false;
    this.isPermanent = options?.isPermanent ?? false;
  }
}

/**
 * The server is too old for this library. Code `REDIS_UNSUPPORTED`.
 *
 * @example
 * if (error instanceof RedisUnsupportedError) console.error(`upgrade Redis ${error.version} at ${error.address}`);
 */
export class RedisUnsupportedError extends HotQueueError {
  readonly code = 'REDIS_UNSUPPORTED';
  /**
   * @param address without its password
   * @param version as the server reports it, such as `5.0.14`
   */
  constructor(
    readonly address: string,
    readonly version: string,
  ) {
    super(`the server at ${address} has version ${version}: hotqueue needs Redis 6.2 or newer, or Valkey`);
  }
}

/**
 * The server has reached its `maxmemory` and refuses writes. Code `REDIS_FULL`. Nothing of the call was stored.
 *
 * @example
 * if (error instanceof RedisFullError) await retryLater(order); // workers still take messages, so memory becomes free
 */
export class RedisFullError extends HotQueueError {
  readonly code = 'REDIS_FULL';
  /** @param address without its password */
  constructor(
    readonly address: string,
    options?: ErrorOptions,
  ) {
    super(
      `Redis at ${address} is out of memory: let workers drain the queues or raise maxmemory, then put again`,
      options,
    );
  }
}
