import type { QueueEmitter } from '../contract/events.js';
import type { Logger } from '../contract/logger.js';
import type { PayloadSettings, PayloadType } from '../message/payload.js';
import type { Broker, News } from '../redis/broker.js';

/** A registered worker, as those see it who keep the queue in order. */
export interface Tended {
  /** Something became ready that rings no bell. */
  poke(): void;
  /** Renews its lease; once, without patience. @returns nothing when the lease is lost, or was never there */
  beat(): Promise<News | undefined>;
  /** Aborts what it runs when its lease may have ended without word from Redis. */
  fence(): void;
}

/** What is done for a queue while somebody takes from it; see `upkeep/`. */
export interface Upkeep {
  add(worker: Tended): void;
  remove(worker: Tended): void;
  /** What a take saw on its way. */
  hear(news: News): void;
  /** This process put or moved what is delayed: it sees to it that it becomes ready, should nobody take. */
  owe(news: News): void;
  /** The queue was closed: what this process owes is left to whoever takes. */
  close(): void;
}

/** Everything the parts of a queue share: what `HotQueue` is the face of. */
export interface Channel<T = unknown> {
  readonly name: string;
  readonly payload: PayloadType<T>;
  /** For payload types that are found out later, from a decorated method. */
  readonly payloadSettings: PayloadSettings;
  readonly broker: Broker;
  /** `plain`: bare JSON on the list, as Python's HotQueue writes and reads it. */
  readonly wire: 'hotqueue' | 'plain';
  readonly events: QueueEmitter;
  readonly logger: Logger;
  readonly upkeep: Upkeep;
}
