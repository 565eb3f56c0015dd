import type { Cluster, Redis } from 'ioredis';
import { batchTable, refuseLingerAlone } from './batching.js';
import type { Duration } from './durations.js';
import { InvalidOptionError } from './errors.js';
import type { Logger } from './logger.js';
import { a, checkOptions, describe, type Table } from './options.js';
import { notForAll, onePlaceTable, placeTable, refuseTwoTimes, type PlaceOptions, type Placing } from './placement.js';

/** For one message, or for all that are put through one `with`. */
export interface PutOptions extends PlaceOptions {
  /** Most attempts, the first included; the worker's word, else 3, when absent. */
  attempts?: number;
  /** Time before the second attempt, doubled for each one after it; the worker's word, else 1 s. */
  backoff?: Duration;
  /** How long an attempt of a worker may take; the worker's word, else as long as it likes, when absent. */
  timeout?: Duration;
  /** How long it is worth handling from when it is ready, delays not counted; taken later, it is buried as `expired`. For ever when absent. */
  ttl?: Duration;
}

/** Where, and how, a queue works. The options of `put` hold for every message, where `with` does not say otherwise. */
export interface QueueOptions extends Omit<PutOptions, 'at' | 'id'> {
  host?: string;
  port?: number;
  db?: number;
  username?: string;
  password?: string;
  /** `redis://…`, `rediss://…` or `unix://path`, in place of the five above. */
  url?: string;
  /** An ioredis client that says how Redis is reached, such as by Sentinel or Cluster. It stays yours: neither used nor closed. */
  connection?: Redis | Cluster;
  /** Text of a value and back: `JSON`, or Python-like `{ dumps, loads }`; `null` for bare strings. `JSON` by default. */
  serializer?: Serializer | null;
  /** Begins every key; `'hotqueue'` by default. */
  prefix?: string;
  /** `'plain'` puts bare JSON that Python's HotQueue reads; `'hotqueue'`, the default, a header line before it. */
  wire?: 'hotqueue' | 'plain';
  /** Largest message in bytes; 1 MiB by default. */
  maxBytes?: number;
  /** Deepest nesting; 64 by default. */
  maxDepth?: number;
  /**
   * `'compiled'`, the default, accepts what is certainly valid by code made for the payload class, and asks class-validator
   * about the rest; `'class-validator'` asks it about every message.
   */
  validation?: 'compiled' | 'class-validator';
  /** How long a worker's messages are its own without word from it, from 1 s; 30 s by default. The same for all of a queue. */
  lease?: Duration;
  /** Most messages that may be ready or delayed; no limit by default. The same for all of a queue's producers. */
  maxLength?: number;
  /** What `put` does when they are so many: throw QueueFullError, the default, or wait for room, for at most 30 s. */
  whenFull?: 'reject' | 'wait';
  /** How many dead letters are kept, 100,000 by default, and for how long, `'180d'` by default; the oldest go first. */
  deadLetters?: { max?: number; maxAge?: Duration };
  /** Told of failures: `console`, pino; warnings go to stderr by default; `false` for silence. */
  logger?: Logger | false;
}

/** Anything with `dumps` and `loads`, as in Python, or with `stringify` and `parse`, as `JSON` itself. */
export type Serializer =
  | { dumps(value: unknown): string; loads(text: string): unknown }
  | { stringify(value: unknown): string; parse(text: string): unknown };

export interface TakeOptions {
  /** Ends after so long without a message; never by default. */
  timeout?: Duration;
  /** Ends after so many messages. */
  limit?: number;
  /** Ends when it aborts; the message in hand stays acknowledged by asking for the next. */
  signal?: AbortSignal;
  /** What leaving early does with the current message: give it back (the default), or acknowledge it as HotQueue did. */
  onLeave?: 'release' | 'ack';
}

/** {@link TakeOptions} of a loop over arrays; `limit` counts messages. */
export interface BatchTakeOptions extends TakeOptions {
  /** Most messages in one array, 1 to 1,000. */
  batch: number;
  /** How long an array may wait to be filled once its first message is there; not at all by default. */
  linger?: Duration;
}

export interface GetOptions {
  /** Wait for a message; false by default. */
  block?: boolean;
  /** How long to wait; for ever by default. */
  timeout?: Duration;
  signal?: AbortSignal;
}

/** {@link PutOptions}, checked. */
export interface Putting extends Placing {
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly ttlMs?: number | undefined;
}

