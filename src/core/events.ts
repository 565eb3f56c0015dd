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
}

/**
 * Events of a queue, named after the transitions of its messages.
 *
 * A `HotQueue` object emits events of the messages that are put and taken through it, not those of other processes. Events
 * without a listener cost nothing.
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
  /** Dead letters were put back on the queue. */
  revive: [{ readonly queue: string; readonly count: number }];
  /** Dead letters were deleted. */
  drop: [{ readonly queue: string; readonly count: number }];
  /** The worker lost its lease, so it could not settle the message. Another worker may handle it. */
  lost: [DeliveryEvent];
}

/**
 * An `EventEmitter` with the events of a queue.
 *
 * @example
 * const countDead = (events: QueueEmitter) => events.on('bury', () => dead.inc());
 */
export type QueueEmitter = EventEmitter<QueueEvents>;
