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
  ) {
    super(sentence);
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
  constructor(readonly value: unknown) {
    super(
      `invalid queue name ${JSON.stringify(value) ?? typeof value}: use 1 to 128 letters, digits and _ . : - ` +
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
    wayOut: string,
  ) {
    super(`${path === '' ? 'the message' : `"${path}"`} is ${what}, which would not come back unchanged: ${wayOut}`);
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
    wayOut: string,
    options?: ErrorOptions & { readonly mayHaveArrived?: boolean },
  ) {
    super(`no Redis answers at ${address}: ${wayOut}`, options);
    this.mayHaveArrived = options?.mayHaveArrived ?? false;
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
  constructor(
    readonly address: string,
    readonly version: string,
  ) {
    super(`the server at ${address} has version ${version}: hotqueue needs Redis 6.2 or newer, or Valkey`);
  }
}

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
  /** @param characters size of the buffer's content; a message counts its text and 700 characters */
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
 * The server has reached its `maxmemory` and refuses writes. Code `REDIS_FULL`. Nothing of the call was stored.
 *
 * @example
 * if (error instanceof RedisFullError) await retryLater(order); // workers still take messages, so memory becomes free
 */
export class RedisFullError extends HotQueueError {
  readonly code = 'REDIS_FULL';
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
  /** @param count number of messages in the call */
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
