import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import type { TraceContext } from '../core/trace-context.js';

/**
 * What a subscriber of one of hotqueue's tracing channels gets. One object for all events of one operation.
 *
 * @example
 * ```ts
 * import { tracingChannel } from 'node:diagnostics_channel';
 * import type { ProcessTrace } from 'hotqueue';
 *
 * tracingChannel('hotqueue:process').start.subscribe((trace) => console.log('begins', (trace as ProcessTrace).queue));
 * ```
 */
export interface OperationTrace {
  /** Name of the queue. */
  readonly queue: string;
  /** The Redis server without its password, such as `redis://cache:6379/2`. A queue knows it when the server has answered for the first time. */
  readonly redis: string;
  /**
   * A subscriber of `start` may set it. The operation then runs inside of this function, which must call `work` and return what it
   * returns.
   */
  around?: <R>(work: () => R) => R;
  /** How the operation failed; set before the event `error`. */
  readonly error?: unknown;
}

/**
 * Channel `hotqueue:put`: from the call of a put until Redis has the messages.
 *
 * @example
 * ```ts
 * import { tracingChannel } from 'node:diagnostics_channel';
 * import type { PutTrace } from 'hotqueue';
 *
 * tracingChannel('hotqueue:put').asyncEnd.subscribe((trace) => console.log('stored', (trace as PutTrace).count));
 * ```
 */
export interface PutTrace extends OperationTrace {
  /** `put`; `step`: a job of a chain or group; `next`: a follow-up that a handler puts; `schedule`: the message of a schedule. */
  readonly operation: 'put' | 'step' | 'next' | 'schedule';
  /** How many messages. */
  readonly count: number;
  /** Empty at first. A subscriber of `start` sets the trace context that the messages carry. */
  readonly carrier: TraceContext;
  /** The job, or the jobs; set before the event `asyncEnd`. */
  readonly result?: unknown;
}

/**
 * A message in {@link ProcessTrace} and {@link SettleTrace}. It is the `Delivery` that the handler has.
 *
 * @example
 * ```ts
 * import type { TracedMessage } from 'hotqueue';
 *
 * const label = ({ id, attempt }: TracedMessage) => `${id}, attempt ${attempt}`;
 * ```
 */
export interface TracedMessage {
  /** Id of the message. */
  readonly id: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** When the message was put, Unix ms. */
  readonly putAt: number;
  /** Id of the worker. */
  readonly worker: string;
  /** The trace context that it carries. */
  readonly trace: TraceContext | undefined;
  /** The schedule that put it. */
  readonly schedule:
    | {
        /** Name of the schedule. */
        readonly name: string;
      }
    | undefined;
  /** What the handler passed to `fail`. */
  readonly failure:
    | {
        /** What the handler passed to `fail`. */
        readonly error: unknown;
      }
    | undefined;
}

/**
 * Channel `hotqueue:process`: from the call of a handler until it ends. What a handler throws is in `error`.
 *
 * @example
 * ```ts
 * import { tracingChannel } from 'node:diagnostics_channel';
 * import type { ProcessTrace } from 'hotqueue';
 *
 * tracingChannel('hotqueue:process').error.subscribe((trace) => console.log('failed', (trace as ProcessTrace).error));
 * ```
 */
export interface ProcessTrace extends OperationTrace {
  /** One message, or those of a batch. */
  readonly messages: readonly TracedMessage[];
}

/**
 * Channel `hotqueue:settle`: from the call of `ack`, `retry`, `bury` or `release`, by the handler or after it, until Redis has answered.
 *
 * @example
 * ```ts
 * import { tracingChannel } from 'node:diagnostics_channel';
 * import type { SettleTrace } from 'hotqueue';
 *
 * tracingChannel('hotqueue:settle').start.subscribe((trace) => console.log((trace as SettleTrace).verb));
 * ```
 */
export interface SettleTrace extends OperationTrace {
  /** How the message is settled. */
  readonly verb: 'ack' | 'retry' | 'bury' | 'release';
  /** The message. */
  readonly message: TracedMessage;
  /** Why it is retried or buried: what the handler threw, or the violations of its class. */
  readonly cause?: unknown;
}

const channelOf = <T extends OperationTrace>(name: string): TracingChannel<string, T> =>
  tracingChannel<string, T>(`hotqueue:${name}`);

/** Nothing is published, and nothing is made for it, unless someone has subscribed: callers look at `hasSubscribers` first. */
export const putChannel = channelOf<PutTrace>('put');
export const processChannel = channelOf<ProcessTrace>('process');
export const settleChannel = channelOf<SettleTrace>('settle');

/** Runs an operation, and publishes its events. */
export function traced<T extends OperationTrace, R>(
  channel: TracingChannel<string, T>,
  trace: T,
  work: () => Promise<R> | R,
): Promise<R> {
  const inside = (): Promise<R> => Promise.resolve(trace.around ? trace.around(work) : work());
  return channel.tracePromise<Promise<R>, []>(inside, trace);
}
