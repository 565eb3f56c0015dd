import type { Lane } from '../wire/lane.js';

// Arguments and results of the transitions in `broker.ts` and `registration.ts`, and how they are sent and read.

/** Queue hints: what a script reports beside its result. Maintenance uses them to set its deadline timers. */
export interface QueueHints {
  /** Ms until the next delayed message is due; absent if none is delayed. */
  readonly nextDueMs?: number;
  /** The lease that ends first: its worker, and ms until it ends; 0 if it has ended. */
  readonly lease?: { readonly worker: string; readonly endsInMs: number };
  /** Whether a monitor watches the workers, so that they send a report each second. */
  readonly isWatched?: boolean;
}

/** What a worker has counted since it joined, as `Tally` writes it, and the time of the queue, Unix ms. */
export interface Counted {
  readonly text: string;
  readonly at: number;
}

/** A command for a worker: take no more messages, take again, or stop together with all workers of its runner. */
export type WorkerCommand = 'quiet' | 'resume' | 'stop';

/** A message that is too large for a worker. */
export interface TooLarge {
  readonly id: string;
  readonly bytes: number;
}

/** Result of settling a claim. `already` is a success: an earlier, identical call arrived. */
export type SettleReply = 'done' | 'already' | 'lost';

/** How many messages of a dead worker went back to waiting, to quarantine, and to the dead letters. */
export interface RecoverReply {
  readonly waiting: number;
  readonly quarantined: number;
  readonly buried: number;
}

export interface SweepReply {
  readonly cursors: readonly [string, string];
  readonly mended: number;
  /** Workers that are no longer registered and may have left claims. */
  readonly lost: readonly string[];
}

export interface RetryPlan {
  readonly id: string;
  readonly lane: Lane;
  readonly delayMs: number;
  /** The message with its new header. */
  readonly message: Buffer;
}

/** The lists that a put may use: base, high, low. */
export type PutLane = 'b' | 'h' | 'l';

/** When a message is due: ms after Redis has received it, or an instant in Unix ms. */
export type Due = { readonly afterMs: number } | { readonly at: number };

/** A message to be put as delayed. */
export interface DelayedPut {
  readonly id: string;
  readonly due: Due;
  readonly lane: PutLane;
  readonly message: string;
}

/** What the records of a batch's jobs have; `docs/protocol.md` explains them. */
export interface TrackedPut {
  /** Of the messages, in their order. */
  readonly ids: readonly string[];
  /** Their unique keys, `''` for none. */
  readonly uniques: readonly string[];
  readonly keepMs: number;
  readonly keepFailedMs: number;
  /** Who puts: host and process. */
  readonly by: string;
  readonly storesPayload: boolean;
  /** Id of this process: names the channel on which the ends of its jobs are published. */
  readonly processId: string;
  /** Whether a unique key is let go when its job starts; otherwise when it ends. */
  readonly untilStarted: boolean;
  /** Whether a message replaces the one that still waits under its unique key. */
  readonly replaces: boolean;
}

/** A batch of messages. The put batcher sends one at a time, and numbers them. */
export type PutBatch = {
  /** Id of the put batcher. */
  readonly producer: string;
  /** Number of the batch. A higher one than that of any batch before it. */
  readonly number: number;
  /** Ids that the callers chose, one for each message, and for how long Redis rejects the same ids as duplicates. */
  readonly own?: { readonly ids: readonly string[]; readonly forMs: number } | undefined;
  /** Whether each message has a time to live, as `x=+<ms>` in its header. */
  readonly hasTtl?: boolean | undefined;
  /** What their jobs' records have. */
  readonly tracked?: TrackedPut | undefined;
  /** Most messages in the queue, and how many messages each put call has. A call is stored whole or not at all. */
  readonly limit?: { readonly most: number; readonly calls: readonly number[] } | undefined;
} & (
  | {
      readonly messages: readonly string[];
      /** Base if absent. */
      readonly lane?: PutLane;
      readonly delayed?: undefined;
    }
  | { readonly delayed: readonly DelayedPut[] }
);

/** Result of storing a batch. The hints are only of delayed messages. */
export interface PutReply extends QueueHints {
  /** How many messages were accepted, from the first. The queue had no room for the others. */
  readonly accepted: number;
  /**
   * Accepted messages that were not stored, by index: Redis had their ids already, or a job with their unique key. Then the value is the
   * id of that job.
   */
  readonly duplicates: ReadonlyMap<number, string | undefined>;
}

/** A dead letter: its key, and its time of burial as the text that Redis returns. */
export interface DeadLetterRef {
  readonly key: string;
  readonly at: string;
}

/** The due time as the scripts read it. */
export function dueText(due: Due): string {
  return 'at' in due ? String(due.at) : `+${due.afterMs}`;
}

/** Reads the reply of `bury-large.lua`. */
export function tooLargeIn(reply: unknown): TooLarge[] {
  const words = reply as (string | number)[];
  return Array.from({ length: words.length / 2 }, (_, at) => ({
    id: String(words[2 * at]),
    bytes: Number(words[2 * at + 1]),
  }));
}
