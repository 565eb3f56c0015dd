import { InvalidOptionError } from '../core/errors.js';
import { jobStatuses, type JobStatus } from '../core/job.js';
import { a, checkOptions, type OptionSchema } from '../core/options/schema.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { JobCounts, QueueJobs } from './queue-jobs.js';
import type { JobRecord } from './record.js';

/**
 * A page of jobs.
 *
 * @example
 * let page = await pages.jobs.list({ status: 'failed' });
 * while (page.cursor) page = await pages.jobs.list({ status: 'failed', cursor: page.cursor });
 */
export interface JobPage<T = unknown, R = unknown> {
  /** The newest first. */
  readonly jobs: readonly JobRecord<T, R>[];
  /** Where the next page begins; absent after the last page. */
  readonly cursor?: string;
}

/** What {@link Jobs.list} lists. */
export interface JobListOptions {
  /** Only jobs with this status. */
  status: JobStatus;
  /** Most jobs, from 1 to 1,000. Default: 100. */
  limit?: number;
  /** The `cursor` of the page before. Default: the newest jobs. */
  cursor?: string;
}

const listTable: OptionSchema<{ status: JobStatus; limit: number; cursor: string }> = {
  status: a.oneOf(...jobStatuses),
  limit: a.whole(1, 1_000),
  cursor: a.text,
};

/**
 * The tracked jobs of a queue, as `queue.jobs`.
 *
 * Its methods throw QueueClosedError after `queue.close()`, and RedisUnreachableError if Redis does not answer for 10 s.
 *
 * @example
 * for (const { id, error } of (await pages.jobs.list({ status: 'failed' })).jobs) console.log(id, error?.message);
 */
export class Jobs<T = unknown, R = unknown> {
  constructor(
    private readonly context: QueueContext<T>,
    private readonly source: QueueJobs,
  ) {}

  /**
   * A page of the jobs with one status, the newest first.
   *
   * @throws InvalidOptionError
   * @example
   * const { jobs } = await pages.jobs.list({ status: 'running', limit: 20 });
   */
  async list(options: JobListOptions): Promise<JobPage<T, R>> {
    this.context.admit();
    const where = `jobs.list() on queue "${this.context.name}"`;
    const { status, limit = 100, cursor } = checkOptions(where, options, listTable);
    if (status === undefined)
      throw new InvalidOptionError('status', `${where}: missing status: use one of ${jobStatuses.join(', ')}`);
    return (await this.source.page(status, limit, cursor)) as JobPage<T, R>;
  }

  /**
   * How many jobs have each status.
   *
   * @example
   * console.log((await pages.jobs.counts()).failed, 'jobs failed');
   */
  async counts(): Promise<JobCounts> {
    this.context.admit();
    return this.source.counts();
  }
}
