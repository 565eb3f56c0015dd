/**
 * Every error this library makes on purpose. Each class has one cause, a stable `code`, its data as fields, and a
 * sentence that names the thing, its value and the way out. Payload values never appear in a message.
 */
export abstract class HotQueueError extends Error {
  /** Stable across releases: match on it, not on the sentence. */
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An option that does not exist, or a value it does not take. */
export class InvalidOptionError extends HotQueueError {
  readonly code = 'INVALID_OPTION';
  constructor(readonly option: string, sentence: string) {
    super(sentence);
  }
}

/** A queue name that could not be part of a Redis key. */
export class InvalidNameError extends HotQueueError {
  readonly code = 'INVALID_NAME';
  constructor(readonly value: unknown) {
    super(
      `${JSON.stringify(value) ?? typeof value} is no queue name: use 1 to 128 letters, digits, and any of _ . : - ` +
        '(braces and spaces would break the Redis keys made from it)',
    );
  }
}

/** `put()` without a message. */
export class NothingToPutError extends HotQueueError {
  readonly code = 'NOTHING_TO_PUT';
  constructor(readonly queue: string) {
    super(`put() on queue "${queue}" was given no message: write put(message), or putAll(list) when a list may be empty`);
  }
}

/** A message that would come out of Redis different from what went in, such as `NaN`, a function or a `Map`. */
export class NotSerializableError extends HotQueueError {
  readonly code = 'NOT_SERIALIZABLE';
  /** @param path where in the message, such as `sizes.0.width`; empty for the message itself */
  constructor(readonly path: string, readonly what: string, wayOut: string) {
    super(`${path === '' ? 'the message' : `"${path}"`} is ${what}, which would not come out as it went in: ${wayOut}`);
  }
}

/** One broken rule: where, which, and what it asks for. Never the offending value. */
export interface Violation {
  /** Path inside the payload, such as `sizes.0.width`; empty for the payload itself. */
  readonly path: string;
  /** Name of the rule, such as `isEmail`, or one of ours: `json`, `type`, `unknownKey`, `forbiddenKey`, `maxBytes`, `maxDepth`, `schema`, `throws`, and `more` at the end of a long list. */
  readonly rule: string;
  readonly message: string;
}

/** A line of what was to be put, one message a line, that is none. Those before it are stored, none after it. */
export class InvalidLineError extends HotQueueError {
  readonly code = 'INVALID_LINE';
  /** @param line 1 for the first */
  constructor(readonly line: number, readonly why: string, readonly stored = 0) {
    super(`line ${line}: ${why} (${stored} message(s) before it were stored, none after it)`);
  }
}

/** A payload that breaks its rules: thrown by `put`; at the other end it buries the message. */
export class InvalidPayloadError extends HotQueueError {
  readonly code = 'INVALID_PAYLOAD';
  constructor(readonly payload: string, readonly violations: readonly Violation[], options?: ErrorOptions) {
    const list = violations.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
    super(`not a valid ${payload}: ${list}`, options);
  }
}

/** No Redis where one was named, or none at all. */
export class RedisUnreachableError extends HotQueueError {
  readonly code = 'REDIS_UNREACHABLE';
  /** Whether what was asked of it may have been sent before it fell silent. */
  readonly mayHaveArrived: boolean;
  constructor(readonly address: string, wayOut: string, options?: ErrorOptions & { readonly mayHaveArrived?: boolean }) {
    super(`no Redis answers at ${address}: ${wayOut}`, options);
    this.mayHaveArrived = options?.mayHaveArrived ?? false;
  }
}

/** A server too old for this library. */
export class RedisUnsupportedError extends HotQueueError {
  readonly code = 'REDIS_UNSUPPORTED';
  constructor(readonly address: string, readonly version: string) {
    super(`the server at ${address} is version ${version}: hotqueue needs Redis 6.2 or newer, or Valkey`);
  }
}

/** Redis is away, and as much is waiting for it in this process as may; nothing of the call was kept. */
export class BufferFullError extends HotQueueError {
  readonly code = 'BUFFER_FULL';
  constructor(readonly queue: string, readonly characters: number) {
    super(
      `Redis does not answer, and ${Math.round(characters / 1_048_576)} MiB wait to be put on queue "${queue}" already: ` +
        'await the puts before, or keep this message yourself until Redis is back',
    );
  }
}

/** The server has reached its `maxmemory` and takes nothing new; nothing of the call was stored. */
export class RedisFullError extends HotQueueError {
  readonly code = 'REDIS_FULL';
  constructor(readonly address: string, options?: ErrorOptions) {
    super(`Redis at ${address} is out of memory: let workers drain the queues, or raise its maxmemory, then put again`, options);
  }
}

/** The queue holds its `maxLength` of messages; nothing of the call was stored. */
export class QueueFullError extends HotQueueError {
  readonly code = 'QUEUE_FULL';
  /** @param count how many messages the call was to store */
  constructor(readonly queue: string, readonly maxLength: number, readonly count: number) {
    super(
      count > maxLength
        ? `${count} messages at once never fit into queue "${queue}", whose maxLength is ${maxLength}: put fewer at once, or use putAll`
        : `queue "${queue}" has no room for ${count} message(s), its maxLength is ${maxLength}: let workers drain it, then put again`,
    );
  }
}

/** Something was asked of a queue after `close()`. */
export class QueueClosedError extends HotQueueError {
  readonly code = 'QUEUE_CLOSED';
  constructor(readonly queue: string) {
    super(`queue "${queue}" is closed: make a new HotQueue("${queue}") to go on`);
  }
}

/**
 * Redis was out of reach until the deadline, after the messages may have been sent: they may be stored, or not.
 * Putting them again may make a second copy of each, unless each was put under an id of its own.
 */
export class OutcomeUnknownError extends HotQueueError {
  readonly code = 'OUTCOME_UNKNOWN';
  /** @param mayRepeat whether Redis knows the ids again, so that putting the same once more stores nothing twice */
  constructor(readonly queue: string, readonly ids: readonly string[], readonly mayRepeat: boolean, options?: ErrorOptions) {
    super(
      `Redis stopped answering while ${ids.length} message(s) were put on queue "${queue}": they may be stored or not; ` +
        (mayRepeat ? 'put them again under the same id, which stores nothing twice' : 'putting them again may store them twice'),
      options,
    );
  }
}

/** Another worker may hold the message now, so this one can settle nothing. Let go of it. */
export class LeaseLostError extends HotQueueError {
  readonly code = 'LEASE_LOST';
  constructor(readonly queue: string, readonly id: string) {
    super(`the lease on message ${id} of queue "${queue}" is no longer ours: somebody else may be working on it`);
  }
}

/** An attempt that took longer than its `timeout`: the reason of `job.signal`, and a failure like any other. */
export class TimedOutError extends HotQueueError {
  readonly code = 'TIMED_OUT';
  constructor(readonly queue: string, readonly id: string, readonly timeoutMs: number) {
    super(`the handler of message ${id} of queue "${queue}" took longer than ${timeoutMs} ms: give it more time, or less to do`);
  }
}

/** A delivery that was already settled in another way. */
export class AlreadySettledError extends HotQueueError {
  readonly code = 'ALREADY_SETTLED';
  constructor(readonly id: string, readonly settled: string, asked: string) {
    super(`message ${id} cannot be settled by ${asked}(): ${settled}() was called on it before`);
  }
}

/** Workers of another version of this library, which keep what they hold in another form, are registered on the queue. */
export class IncompatibleWorkersError extends HotQueueError {
  readonly code = 'INCOMPATIBLE_WORKERS';
  /** @param layout of claims, as this version keeps them @param other as the workers keep them that are registered */
  constructor(readonly key: string, readonly layout: string, readonly other: string) {
    super(`the workers of ${key} keep claims in layout ${other}, and this version in layout ${layout}: stop the workers of the other version, and let them finish, before you start this one`);
  }
}

/** A `@worker` that cannot be right; thrown while its class is being declared. */
export class InvalidWorkerError extends HotQueueError {
  readonly code = 'INVALID_WORKER';
  /** @param worker `Class.method` */
  constructor(readonly worker: string, sentence: string) {
    super(`@worker on ${worker}: ${sentence}`);
  }
}

/** A worker that nobody can ask for anything: it has left, or is a loop of somebody's own. */
export class UnknownWorkerError extends HotQueueError {
  readonly code = 'UNKNOWN_WORKER';
  constructor(readonly id: string, readonly queue: string, why: string) {
    super(`worker ${JSON.stringify(id)} of queue "${queue}" cannot be asked for anything: ${why}`);
  }
}

/** `run` or `start` was given something in which there are no workers. */
export class NoWorkersError extends HotQueueError {
  readonly code = 'NO_WORKERS';
}

/** Two workers of one run that see one queue with different payloads. */
export class ConflictingQueuesError extends HotQueueError {
  readonly code = 'CONFLICTING_QUEUES';
  constructor(readonly key: string, readonly payloads: readonly [string, string]) {
    super(
      `two workers take from "${key}", one expecting ${payloads[0]}, the other ${payloads[1]}: ` +
        'each would bury what is meant for the other; give them one HotQueue, or two names',
    );
  }
}

/** A file that `hotqueue worker` was given, and from which no worker comes. */
export class WorkerFileError extends HotQueueError {
  readonly code = 'WORKER_FILE';
  constructor(readonly file: string, sentence: string, options?: ErrorOptions) {
    super(`${file}: ${sentence}`, options);
  }
}
