// Longer than 250 lines: all options of a queue, each with its docstring, are one list.
import type { Cluster, Redis } from 'ioredis';
import type { Duration } from '../duration.js';
import { InvalidOptionError } from '../errors.js';
import type { Logger } from '../logger.js';
import { messagePlacementSchema, perMessageOnly, placementSchema } from './placement.js';
import {
  deliverySchema,
  jobSchema,
  refuseWithoutUnique,
  resolvedPut,
  type PutOptions,
  type ResolvedPutOptions,
} from './put.js';
import {
  aClient,
  aLogger,
  aSerializer,
  deadLetterBounds,
  historyBounds,
  type DeadLetterBounds,
  type HistoryBounds,
  type Serializer,
} from './queue-values.js';
import { a, checkOptions, present, type OptionSchema } from './schema.js';
import { describe } from '../shown.js';
import { defaultTracking, type ResolvedTracking } from './track.js';
import { refusedValidationOptions, validationSchema, type ValidationOptions } from './validation.js';

/**
 * Options of a queue: the address of Redis, the storage of messages, limits, and defaults for the options of a put.
 *
 * Without an address, the queue uses `REDIS_URL` or `VALKEY_URL`, then 127.0.0.1:6379, then starts a Redis for this project
 * (`docs/connect.md`).
 *
 * @example
 * const orders = new HotQueue('orders', { payload: Order, url: 'redis://cache:6379/2', attempts: 5, maxLength: 100_000 });
 */
export interface QueueOptions extends Omit<PutOptions, 'at' | 'id' | 'after' | 'onFailure'>, ValidationOptions {
  /** Default: `'127.0.0.1'` if `port` is given. */
  host?: string;
  /** From 1 to 65,535. Default: 6379 if `host` is given. */
  port?: number;
  /** Number of the Redis database. Default: 0. */
  db?: number;
  /** User of Redis ACLs. Default: the default user. */
  username?: string;
  /** Default: no password. */
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
  /** Maximum size of a payload in bytes of UTF-8, up to 128 MiB. Default: 1 MiB. */
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
   * Limits of the dead letters. The oldest are deleted first.
   *
   * @example
   * const orders = new HotQueue('orders', { deadLetters: { max: 1_000, maxAge: '30d' } });
   */
  deadLetters?: {
    /** Most dead letters, from 1 to 10,000,000. Default: 100,000. */
    max?: number;
    /** Their longest age, from 1 ms. Default: `'180d'`. */
    maxAge?: Duration;
  };
  /**
   * Keeps a history: an entry for each transition of each message, see `queue.history`. One of `max` and `for` says how much of it is
   * kept, approximately. It holds for all programs that use the queue, until one sets another. `false` ends it. Not with `wire: 'plain'`.
   * Default: as other programs have set it, and no history if none has.
   *
   * @example
   * const orders = new HotQueue('orders', { history: { for: '7d' } });
   */
  history?:
    | {
        /** Most entries, from 1 to 1,000,000,000. A message has three or more. */
        max?: number;
        /** Longest age of an entry, from 1 s. */
        for?: Duration;
        /** Whether the entries of puts have the payload. Default: false. */
        payload?: boolean;
      }
    | false;
  /** Gets fields and a sentence for each failure, see {@link Logger}. `false`: no log. Default: warnings and errors go to stderr. */
  logger?: Logger | false;
}

/** Maximum length of a queue. */
export interface Limit {
  readonly maxLength: number;
  readonly whenFull: 'reject' | 'wait';
}