/** How long a queue may become. */
export interface Limit {
  readonly maxLength: number;
  readonly whenFull: 'reject' | 'wait';
}

/** Beyond which the oldest dead letters go. */
export interface DeadLetterBounds {
  readonly most: number;
  readonly maxAgeMs: number;
}

/** {@link QueueOptions}, checked and sorted by who needs them. */
export interface QueueSettings {
  readonly payload: unknown;
  readonly prefix: string | undefined;
  readonly wire: 'hotqueue' | 'plain';
  readonly leaseMs: number | undefined;
  readonly logger: Logger | false | undefined;
  readonly put: Putting;
  readonly limit: Limit | undefined;
  readonly deadLetters: DeadLetterBounds;
  readonly settings: { readonly serializer?: Serializer | null; readonly maxBytes?: number; readonly maxDepth?: number; readonly validation?: 'compiled' | 'class-validator' };
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

/** {@link TakeOptions}, checked. */
export interface Taking {
  readonly timeoutMs?: number;
  readonly limit?: number;
  readonly signal?: AbortSignal;
  readonly onLeave?: 'release' | 'ack';
  readonly batch?: number;
  readonly lingerMs?: number;
}

const putTable: Table<{ attempts: number; backoff: number; timeout: number; ttl: number }> = {
  attempts: a.whole(1),
  backoff: a.duration,
  timeout: a.durationFrom(1),
  ttl: a.durationFrom(1),
};
const deadLettersTable: Table<{ max: number; maxAge: number }> = {
  max: (value, option) => a.whole(1, 10_000_000)(value, `deadLetters.${option}`),
  maxAge: (value, option) => a.durationFrom(1)(value, `deadLetters.${option}`),
};
type Timed = 'backoff' | 'timeout' | 'ttl' | 'lease' | 'delay' | 'dedupe';
type Others = Required<Omit<QueueOptions, Timed | 'deadLetters'>> & { deadLetters: DeadLetterBounds };
const queueTable: Table<Record<'payload', unknown> & Record<'at' | 'id', never> & Others & Record<Timed, number>> = {
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
  ...placeTable,
  at: notForAll,
  id: notForAll,
  maxLength: a.whole(1, Number.MAX_SAFE_INTEGER),
  whenFull: a.oneOf('reject', 'wait'),
  maxBytes: a.whole(1, 536_870_912),
  maxDepth: a.whole(1, 1_000),
  validation: a.oneOf('compiled', 'class-validator'),
  lease: a.durationFrom(1_000),
  deadLetters: deadLetterBounds,
  logger: aLogger,
};
const takingTable: Table<{ timeout: number; limit: number; signal: AbortSignal; onLeave: 'release' | 'ack'; batch: number; linger: number }> = {
  timeout: a.duration,
  limit: a.whole(1, Number.MAX_SAFE_INTEGER),
  signal: a.signal,
  onLeave: a.oneOf('release', 'ack'),
  ...batchTable,
};
const gettingTable: Table<{ block: boolean; timeout: number; signal: AbortSignal }> = { block: a.flag, timeout: a.duration, signal: a.signal };

export function queueOptions(name: string, given: unknown): QueueSettings {
  const checked = checkOptions(`new HotQueue(${JSON.stringify(name)})`, given, queueTable);
  const { payload, connection, serializer, prefix, wire = 'hotqueue', attempts, backoff, timeout, ttl, maxBytes, maxDepth, validation, lease, logger, ...others } = checked;
  const { delay, priority, dedupe, maxLength, whenFull, deadLetters = deadLetterBounds({}), at: _at, id: _id, ...named } = others;
  if (connection && Object.keys(named).length > 0) {
    const option = Object.keys(named)[0]!;
    throw new InvalidOptionError(option, `${option}: a connection was given, which knows its own address; leave out one of the two`);
  }
  return {
    payload,
    prefix,
    wire,
    leaseMs: lease,
    logger,
    put: { ...putting(wire, { attempts, backoff, timeout, ttl }), ...present({ delayMs: delay, priority, dedupeMs: dedupe }) },
    limit: limitOf(maxLength, whenFull),
    deadLetters,
    settings: { ...(serializer !== undefined && { serializer }), ...(maxBytes && { maxBytes }), ...(maxDepth && { maxDepth }), ...(validation && { validation }) },
    connection: connection ? { connection } : named,
  };
}

/** @param defaults the queue's, for what is not said */
export function putOptions(name: string, wire: 'hotqueue' | 'plain', given: unknown, defaults: Putting = {}): Putting {
  const { attempts, backoff, timeout, ttl, delay, at, priority, id, dedupe } = checkOptions(`with() on queue "${name}"`, given, { ...putTable, ...placeTable, ...onePlaceTable });
  refuseTwoTimes(delay, at);
  if (id !== undefined && wire === 'plain') {
    throw new InvalidOptionError('id', "id: messages of a queue with wire: 'plain' carry none, so their workers would see another; put it into the payload");
  }
  if (dedupe !== undefined && id === undefined) throw new InvalidOptionError('dedupe', 'dedupe: only messages with an id of your own are known again; give id as well');
  const place = present({ delayMs: delay, at, priority, id, dedupeMs: dedupe });
  return { ...defaults, ...(at !== undefined && { delayMs: 0 }), ...present(putting(wire, { attempts, backoff, timeout, ttl })), ...place };
}

export function consumingOptions(name: string, given: unknown): Taking {
  const { timeout, linger, ...rest } = checkOptions(`consume() on queue "${name}"`, given, takingTable);
  refuseLingerAlone({ batch: rest.batch, linger });
  return { ...rest, ...present({ timeoutMs: timeout, lingerMs: linger }) };
}

export function getOptions(name: string, given: unknown): Taking & { readonly block: boolean } {
  const { timeout, block = false, ...rest } = checkOptions(`get() on queue "${name}"`, given, gettingTable);
  return { ...rest, block, ...(timeout !== undefined && { timeoutMs: timeout }) };
}

/** What was said; spread over defaults, `undefined` would hide them. */
function present<O extends object>(options: O): Partial<O> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<O>;
}

