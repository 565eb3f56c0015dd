// What scripts say of the jobs of tracked messages, as objects.
import type { SettleReply } from './transitions.js';

/** A worker that expects tracked messages. */
export interface ExpectedJobs {
  /** Of the worker, for people. */
  readonly name: string;
}

/** A tracked message that a worker has taken. */
export interface BegunJob {
  /** Of the message in its take. */
  readonly index: number;
  readonly id: string;
  readonly attempt: number;
  readonly putAt: number;
  /** When its attempt began, Unix ms, by the time of the queue. */
  readonly begunAt: number;
}

/**
 * `begun`: its handler may begin; with another payload if one replaced it. `expired`: it must be buried. `ended`: it was cancelled, and is settled.
 * `lost`: it is not claimed any more.
 */
export type BeginReply =
  { readonly kind: 'begun'; readonly replacement?: string } | { readonly kind: 'expired' | 'ended' | 'lost' };

/** How long the record of a job is kept, ms; for records that are gone and must be made anew. */
export interface KeptFor {
  readonly keepMs: number;
  readonly keepFailedMs: number;
}

/** How a message is settled whose job has a record, or because of which others are put. */
export interface Settlement {
  readonly take: { readonly number: number };
  readonly index: number;
  readonly id: string;
  readonly isTracked: boolean;
  /** Unix ms. */
  readonly putAt: number;
  /** Beginning, number and worker of the attempt, as the record has them; `''` if `begin` has noted them. */
  readonly run: string;
  /** Id of the job of this queue that waits for it, if its header says so. */
  readonly child?: string | undefined;
  /** The verb, and what `settle.lua` says behind it. */
  readonly words: readonly (string | number | Buffer)[];
}

/**
 * As {@link SettleReply}; `ended`: the job was cancelled before, so nothing but this happened. An object: it is settled, the job has ended, and
 * the outbox has a notice for these jobs that wait for it.
 */
export type JobSettleReply = SettleReply | 'ended' | { readonly children: readonly string[] };

/** A record as Redis has it. */
export type StoredRecord = Readonly<Record<string, string>>;

/** How a job has ended, if it has: `result` as it is stored. */
export interface StoredEnd {
  /** `''` if there is no record. */
  readonly status: string;
  readonly result: string | undefined;
}
