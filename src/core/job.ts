/** What every message that is stored in Redis has. */
export interface JobFields<T = unknown> {
  /** A new UUID of version 7, or the `id` option of the put. */
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  /** The payload that the handler will get, with defaults and transforms applied. */
  readonly payload: T;
  /** Time of the put, Unix ms, by the clock of the publishing machine. */
  readonly putAt: number;
}

/**
 * Where a tracked job is. `waiting`: a worker may take it. `delayed`: it is not due yet. `running`: a worker has it. `retrying`: it
 * failed, and its next attempt is not due yet. The others are its end. `done`: its handler returned. `failed`: it is a dead letter.
 * `cancelled`: `cancel` was called. `expired`: its `ttl` passed before a worker took it.
 *
 * @example
 * const isOver = (status: JobStatus) => ['done', 'failed', 'cancelled', 'expired'].includes(status);
 */
export type JobStatus = 'waiting' | 'delayed' | 'running' | 'retrying' | 'done' | 'failed' | 'cancelled' | 'expired';

/** The statuses of a tracked job, in the order of its life. `scripts/_jobs.lua` has the same. */
export const jobStatuses: readonly JobStatus[] = [
  'waiting',
  'delayed',
  'running',
  'retrying',
  'done',
  'failed',
  'cancelled',
  'expired',
];

/** Whether a job with this status runs no more. */
export function hasEnded(status: string): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled' || status === 'expired';
}
