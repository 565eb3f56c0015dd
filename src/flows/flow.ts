import { JobCancelledError } from '../core/errors.js';
import { hasEnded, jobStatuses, type JobStatus } from '../core/job.js';
import { sleep } from '../core/timer.js';
import { inPortions } from '../core/in-portions.js';
import { standFor } from '../jobs/job-objects.js';
import type { Job, JobHandle, ResultOptions } from '../jobs/job.js';
import { endsIn, resultOf, type Ends } from './ends.js';
import { flowAsMermaid, flowAsText, type FlowNode } from './picture.js';

const shortestLookMs = 500;

/**
 * How many jobs of a flow have each status.
 *
 * @example
 * const { done, failed } = await flow.status();
 */
export type FlowCounts = Readonly<Record<JobStatus, number>>;

/**
 * Jobs that wait for each other, as {@link chain} and {@link group} put them.
 *
 * @typeParam R its result: that of its last job, or an array of the results of a group
 * @example
 * const flow = await chain(downloads.task({ url }), resizes.task(), publishes.task());
 * console.log(await flow.result({ timeout: '1m' }));
 */
export class Flow<R = unknown> {
  /** Its jobs, in the order in which they were put. */
  readonly jobs: readonly Job[];
  readonly #edges: ReadonlyMap<string, readonly string[]>;
  readonly #ends: Ends<JobHandle>;
  readonly #last: JobHandle;

  /** @internal @param edges for each job, by id, the jobs for which it waits @param ends their results are the result of the flow */
  constructor(jobs: readonly Job[], edges: ReadonlyMap<string, readonly string[]>, ends: Ends<JobHandle>) {
    this.jobs = jobs;
    this.#edges = edges;
    this.#ends = ends;
    this.#last = endsIn(ends).at(-1)!;
    if (!Array.isArray(ends)) standFor(this, this.#last);
  }

  /** Id of the job that ends it; the id of its last job for a group without `then`. */
  get id(): string {
    return this.#last.id;
  }

  /** Name of the queue of that job. */
  get queue(): string {
    return this.#last.queue;
  }

  /**
   * Ids of the jobs for which one of its jobs waits.
   *
   * @example
   * const before = flow.parentsOf(flow.id);
   */
  parentsOf(id: string): readonly string[] {
    return this.#edges.get(id) ?? [];
  }

  /**
   * The result of the last job; for a group without `then`, an array of all results, in order.
   *
   * @throws as `result` of a job: JobFailedError, JobCancelledError and others. If a job before the last one failed, the last one is
   *   cancelled, and the `cause` of the JobCancelledError is the error of the job that failed
   * @example
   * const report = await flow.result({ timeout: '5m' });
   */
  async result(options?: ResultOptions): Promise<R> {
    try {
      return (await resultOf(this.#ends, (job) => job.result(options))) as R;
    } catch (error) {
      if (!(error instanceof JobCancelledError)) throw error;
      const cause = await this.#firstError();
      throw cause === undefined ? error : Object.assign(error, { cause });
    }
  }

  /**
   * How many of its jobs have each status.
   *
   * @example
   * console.log((await flow.status()).done, 'of', flow.jobs.length);
   */
  async status(): Promise<FlowCounts> {
    return countsOf(await this.#statuses());
  }

  /**
   * Cancels all of its jobs that have not ended, the last ones first.
   *
   * @returns how many are cancelled now
   * @example
   * await flow.cancel();
   */
  async cancel(): Promise<number> {
    const cancelled = await inPortions([...this.jobs].reverse(), (job) => job.cancel());
    return cancelled.filter(Boolean).length;
  }

  /**
   * How many of its jobs have each status, again whenever that changes, until all have ended. It looks twice a second, and less often for more than 500 jobs.
   *
   * @example
   * for await (const { done } of flow.watch()) bar.set(done / flow.jobs.length);
   */
  async *watch(): AsyncGenerator<FlowCounts> {
    const ended: (JobStatus | undefined)[] = [];
    let open = this.jobs;
    for (let before = ''; ;) {
      const statuses = await inPortions(open, (job) => job.status());
      const counts = countsOf([...ended, ...statuses]);
      if (JSON.stringify(counts) !== before) yield counts;
      before = JSON.stringify(counts);
      const isOver = (index: number): boolean => statuses[index] === undefined || hasEnded(statuses[index]);
      ended.push(...statuses.filter((_, index) => isOver(index)));
      open = open.filter((_, index) => !isOver(index));
      if (open.length === 0) return;
      await sleep(Math.max(shortestLookMs, open.length)); // thousands of jobs are asked about less often
    }
  }

  /**
   * The flow as a picture: as text, a line for each job; or as a Mermaid graph.
   *
   * @example
   * console.log(await flow.picture());
   */
  async picture(as: 'text' | 'mermaid' = 'text'): Promise<string> {
    const statuses = await this.#statuses();
    const nodes = this.jobs.map(({ id, queue }, index): FlowNode => ({
      ...{ id, queue, status: statuses[index], after: this.#edges.get(id) ?? [] },
    }));
    return as === 'text' ? flowAsText(nodes) : flowAsMermaid(nodes);
  }

  #statuses(): Promise<(JobStatus | undefined)[]> {
    return inPortions(this.jobs, (job) => job.status());
  }

  async #firstError(): Promise<unknown> {
    const statuses = await this.#statuses();
    const failed = this.jobs[statuses.indexOf('failed')];
    return failed?.result({ timeout: 0 }).catch((error: unknown) => error);
  }
}

function countsOf(statuses: readonly (JobStatus | undefined)[]): FlowCounts {
  const counts = Object.fromEntries(jobStatuses.map((status) => [status, 0])) as Record<JobStatus, number>;
  for (const status of statuses) if (status !== undefined) counts[status] += 1;
  return counts;
}
