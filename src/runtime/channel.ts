import type { QueueEmitter } from '../contract/events.js';
import type { Logger } from '../contract/logger.js';
import type { PayloadSettings, PayloadType } from '../message/payload.js';
import type { Broker } from '../redis/broker.js';

/** Somebody who takes from a channel and may be told that something became ready. */
export interface Tended {
  poke(): void;
}

/** What is done for a queue while somebody takes from it; see `upkeep/`. */
export interface Upkeep {
  add(taker: Tended): void;
  remove(taker: Tended): void;
  /** A delayed message is due in so many ms. */
  dueIn(ms: number): void;
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
