import type { QueueEmitter } from '../core/events.js';
import type { JobFields } from '../core/job.js';
import type { Logger } from '../core/logger.js';
import type { ResolvedPutOptions } from '../core/options/put.js';
import type { ResolvedTracking } from '../core/options/track.js';
import type { PayloadSettings, PayloadType } from '../payload/payload-type.js';
import type { Broker } from './broker.js';
import type { QueueHints } from './transitions.js';

/** A registered worker, as the maintenance of its queue sees it. */
export interface MaintainedWorker {
  /** Wakes the worker for messages that became available without a wake-up. */
  poke(): void;
  /** Renews the lease, with a single try. @returns nothing if the lease is lost or never existed */
  beat(): Promise<QueueHints | undefined>;
  /** Aborts active messages if the lease may have ended without a reply from Redis. */
  fence(): void;
}

/** Maintenance of a queue while this process takes from it; see `maintenance/`. */
export interface Maintenance {
  add(worker: MaintainedWorker): void;
  remove(worker: MaintainedWorker): void;
  /** Reads the queue hints of a reply. */
  observe(hints: QueueHints): void;
  /** Gives back the messages of every worker whose lease has ended. @returns whether there was such a worker; never rejects */
  recoverEnded(): Promise<boolean>;
  /** Ensures promotion of messages that this process delayed or moved, even if no worker takes. */
  ensurePromoted(hints: QueueHints): void;
  /** The queue was closed: leaves promotion to the processes that take from it. */
  close(): void;
}

/** A runner of workers, as the queues of its workers see it. */
export interface StoppableRunner {
  /** Resolves when no handler runs and nothing is claimed any more. */
  stop(): Promise<void>;
}

/** What maintenance needs of a queue. */
export type MaintainedQueue = Pick<QueueContext, 'name' | 'broker' | 'wire' | 'events' | 'logger'>;

/** Everything that the parts of a queue share. `HotQueue` is its public side. */
export interface QueueContext<T = unknown> {
  readonly name: string;
  readonly payload: PayloadType<T>;
  /** For payload types that are read later from a decorated method. */
  readonly payloadSettings: PayloadSettings;
  readonly broker: Broker;
  /** `plain`: bare JSON in the list, as Python's HotQueue writes and reads it. */
  readonly wire: 'hotqueue' | 'plain';
  readonly events: QueueEmitter;
  readonly logger: Logger;
  readonly maintenance: Maintenance;
  /** Options of the queue for messages and workers that have none of their own. */
  readonly retryDefaults: Pick<ResolvedPutOptions, 'attempts' | 'backoffMs' | 'backoffsMs' | 'timeoutMs'>;
  /** What handlers of tracked messages return, and what is kept of their jobs. */
  readonly results: { readonly type: PayloadType; readonly tracking: ResolvedTracking };
  /** Stores the schedule that a worker of the queue declares. @param worker its name */
  declareSchedule(worker: string, name: string, options: unknown): Promise<void>;
  /** The job of a message that was put, as its caller sees it. @param isDuplicate absent where the question makes no sense */
  makeJob(
    fields: JobFields,
    isTracked: boolean,
    isDuplicate?: boolean,
    end?: 'ours' | 'ours, unsent' | 'watched',
  ): JobFields;
  /** Runners in this process that take from the queue. `HotQueue.close` stops them. */
  readonly runners: Set<StoppableRunner>;
  /** @throws QueueClosedError when the queue is closed */
  admit(): void;
  /** @throws QueueClosedError as soon as the queue begins to close */
  admitRunner(): void;
}
