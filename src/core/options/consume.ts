import type { Duration } from '../duration.js';
import { batchSchema, refuseLingerAlone, type LingerOf } from './batch.js';
import { a, checkOptions, present, type OptionSchema } from './schema.js';

/**
 * Options of `consume()` and `deliveries()`.
 *
 * @typeParam B `number` for a loop that yields arrays, `undefined` for one that yields single messages
 * @example
 * for await (const order of orders.consume({ limit: 100, idleTimeout: '5s' })) await ship(order);
 */
export interface TakeOptions<B extends number | undefined = undefined> {
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
  /** Maximum number of messages in one array, from 1 to 1,000. Default: the loop yields single messages. */
  batch?: B;
  /**
   * With `batch`: how long to wait for more messages after the first one of an array. Default: 0, the array has only messages
   * that are waiting.
   */
  linger?: LingerOf<B>;
}

/**
 * Options of a loop that yields arrays of messages. `limit` counts messages, not arrays.
 *
 * @example
 * for await (const rows of events.consume({ batch: 100, linger: '50ms' })) await db.insert(rows);
 */
export interface BatchTakeOptions extends TakeOptions<number> {
  /** Maximum number of messages in one array, from 1 to 1,000. */
  batch: number;
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

export function consumeOptions(name: string, given: unknown): ResolvedTakeOptions {
  const { idleTimeout, linger, ...rest } = checkOptions(`consume() on queue "${name}"`, given, takeSchema);
  refuseLingerAlone({ batch: rest.batch, linger });
  return { ...rest, ...present({ idleTimeoutMs: idleTimeout, lingerMs: linger }) };
}

export function getOptions(name: string, given: unknown): ResolvedGetOptions {
  const { timeout, block = false, ...rest } = checkOptions(`get() on queue "${name}"`, given, getSchema);
  return { ...rest, block, ...(timeout !== undefined && { timeoutMs: timeout }) };
}
