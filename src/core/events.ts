import type { EventEmitter } from 'node:events';

/**
 * Describes one delivery in an event. It never contains the payload.
 *
 * @example
 * queue.events.on('take', ({ id, attempt }: DeliveryEvent) => console.log(`message ${id}, attempt ${attempt}`));
 */
export interface DeliveryEvent {
  /** Name of the queue. */
  readonly queue: string;
  readonly id: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Id of the worker or loop that has the message, as in `queue.workers.list()`. */
  readonly worker: string;
}

/**
 * Events of a queue, named after the transitions of its messages.
 *
 * A `HotQueue` object emits an event for each transition that it makes itself, once Redis has confirmed it. It does not emit the
 * transitions of other `HotQueue` objects and other processes. An event without a listener costs nothing.
 *
 * What a listener throws, or a promise that it returns rejects with, changes nothing in the queue. The queue logs it as an error.
 *
 * @example
 * queue.events.on('bury', ({ id, reason, error }) => alert(`message ${id} is dead: ${reason}`, error));
 * queue.events.on('ack', ({ tookMs }) => metrics.observe(tookMs));
 */
export interface QueueEvents {
  /** Messages were stored. One event for each call of `put`, or for each batch of `putAll`. */
  put: [{ readonly queue: string; readonly ids: readonly string[] }];
  /** A handler, or the body of a loop, is about to run. */
  take: [DeliveryEvent];
  /** A message is done. `tookMs`: milliseconds since it was claimed. */
  ack: [DeliveryEvent & { readonly tookMs: number }];
  /** An attempt failed. The next attempt starts after `delayMs`. */
  retry: [DeliveryEvent & { readonly delayMs: number; readonly error: unknown }];
  /** A message is dead. `reason` is the one of its dead letter. */
  bury: [DeliveryEvent & { readonly reason: string; readonly error: unknown }];
  /** A message went back to the head of the queue, and the attempt is not counted. */
  release: [DeliveryEvent];
  /** The worker lost its lease, so it could not settle the message. Another worker may handle it. */
  lost: [DeliveryEvent];
  /** Delayed messages are waiting now: `count` were due, or `delayed.promote(id)` was called for the one with this `id`. */
  promote: [{ readonly queue: string; readonly count: number; readonly id?: string }];
  /**
   * A worker stopped renewing its lease, and its messages were recovered. Numbers of messages that went back to the queue, that
   * are quarantined, and that were buried after the third crash.
   */
  recover: [
    {
      readonly queue: string;
      /** Id of the worker that stopped. */
      readonly worker: string;
      readonly waiting: number;
      readonly quarantined: number;
      readonly buried: number;
    },
  ];
  /** `delayed.move` changed when a message is due. `dueAt`: Unix ms, from this machine's clock if a `delay` was given. */
  move: [{ readonly queue: string; readonly id: string; readonly dueAt: number }];
  /** `delayed.cancel` deleted a delayed message. */
  cancel: [{ readonly queue: string; readonly id: string }];
  /** Dead letters were put back on the queue. */
  revive: [{ readonly queue: string; readonly count: number }];
  /** Dead letters were deleted. */
  drop: [{ readonly queue: string; readonly count: number }];
  /** `clear` deleted waiting and delayed messages. */
  clear: [{ readonly queue: string; readonly count: number }];
  /** The queue was paused. `forMs`: for how long; absent if it does not resume by itself. */
  pause: [{ readonly queue: string; readonly forMs?: number }];
  /** The queue was resumed by a call of `resume`. */
  resume: [{ readonly queue: string }];
}

/**
 * An `EventEmitter` with the events of a queue.
 *
 * @example
 * const countDead = (events: QueueEmitter) => events.on('bury', () => dead.inc());
 */
export type QueueEmitter = EventEmitter<QueueEvents>;

/**
 * Emits an event. Where events are frequent, ask for `listenerCount` first, so that an event without a listener needs no object.
 */
export function emit<V extends keyof QueueEvents>(events: QueueEmitter, verb: V, event: QueueEvents[V][0]): void {
  (events as EventEmitter).emit(verb, event);
}
