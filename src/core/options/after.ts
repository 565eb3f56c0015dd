import { InvalidOptionError } from '../errors.js';
import { a, type OptionSchema } from './schema.js';

/**
 * A job that another one waits for: what `put` returned, or `queue.job(id)`.
 *
 * @example
 * const job: AwaitedJob = pages.job(id);
 */
export interface AwaitedJob {
  /** Id of the job. */
  readonly id: string;
  /** Name of its queue. */
  readonly queue: string;
  /** As `status` of a job: only its type matters here. */
  status(): Promise<unknown>;
}

/** Options of a put that waits for other jobs. */
export const afterSchema: OptionSchema<{ after: readonly AwaitedJob[]; onFailure: 'cancel' | 'run' }> = {
  after: someJobs,
  onFailure: a.oneOf('cancel', 'run'),
};

/** @throws InvalidOptionError for options that do not go with `after`, or need it */
export function refuseBesideAfter({
  after,
  onFailure,
  unique,
  track,
}: {
  readonly after?: unknown;
  readonly onFailure?: unknown;
  readonly unique?: unknown;
  readonly track?: unknown;
}): void {
  if (after === undefined) {
    if (onFailure === undefined) return;
    throw new InvalidOptionError('onFailure', 'option onFailure has no effect without after: set after too');
  }
  if (unique !== undefined)
    throw new InvalidOptionError('unique', 'options after and unique cannot be used together: remove one of the two');
  if (track === false)
    throw new InvalidOptionError('track', 'a message with the option after has a job record: remove track: false');
}

function someJobs(value: AwaitedJob | readonly AwaitedJob[], option: string): readonly AwaitedJob[] {
  const jobs = Array.isArray(value) ? (value as readonly AwaitedJob[]) : [value as AwaitedJob];
  if (jobs.length > 0) return jobs;
  throw new InvalidOptionError(option, `invalid ${option} []: expected at least one job`);
}
