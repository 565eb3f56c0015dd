import type { EventEmitter } from 'node:events';

/** What is told of one delivery: never the payload. */
export interface DeliveryEvent {
  readonly queue: string;
  readonly id: string;
  /** Number of the attempt, 1 for the first. */
  readonly attempt: number;
}

/** Everything a queue tells, by the verb of the transition. What has no listener costs nothing. */
export interface QueueEvents {
  /** Messages were stored. */
  put: [{ readonly queue: string; readonly ids: readonly string[] }];
  /** A handler is about to run. */
  take: [DeliveryEvent];
  ack: [DeliveryEvent & { readonly tookMs: number }];
  retry: [DeliveryEvent & { readonly delayMs: number; readonly error: unknown }];
  bury: [DeliveryEvent & { readonly reason: string; readonly error: unknown }];
  release: [DeliveryEvent];
  /** Dead letters are messages again. */
  revive: [{ readonly queue: string; readonly count: number }];
  /** Dead letters are gone for good. */
  drop: [{ readonly queue: string; readonly count: number }];
  /** The lease was lost, so the delivery could not be settled. */
  lost: [DeliveryEvent];
}

export type QueueEmitter = EventEmitter<QueueEvents>;