/** {@link QueueOptions} after validation, grouped by the module that needs them. */
export interface ResolvedQueueOptions {
  readonly payload: unknown;
  readonly result: unknown;
  readonly prefix: string | undefined;
  readonly wire: 'hotqueue' | 'plain';
  readonly leaseMs: number | undefined;
  readonly logger: Logger | false | undefined;
  readonly put: ResolvedPutOptions;
  readonly limit: Limit | undefined;
  readonly deadLetters: DeadLetterBounds;
  /** `undefined`: as other programs have set it. */
  readonly history: HistoryBounds | false | undefined;
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

type Timed = 'timeout' | 'ttl' | 'lease' | 'delay' | 'uniqueFor';
type Others = Required<Omit<QueueOptions, Timed | 'deadLetters' | 'history' | 'backoff' | 'track'>> & {
  deadLetters: DeadLetterBounds;
  history: HistoryBounds | false;
  backoff: number | readonly number[];
  track: ResolvedTracking | false;
};
const queueTable: OptionSchema<
  Record<'payload' | 'result', unknown> &
    Record<'at' | 'id' | 'after' | 'onFailure', never> &
    Others &
    Record<Timed, number>
> = {
  payload: a.given,
  result: a.given,
  host: a.text,
  port: a.whole(1, 65_535),
  db: a.whole(0, 1_000_000),
  username: a.text,
  password: a.secret,
  url: a.text,
  connection: aClient,
  serializer: aSerializer,
  prefix: a.text,
  wire: a.oneOf('hotqueue', 'plain'),
  ...deliverySchema,
  ...placementSchema,
  ...jobSchema,
  // In the table for the reason in their error, but not listed: a queue accepts neither.
  at: perMessageOnly,
  id: perMessageOnly,
  after: perMessageOnly,
  onFailure: perMessageOnly,
  maxLength: a.whole(1, Number.MAX_SAFE_INTEGER),
  whenFull: a.oneOf('reject', 'wait'),
  maxBytes: a.whole(1, 536_870_912),
  maxDepth: a.whole(1, 1_000),
  ...validationSchema,
  lease: a.durationFrom(1_000),
  deadLetters: deadLetterBounds,
  history: historyBounds,
  logger: aLogger,
};
export function queueOptions(name: string, given: unknown): ResolvedQueueOptions {
  const checked = checkOptions(`new HotQueue(${describe(name)})`, given, queueTable, [
    ...Object.keys(messagePlacementSchema),
    'after',
    'onFailure',
    ...refusedValidationOptions,
  ]);
  const { payload, result, prefix, wire = 'hotqueue', lease, logger, deadLetters = deadLetterBounds({}) } = checked;
  const { serializer, maxBytes, maxDepth } = checked;
  const { validation, whitelist, groups, stopAtFirstError, dismissDefaultMessages } = checked;
  refuseWithoutUnique(checked);
  const track = checked.track ?? (result === undefined ? undefined : defaultTracking);
  const put = resolvedPut(wire, { ...checked, ...(track !== undefined && { track }) });
  return {
    payload,
    result,
    prefix,
    wire,
    leaseMs: lease,
    logger,
    put,
    limit: limitOf(checked.maxLength, checked.whenFull),
    deadLetters,
    history: historyOf(wire, checked.history),
    settings: {
      ...(serializer !== undefined && { serializer }),
      ...(maxBytes && { maxBytes }),
      ...(maxDepth && { maxDepth }),
      ...present({ validation, whitelist, groups, stopAtFirstError, dismissDefaultMessages }),
    },
    connection: addressOf(checked),
  };
}

/** Where Redis is: named by options, or as the client says. An option that is not listed here is not part of the address. */
function addressOf({ connection, ...checked }: Address): Address {
  const { host, port, db, username, password, url } = checked;
  const named = present({ host, port, db, username, password, url });
  const [option] = Object.keys(named);
  if (!connection) return named;
  if (option === undefined) return { connection };
  throw new InvalidOptionError(
    option,
    `options ${option} and connection cannot be used together: the client has its own address. Remove one of the two`,
  );
}

/** Messages of `wire: 'plain'` have no ids, so a history could not say which one an entry is about. */
function historyOf(wire: 'hotqueue' | 'plain', history: HistoryBounds | false | undefined): typeof history {
  if (!history || wire === 'hotqueue') return history;
  throw new InvalidOptionError(
    'history',
    "options history and wire: 'plain' cannot be used together: such messages have no ids. Remove one of the two",
  );
}

function limitOf(maxLength: number | undefined, whenFull: 'reject' | 'wait' | undefined): Limit | undefined {
  if (maxLength !== undefined) return { maxLength, whenFull: whenFull ?? 'reject' };
  if (whenFull === undefined) return undefined;
  throw new InvalidOptionError(
    'whenFull',
    'option whenFull has no effect without maxLength: such a queue is never full. Set maxLength too',
  );
}