function limitOf(maxLength: number | undefined, whenFull: 'reject' | 'wait' | undefined): Limit | undefined {
  if (maxLength !== undefined) return { maxLength, whenFull: whenFull ?? 'reject' };
  if (whenFull === undefined) return undefined;
  throw new InvalidOptionError('whenFull', 'whenFull: a queue without maxLength is never full; give maxLength as well');
}

/** Bare JSON has no room for options, so they would be forgotten. */
function putting(wire: 'hotqueue' | 'plain', given: Partial<Record<'attempts' | 'backoff' | 'timeout' | 'ttl', number | undefined>>): Putting {
  const [option] = Object.keys(present(given));
  if (option && wire === 'plain' && option === 'ttl') {
    throw new InvalidOptionError(option, "ttl: messages of a queue with wire: 'plain' carry no options; put the time into the payload");
  }
  if (option && wire === 'plain') {
    throw new InvalidOptionError(option, `${option}: messages of a queue with wire: 'plain' carry no options; give it to @worker instead`);
  }
  return { attempts: given.attempts, backoffMs: given.backoff, timeoutMs: given.timeout, ttlMs: given.ttl };
}

function deadLetterBounds(value: object): DeadLetterBounds {
  const { max = 100_000, maxAge = 15_552_000_000 } = checkOptions('deadLetters', value, deadLettersTable);
  return { most: max, maxAgeMs: maxAge };
}

function aClient(value: Redis | Cluster, option: string): Redis | Cluster {
  const isClient = typeof value === 'object' && value !== null && typeof value.evalsha === 'function' && typeof value.duplicate === 'function';
  if (!isClient) throw new InvalidOptionError(option, `${option}: ${describe(value)} will not do; give an ioredis Redis or Cluster`);
  if (value.options.keyPrefix) {
    throw new InvalidOptionError(option, `${option}: an ioredis keyPrefix would move the braces that keep a queue's keys together; use the option "prefix" instead`);
  }
  return value;
}

function aSerializer(value: Serializer | null, option: string): Serializer | null {
  const has = (...methods: string[]): boolean => methods.every((method) => typeof (value as unknown as Record<string, unknown>)[method] === 'function');
  if (value === null || has('dumps', 'loads') || has('stringify', 'parse')) return value;
  throw new InvalidOptionError(option, `${option}: give { dumps, loads }, JSON, or null for bare strings`);
}

function aLogger(value: Logger | false, option: string): Logger | false {
  const fits = value === false || ['debug', 'info', 'warn', 'error'].every((method) => typeof (value as unknown as Record<string, unknown>)[method] === 'function');
  if (fits) return value;
  throw new InvalidOptionError(option, `${option}: give something with debug, info, warn and error, such as console, or false`);
}
