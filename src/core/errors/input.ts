// Errors about what a program passed: options, names and payloads.
import { shown } from '../shown.js';
import { HotQueueError } from './base.js';

/**
 * Unknown option, or invalid value of an option. Code `INVALID_OPTION`.
 *
 * @example
 * new HotQueue('emails', { attempts: 0 }); // throws InvalidOptionError with option 'attempts'
 */
export class InvalidOptionError extends HotQueueError {
  readonly code = 'INVALID_OPTION';
  /** @param option name of the option, such as `attempts` or `backoff.delay` */
  constructor(
    readonly option: string,
    sentence: string,
    options?: ErrorOptions,
  ) {
    super(sentence, options);
  }
}

/**
 * Queue name that cannot be part of a Redis key. Code `INVALID_NAME`.
 *
 * @example
 * new HotQueue('my queue'); // throws InvalidNameError: the name contains a space
 */
export class InvalidNameError extends HotQueueError {
  readonly code = 'INVALID_NAME';
  /** @param value the refused name, of any type */
  constructor(readonly value: unknown) {
    super(
      `invalid queue name ${shown(value)}: use 1 to 128 letters, digits and _ . : - ` +
        '(braces and spaces would break the Redis keys)',
    );
  }
}

/**
 * `put()` was called without a message. Code `NOTHING_TO_PUT`.
 *
 * @example
 * await queue.put(...[]); // throws NothingToPutError
 * await queue.putAll([]); // returns []
 */
export class NothingToPutError extends HotQueueError {
  readonly code = 'NOTHING_TO_PUT';
  /** @param queue name of the queue */
  constructor(readonly queue: string) {
    super(`put() on queue "${queue}" got no message: write put(message), or putAll(list) if the list may be empty`);
  }
}

/**
 * A message that would change on its way through Redis, such as `NaN`, a function or a `Map`. Code `NOT_SERIALIZABLE`.
 *
 * @example
 * await queue.put({ tags: new Set(['a']) }); // throws NotSerializableError with path 'tags' and what 'a Set'
 */
export class NotSerializableError extends HotQueueError {
  readonly code = 'NOT_SERIALIZABLE';
  /**
   * @param path place in the message, such as `sizes.0.width`; empty for the message itself
   * @param what the value in words, such as `a Map`
   */
  constructor(
    readonly path: string,
    readonly what: string,
    advice: string,
  ) {
    super(`${path === '' ? 'the message' : `"${path}"`} is ${what}, which would not come back unchanged: ${advice}`);
  }
}

/**
 * One broken rule: the place, the rule, and what the rule expects. Never contains the payload value.
 *
 * @example
 * { path: 'to', rule: 'isEmail', message: 'must be an email' }
 */
export interface Violation {
  /** Path inside the payload, such as `sizes.0.width`; empty for the payload itself. */
  readonly path: string;
  /**
   * Name of a class-validator rule, such as `isEmail`, or one of ours: `json`, `type`, `unknownKey`, `forbiddenKey`,
   * `maxBytes`, `maxDepth`, `schema`, `throws`, and `more` at the end of a list that was cut.
   */
  readonly rule: string;
  /** What the rule expects, in words, such as `must be an email`. Without the name of the property. */
  readonly message: string;
}

/**
 * Payload that breaks its rules. Code `INVALID_PAYLOAD`.
 *
 * `put` throws it and stores nothing. A worker that takes an invalid message buries the message with this error.
 *
 * @example
 * try {
 *   await emails.put({ to: 'nowhere' });
 * } catch (error) {
 *   if (error instanceof InvalidPayloadError) console.log(error.violations); // [{ path: 'to', rule: 'isEmail', … }]
 * }
 */
export class InvalidPayloadError extends HotQueueError {
  readonly code = 'INVALID_PAYLOAD';
  /**
   * @param payload name of the payload class or schema, such as `SendEmail`
   * @param violations the first 20; if there are others, the last entry has the rule `more`
   */
  constructor(
    readonly payload: string,
    readonly violations: readonly Violation[],
    options?: ErrorOptions,
  ) {
    const list = violations.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
    super(`not a valid ${payload}: ${list}`, options);
  }
}
