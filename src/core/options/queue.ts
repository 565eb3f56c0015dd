import type { Cluster, Redis } from 'ioredis';
import { batchSchema, refuseLingerAlone } from './batch.js';
import type { Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import type { Logger } from '../logger.js';
import { a, checkOptions, shown, type OptionSchema } from './schema.js';
import { refusedValidationOptions, validationSchema, type ValidationOptions } from './validation.js';
import {
  perMessageOnly,
  messagePlacementSchema,
  placementSchema,
  refuseTwoTimes,
  type PlacementOptions,
  type ResolvedPlacement,
} from './put.js';

/**
 * Options of one put, given to `queue.with(options)`. An option that is absent has the value of the queue, if the queue sets
 * it.
 *
 * @example
 * await queue.with({ attempts: 5, backoff: '2s', delay: '10m' }).put(message);
 */
export interface PutOptions extends PlacementOptions {
  /** Maximum number of attempts, the first included: from 1 to 1,000,000. Default: the worker's `attempts`, else 3. */
  attempts?: number;
  /**
   * Wait before the second attempt. It doubles with each attempt, with jitter. Default: the worker's `backoff`, else 1 s.
   */
  backoff?: Duration;
  /** Time limit of one attempt in a worker, from 1 ms. Default: the worker's `timeout`, else no limit. */
  timeout?: Duration;
  /**
   * Time in which a worker must take the message, from 1 ms. It starts when the message starts to wait, so a `delay` is not
   * counted. A message that is taken later is buried with the reason `expired`. Default: no limit.
   */
  ttl?: Duration;
}

/**
 * Options of a queue: the address of Redis, the storage of messages, limits, and defaults for the options of a put.
 *
 * Without an address, the queue uses `REDIS_URL` or `VALKEY_URL`, then 127.0.0.1:6379, then starts a Redis for this project
 * (README, "Which Redis").
 *
 * @example
 * const orders = new HotQueue('orders', { payload: Order, url: 'redis://cache:6379/2', attempts: 5, maxLength: 100_000 });
 */
export interface QueueOptions extends Omit<PutOptions, 'at' | 'id'>, ValidationOptions {
  /** Default: `'127.0.0.1'` if `port` is given. */
  host?: string;
  /** From 1 to 65,535. Default: 6379 if `host` is given. */
  port?: number;
  /** Number of the Redis database. Default: 0. */
  db?: number;
  username?: string;
  password?: string;
  /** `redis://…`, `rediss://…` (TLS) or `unix:///path`. Not with `host` or `port`; must not contradict the other three. */
  url?: string;
  /**
   * An ioredis client, `Redis` or `Cluster`, with the address and settings to connect with, for example for Sentinel. Not
   * with an address. The queue opens its own connections with these settings. It neither uses nor closes your client.
   */
  connection?: Redis | Cluster;
  /**
   * Converts payloads to text and back: see {@link Serializer}. `null`: payloads are strings, stored as they are. Default:
   * `JSON`.
   */
  serializer?: Serializer | null;
  /** Start of every Redis key: letters, digits and `_ . : -`. Default: `'hotqueue'`. */
  prefix?: string;
  /**
   * `'hotqueue'`: a header line before the payload, with id, attempts and options. `'plain'`: bare JSON, which Python's
   * HotQueue can read; such messages have no options and no `id`. Default: `'hotqueue'`.
   */
  wire?: 'hotqueue' | 'plain';
  /** Maximum size of a payload in bytes of UTF-8, up to 512 MiB. Default: 1 MiB. */
  maxBytes?: number;
  /** Maximum number of nested arrays and objects in a payload, up to 1,000. Default: 64. */
  maxDepth?: number;
  /**
   * How long a worker keeps its active messages without a heartbeat, from 1 s. Then they go to other workers. All programs
   * must use the same value for one queue. Default: 30 s.
   */
  lease?: Duration;
  /**
   * Maximum number of waiting and delayed messages. All programs that put on one queue must use the same value. Default: no
   * limit.
   */
  maxLength?: number;
  /**
   * What `put` does when the queue has `maxLength` messages. `'reject'`: it throws QueueFullError. `'wait'`: it waits for
   * room for up to 30 s, then throws QueueFullError. Default: `'reject'`.
   */
  whenFull?: 'reject' | 'wait';
  /**
   * Maximum number of dead letters, default 100,000, and their maximum age, default `'180d'`. The oldest are deleted first.
   */
  deadLetters?: { max?: number; maxAge?: Duration };
  /** Gets fields and a sentence for each failure, see {@link Logger}. `false`: no log. Default: warnings and errors go to stderr. */
  logger?: Logger | false;
}

/**
 * Converts payloads to text and back: an object with `dumps` and `loads`, as in Python, or with `stringify` and `parse`, as
 * `JSON`.
 *
 * @example
 * const serializer = { dumps: (value) => superjson.stringify(value), loads: (text) => superjson.parse(text) };
 * const events = new HotQueue('events', { serializer });
 */
export type Serializer =
  | { dumps(value: unknown): string; loads(text: string): unknown }
  | { stringify(value: unknown): string; parse(text: string): unknown };

/**
 * Options of `consume()` and `deliveries()`.
 *
 * @example
 * for await (const order of orders.consume({ limit: 100, idleTimeout: '5s' })) await ship(order);
 */
export interface TakeOptions {
  /** The loop ends after this time without a message. Default: never. */
  idleTimeout?: Duration;
  /** The loop ends after this number of messages. Default: no limit. */
  limit?: number;
  /**
   * The loop ends when this signal aborts. The loop still acknowledges the current message when it asks for the next one.
   */
  signal?: AbortSignal;
  /**
   * What happens to the current message when the loop is left early (`break`, `return`, `throw`). `'release'`: it goes back
   * to the head of the queue. `'ack'`: it is acknowledged, as in Python's HotQueue. Default: `'release'`.
   */
  onLeave?: 'release' | 'ack';
}

/**
 * Options of a loop that yields arrays of messages. `limit` counts messages, not arrays.
 *
 * @example
 * for await (const rows of events.consume({ batch: 100, linger: '50ms' })) await db.insert(rows);
 */
export interface BatchTakeOptions extends TakeOptions {
  /** Maximum number of messages in one array, from 1 to 1,000. */
  batch: number;
  /**
   * How long to wait for more messages after the first one of an array. Default: 0, the array has only messages that are
   * waiting.
   */
  linger?: Duration;
}

/**
 * Options of `get()`.
 *
 * @example
 * const order = await orders.get({ block: true, timeout: '10s' });
 */
export interface GetOptions {
  /** True: wait for a message if none is waiting. Default: false. */
  block?: boolean;
  /** With `block`: how long to wait. Default: no limit. */
  timeout?: Duration;
  /** Stops waiting when it aborts: `get` then returns `undefined`. */
  signal?: AbortSignal;
}

/** {@link PutOptions} after validation. */
export interface ResolvedPutOptions extends ResolvedPlacement {
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly ttlMs?: number | undefined;
}

/** Maximum length of a queue. */
export interface Limit {
  readonly maxLength: number;
  readonly whenFull: 'reject' | 'wait';
}

/** Limits beyond which the oldest dead letters are deleted. */
export interface DeadLetterBounds {
  readonly most: number;
  readonly maxAgeMs: number;
}

/** {@link QueueOptions} after validation, grouped by the module that needs them. */
export interface ResolvedQueueOptions {
  readonly payload: unknown;
  readonly prefix: string | undefined;
  readonly wire: 'hotqueue' | 'plain';
  readonly leaseMs: number | undefined;
  readonly logger: Logger | false | undefined;
  readonly put: ResolvedPutOptions;
  readonly limit: Limit | undefined;
  readonly deadLetters: DeadLetterBounds;
  readonly settings: {
    readonly serializer?: Serializer | null;
    readonly maxBytes?: number;
    readonly maxDepth?: number;
  } & ValidationOptions;
  readonly connection: Address;
}

interface Address {
  readonly host?: string;
  readonly port?: number;
  readonly db?: number;
  readonly username?: string;
  readonly password?: string;
  readonly url?: string;
  readonly connection?: Redis | Cluster;
}

/** {@link GetOptions}, checked. */
export interface ResolvedGetOptions {
  readonly block: boolean;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** {@link TakeOptions} after validation. */
export interface ResolvedTakeOptions {
  readonly idleTimeoutMs?: number;
  readonly limit?: number;
  readonly signal?: AbortSignal;
  readonly onLeave?: 'release' | 'ack';
  readonly batch?: number;
  readonly lingerMs?: number;
}

const putTable: OptionSchema<{ attempts: number; backoff: number; timeout: number; ttl: number }> = {
  attempts: a.whole(1),
  backoff: a.duration,
  timeout: a.durationFrom(1),
  ttl: a.durationFrom(1),
};
const deadLettersTable: OptionSchema<{ max: number; maxAge: number }> = {
  max: (value, option) => a.whole(1, 10_000_000)(value, `deadLetters.${option}`),
  maxAge: (value, option) => a.durationFrom(1)(value, `deadLetters.${option}`),
};
type Timed = 'backoff' | 'timeout' | 'ttl' | 'lease' | 'delay' | 'uniqueFor';
type Others = Required<Omit<QueueOptions, Timed | 'deadLetters'>> & { deadLetters: DeadLetterBounds };
const queueTable: OptionSchema<
  Record<'payload', unknown> & Record<'at' | 'id', never> & Others & Record<Timed, number>
> = {
  payload: a.given,
  host: a.text,
  port: a.whole(1, 65_535),
  db: a.whole(0, 1_000_000),
  username: a.text,
  password: a.text,
  url: a.text,
  connection: aClient,
  serializer: aSerializer,
  prefix: a.text,
  wire: a.oneOf('hotqueue', 'plain'),
  ...putTable,
  ...placementSchema,
  // In the table for the reason in their error, but not listed: a queue accepts neither.
  at: perMessageOnly,
  id: perMessageOnly,
  maxLength: a.whole(1, Number.MAX_SAFE_INTEGER),
  whenFull: a.oneOf('reject', 'wait'),
  maxBytes: a.whole(1, 536_870_912),
  maxDepth: a.whole(1, 1_000),
  ...validationSchema,
  lease: a.durationFrom(1_000),
  deadLetters: deadLetterBounds,
  logger: aLogger,
};
const takeSchema: OptionSchema<{
  idleTimeout: number;
  limit: number;
  signal: AbortSignal;
  onLeave: 'release' | 'ack';
  batch: number;
  linger: number;
}> = {
  idleTimeout: a.duration,
  limit: a.whole(1, Number.MAX_SAFE_INTEGER),
  signal: a.signal,
  onLeave: a.oneOf('release', 'ack'),
  ...batchSchema,
};
const getSchema: OptionSchema<{ block: boolean; timeout: number; signal: AbortSignal }> = {
  block: a.flag,
  timeout: a.duration,
  signal: a.signal,
};

export function queueOptions(name: string, given: unknown): ResolvedQueueOptions {
  const checked = checkOptions(`new HotQueue(${JSON.stringify(name)})`, given, queueTable, [
    ...Object.keys(messagePlacementSchema),
    ...refusedValidationOptions,
  ]);
  const {
    payload,
    connection,
    serializer,
    prefix,
    wire = 'hotqueue',
    attempts,
    backoff,
    timeout,
    ttl,
    maxBytes,
    maxDepth,
    validation,
    whitelist,
    groups,
    stopAtFirstError,
    dismissDefaultMessages,
    lease,
    logger,
    ...others
  } = checked;
  const {
    delay,
    priority,
    uniqueFor,
    maxLength,
    whenFull,
    deadLetters = deadLetterBounds({}),
    at: _at,
    id: _id,
    ...named
  } = others;
  if (connection && Object.keys(named).length > 0) {
    const option = Object.keys(named)[0]!;
    throw new InvalidOptionError(
      option,
      `options ${option} and connection cannot be used together: the client has its own address. Remove one of the two`,
    );
  }
  return {
    payload,
    prefix,
    wire,
    leaseMs: lease,
    logger,
    put: {
      ...putting(wire, { attempts, backoff, timeout, ttl }),
      ...present({ delayMs: delay, priority, uniqueForMs: uniqueFor }),
    },
    limit: limitOf(maxLength, whenFull),
    deadLetters,
    settings: {
      ...(serializer !== undefined && { serializer }),
      ...(maxBytes && { maxBytes }),
      ...(maxDepth && { maxDepth }),
      ...present({ validation, whitelist, groups, stopAtFirstError, dismissDefaultMessages }),
    },
    connection: connection ? { connection } : named,
  };
}

const putSchema = { ...putTable, ...placementSchema, ...messagePlacementSchema };

/** Names of the options of `with`. */
export const putOptionNames: ReadonlySet<string> = new Set(Object.keys(putSchema));

/** @param defaults options of the queue, for options that are absent */
export function putOptions(
  name: string,
  wire: 'hotqueue' | 'plain',
  given: unknown,
  defaults: ResolvedPutOptions = {},
): ResolvedPutOptions {
  const { attempts, backoff, timeout, ttl, delay, at, priority, id, uniqueFor } = checkOptions(
    `with() on queue "${name}"`,
    given,
    putSchema,
  );
  refuseTwoTimes(delay, at);
  if (id !== undefined && wire === 'plain') {
    throw new InvalidOptionError(
      'id',
      "option id has no effect with wire: 'plain': messages carry no id, so workers would see another one. Put the id into the payload",
    );
  }
  if (uniqueFor !== undefined && id === undefined)
    throw new InvalidOptionError(
      'uniqueFor',
      'option uniqueFor has no effect without id: Redis only remembers ids that you set. Set id too',
    );
  const place = present({ delayMs: delay, at, priority, id, uniqueForMs: uniqueFor });
  return {
    ...defaults,
    ...(at !== undefined && { delayMs: 0 }),
    ...present(putting(wire, { attempts, backoff, timeout, ttl })),
    ...place,
  };
}

export function consumeOptions(name: string, given: unknown): ResolvedTakeOptions {
  const { idleTimeout, linger, ...rest } = checkOptions(`consume() on queue "${name}"`, given, takeSchema);
  refuseLingerAlone({ batch: rest.batch, linger });
  return { ...rest, ...present({ idleTimeoutMs: idleTimeout, lingerMs: linger }) };
}

export function getOptions(name: string, given: unknown): ResolvedGetOptions {
  const { timeout, block = false, ...rest } = checkOptions(`get() on queue "${name}"`, given, getSchema);
  return { ...rest, block, ...(timeout !== undefined && { timeoutMs: timeout }) };
}

/** Without the options that are `undefined`: spread over the defaults, they would hide them. */
function present<O extends object>(options: O): Partial<O> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<O>;
}

function limitOf(maxLength: number | undefined, whenFull: 'reject' | 'wait' | undefined): Limit | undefined {
  if (maxLength !== undefined) return { maxLength, whenFull: whenFull ?? 'reject' };
  if (whenFull === undefined) return undefined;
  throw new InvalidOptionError(
    'whenFull',
    'option whenFull has no effect without maxLength: such a queue is never full. Set maxLength too',
  );
}

/** Refuses options on a queue with `wire: 'plain'`: bare JSON has no place for them, so they would be lost. */
function putting(
  wire: 'hotqueue' | 'plain',
  given: Partial<Record<'attempts' | 'backoff' | 'timeout' | 'ttl', number | undefined>>,
): ResolvedPutOptions {
  const [option] = Object.keys(present(given));
  if (option && wire === 'plain' && option === 'ttl') {
    throw new InvalidOptionError(
      option,
      "option ttl has no effect with wire: 'plain': messages carry no options. Put the time into the payload",
    );
  }
  if (option && wire === 'plain') {
    throw new InvalidOptionError(
      option,
      `option ${option} has no effect with wire: 'plain': messages carry no options. Set it on @worker instead`,
    );
  }
  return { attempts: given.attempts, backoffMs: given.backoff, timeoutMs: given.timeout, ttlMs: given.ttl };
}

function deadLetterBounds(value: object): DeadLetterBounds {
  const { max = 100_000, maxAge = 15_552_000_000 } = checkOptions('deadLetters', value, deadLettersTable);
  return { most: max, maxAgeMs: maxAge };
}

function aClient(value: Redis | Cluster, option: string): Redis | Cluster {
  const isClient =
    typeof value === 'object' &&
    value !== null &&
    typeof value.evalsha === 'function' &&
    typeof value.duplicate === 'function';
  if (!isClient)
    throw new InvalidOptionError(option, `invalid ${option} ${shown(value)}: expected an ioredis Redis or Cluster`);
  if (value.options.keyPrefix) {
    throw new InvalidOptionError(
      option,
      `invalid ${option} with the ioredis keyPrefix "${value.options.keyPrefix}": it would break the braces that keep the keys of a queue together. Use the option "prefix" instead`,
    );
  }
  return value;
}

function aSerializer(value: Serializer | null, option: string): Serializer | null {
  const has = (...methods: string[]): boolean =>
    methods.every((method) => typeof (value as unknown as Record<string, unknown>)[method] === 'function');
  if (value === null || has('dumps', 'loads') || has('stringify', 'parse')) return value;
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown(value)}: expected { dumps, loads }, JSON, or null for plain strings`,
  );
}

function aLogger(value: Logger | false, option: string): Logger | false {
  const fits =
    value === false ||
    ['debug', 'info', 'warn', 'error'].every(
      (method) => typeof (value as unknown as Record<string, unknown>)[method] === 'function',
    );
  if (fits) return value;
  throw new InvalidOptionError(
    option,
    `invalid ${option} ${shown(value)}: expected an object with debug, info, warn and error, such as console, or false`,
  );
}
