import type { PutOptions } from '../core/options/put.js';
import type { Job, JobHandle } from '../jobs/job.js';

/** How a task puts its message. @param payload `undefined`: the results of the jobs in `after` */
export type PutTask = (payload: unknown, options: PutOptions) => Promise<Job>;

/**
 * A message that is not put yet: a step of {@link chain} or {@link group}. `queue.task(payload, options)` makes one.
 *
 * @typeParam R what its handler returns
 * @example
 * const step = thumbnails.task({ path: 'a.jpg', width: 200 }, { attempts: 5 });
 */
export class Task<R = unknown> {
  /** Name of its queue. */
  readonly queue: string;
  readonly #put: PutTask;
  readonly #payload: unknown;
  readonly #options: PutOptions;
  /** Only for the compiler. */
  declare readonly result?: R;

  /** @internal */
  constructor(queue: string, put: PutTask, payload: unknown, options: PutOptions) {
    this.queue = queue;
    this.#put = put;
    this.#payload = payload;
    this.#options = options;
  }

  /** Whether it has a payload of its own. Otherwise its payload is the result of the step before it. */
  get hasPayload(): boolean {
    return this.#payload !== undefined;
  }

  /** @internal Puts it. */
  put(after: readonly JobHandle[], onFailure?: 'cancel' | 'run'): Promise<Job<unknown, R>> {
    const behind = after.length === 0 ? {} : { after, ...(onFailure && { onFailure }) };
    return this.#put(this.#payload, { ...this.#options, ...behind }) as Promise<Job<unknown, R>>;
  }
}
