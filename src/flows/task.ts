import { InvalidOptionError } from '../core/errors.js';
import type { PutOptions } from '../core/options/put.js';
import type { JobRef } from '../jobs/after.js';
import type { PlaceInFlow, PutStep } from '../jobs/flow-start.js';
import type { Job, JobHandle } from '../jobs/job.js';
import type { Connection } from '../redis/connection.js';

/** The queue of a task, and how its message is put. @internal */
export interface TaskSource {
  readonly queue: string;
  readonly prefix: string;
  readonly connection: Connection;
  /** @param payload `undefined`: the results of the jobs in `after` */
  put(payload: unknown, options: PutOptions, place: PlaceInFlow): Promise<PutStep>;
}

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
  /** @internal */
  readonly source: TaskSource;
  readonly #payload: unknown;
  readonly #options: PutOptions;
  /** Only for the compiler. */
  declare readonly result?: R;

  /** @internal @throws InvalidOptionError for options that a step of a flow cannot have */
  constructor(source: TaskSource, payload: unknown, options: PutOptions) {
    for (const [option, why] of Object.entries(refused))
      if (options[option as keyof PutOptions] !== undefined) throw new InvalidOptionError(option, why);
    this.queue = source.queue;
    this.source = source;
    this.#payload = payload;
    this.#options = options;
  }

  /** Whether it has a payload of its own. Otherwise its payload is the result of the step before it. */
  get hasPayload(): boolean {
    return this.#payload !== undefined;
  }

  /** @internal Puts it behind other jobs. */
  async put(
    after: readonly JobHandle[],
    { input, onFailure }: { readonly input: string; readonly onFailure?: 'cancel' | 'run' | undefined },
  ): Promise<Job> {
    const options = { ...this.#options, after, ...(onFailure && { onFailure }) };
    return (await this.source.put(this.#payload, options, { input })).job;
  }

  /** @internal Puts it so that it waits for the start of its flow. */
  hold(start: JobRef): Promise<PutStep> {
    return this.source.put(this.#payload, this.#options, { start });
  }
}

const refused = {
  after: 'a task cannot have the option after: use chain(), or queue.with({ after }).put()',
  onFailure: 'a task cannot have the option onFailure: give it to group()',
};
