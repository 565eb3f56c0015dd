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
  /** Id of the message. */
  readonly id: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Id of the worker or loop that has the message, as in `queue.workers.list()`. */
  readonly worker: string;
}

/**
 * Describes one delivery that has ended.
 *
 * @example
 * queue.events.on('ack', ({ tookMs, waitedMs }: SettledEvent) => console.log(`waited ${waitedMs} ms, ran ${tookMs} ms`));
 */
export interface SettledEvent extends DeliveryEvent {
  /** Milliseconds that the handler, or the body of the loop, ran; 0 if none ran, as for an invalid or expired message. */
  readonly tookMs: number;
  /**
   * Milliseconds from when the message was ready until the handler started: since it was put, or since its due time. It depends on the
   * clocks of the producer and of Redis. For a bare message it is the time since it was taken.
   */
  readonly waitedMs: number;
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
  put: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Ids of the messages, in the order of the call. */
      readonly ids: readonly string[];
    },
  ];
  /** A handler, or the body of a loop, is about to run. */
  take: [DeliveryEvent];
  /** A message is done. */
  ack: [SettledEvent];
  /** An attempt failed, and the message gets another one. */
  retry: [
    SettledEvent & {
      /** Milliseconds until the message is waiting again. */
      readonly delayMs: number;
      /** What the handler threw; `undefined` if `retry()` was called. */
      readonly error: unknown;
    },
  ];
  /** A message is dead. */
  bury: [
    SettledEvent & {
      /** The reason of its dead letter, such as `failed 3 of 3 attempts`. */
      readonly reason: string;
      /** The error that led to the burial; `undefined` if there was none. */
      readonly error: unknown;
    },
  ];
  /** A message went back to the head of the queue, and the attempt is not counted. */
  release: [SettledEvent];
  /** The worker lost its lease, so it could not settle the message. Another worker may handle it. */
  lost: [SettledEvent];
  /** Delayed messages are waiting now: `count` were due, or `delayed.promote(id)` was called for the one with this `id`. */
  promote: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Number of messages. */
      readonly count: number;
      /** Id that `delayed.promote` was called with. */
      readonly id?: string;
    },
  ];
  /** A schedule was due, and this process put its message. */
  fire: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Name of the schedule. */
      readonly schedule: string;
      /** Id of the message. */
      readonly id: string;
    },
  ];
  /** A worker stopped renewing its lease, and its messages were recovered. */
  recover: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Id of the worker that stopped. */
      readonly worker: string;
      /** Number of messages that are waiting again. */
      readonly waiting: number;
      /** Number of messages that are quarantined, after their second crash. */
      readonly quarantined: number;
      /** Number of messages that were buried, after their third crash. */
      readonly buried: number;
    },
  ];
  /** `delayed.move` changed when a message is due. */
  move: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Id that `delayed.move` was called with. */
      readonly id: string;
      /** New due time: Unix ms, by this machine's clock if a `delay` was given. */
      readonly dueAt: number;
    },
  ];
  /** `delayed.cancel` deleted a delayed message. */
  cancel: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Id that `delayed.cancel` was called with. */
      readonly id: string;
    },
  ];
  /** Dead letters were put back on the queue. */
  revive: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Number of dead letters. */
      readonly count: number;
    },
  ];
  /** Dead letters were deleted. */
  drop: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Number of dead letters. */
      readonly count: number;
    },
  ];
  /** `clear` deleted waiting and delayed messages. */
  clear: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Number of messages. */
      readonly count: number;
    },
  ];
  /** The queue was paused. */
  pause: [
    {
      /** Name of the queue. */
      readonly queue: string;
      /** Milliseconds until it resumes; absent if it does not resume by itself. */
      readonly forMs?: number;
    },
  ];
  /** The queue was resumed by a call of `resume`. */
  resume: [
    {
      /** Name of the queue. */
      readonly queue: string;
    },
  ];
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
