import type { QueueEmitter } from '../contract/events.js';
import type { Logger } from '../contract/logger.js';
import type { PayloadSettings, PayloadType } from '../message/payload.js';
import type { Broker, News } from '../redis/broker.js';

/** A registered worker, as the maintenance of its queue sees it. */
export interface Tended {
  /** Wakes the worker for messages that became available without a wake-up. */
  poke(): void;
  /** Renews the lease, with a single try. @returns nothing if the lease is lost or never existed */
  beat(): Promise<News | undefined>;
  /** Aborts active messages if the lease may have ended without a reply from Redis. */
  fence(): void;
}

/** Maintenance of a queue while this process takes from it; see `upkeep/`. */
export interface Upkeep {
  add(worker: Tended): void;
  remove(worker: Tended): void;
  /** Reads the queue hints of a reply. */
  hear(news: News): void;
  /** Ensures promotion of messages that this process delayed or moved, even if no worker takes. */
  owe(news: News): void;
  /** The queue was closed: leaves promotion to the processes that take from it. */
  close(): void;
}

/** Everything that the parts of a queue share. `HotQueue` is its public side. */
export interface Channel<T = unknown> {
  readonly name: string;
  readonly payload: PayloadType<T>;
  /** For payload types that are read later from a decorated method. */
  readonly payloadSettings: PayloadSettings;
  readonly broker: Broker;
  /** `plain`: bare JSON in the list, as Python's HotQueue writes and reads it. */
  readonly wire: 'hotqueue' | 'plain';
  readonly events: QueueEmitter;
  readonly logger: Logger;
  readonly upkeep: Upkeep;
}
