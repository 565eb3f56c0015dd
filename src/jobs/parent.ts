import type { JobStatus } from '../core/job.js';
import type { StoredParent } from '../redis/flow-transitions.js';
import { readErrorRecord, type ErrorRecord } from '../wire/error-record.js';
import { refIn } from './job-ref.js';

/**
 * A job for which another one waited, as the handler of the other one sees it.
 *
 * @example
 * const parents = await job.parents<WordCount>();
 * const words = parents.reduce((sum, { result }) => sum + (result?.words ?? 0), 0);
 */
export interface ParentOfJob<R = unknown> {
  /** Name of its queue. */
  readonly queue: string;
  /** Its id. */
  readonly id: string;
  /** How it ended; `gone` if its record had expired before. */
  readonly status: JobStatus | 'gone';
  /** What its handler returned, as JSON; absent if it returned nothing, or is not done. */
  readonly result?: R;
  /** Its last error; absent if it did not fail. */
  readonly error?: ErrorRecord;
}

export function parentOf({ text, how, result, failure }: StoredParent): ParentOfJob {
  const { queue, id } = refIn(text);
  const error = failure === undefined || how === 'done' ? undefined : errorIn(failure);
  return {
    ...{ queue, id, status: how as JobStatus | 'gone' },
    ...(result !== undefined && { result: JSON.parse(result) as unknown }),
    ...(error && { error }),
  };
}

function errorIn(failure: string): ErrorRecord | undefined {
  const read = JSON.parse(failure) as { error?: unknown };
  return readErrorRecord(read.error ?? read);
}
