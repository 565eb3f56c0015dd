import { InvalidOptionError } from '../core/errors.js';
import type { PutOptions } from '../core/options/put.js';
import type { JobRef } from '../jobs/job-ref.js';
import type { PlaceInFlow, PlaceTogether, PreparedStep, PutStep } from '../jobs/flow-start.js';
import type { Job, JobHandle } from '../jobs/job.js';
import type { Connection } from '../redis/connection.js';
import type { FlowPuts } from './flow-puts.js';

/** Puts steps of flows with one set of put options. @internal */
export interface StepPublisher {
  /** Whether a step may be put together with others, in one call. @param isFirst it waits for no other one */
  canTravel(isFirst: boolean): boolean;
  /** @param payload `undefined`: the results of the jobs before it */
  putStep(payload: unknown, place: PlaceInFlow): Promise<PutStep>;
  /** Checks and encodes the message of a step that travels. The caller stores it. */
  prepareStep(payload: unknown, place: PlaceTogether): PreparedStep | Promise<PreparedStep>;
}

/** The queue of a task, and how its message is put. @internal */
export interface TaskSource {
  readonly queue: string;
  readonly prefix: string;
  readonly connection: Connection;
  /** Puts those that travel together. */
  readonly flowPuts: FlowPuts;
  /** What puts messages with these options. */
  publisher(options: PutOptions): StepPublisher;
  /** Tells those who listen to the queue that a job which travelled together with others is stored. */
  onStored(id: string): void;
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
  readonly #own: StepPublisher;
  readonly #options: PutOptions;
  /** Only for the compiler. */
  declare readonly result?: R;

  /** @internal @param own what puts messages with these options @throws InvalidOptionError for options that a step of a flow cannot have */
  constructor(source: TaskSource, own: StepPublisher, payload: unknown, options: PutOptions) {
    for (const [option, why] of Object.entries(refused))
      if (options[option as keyof PutOptions] !== undefined) throw new InvalidOptionError(option, why);
    this.queue = source.queue;
    this.source = source;
    this.#own = own;
    this.#payload = payload;
    this.#options = options;
  }

  /** Whether it has a payload of its own. Otherwise its payload is the result of the step before it. */
  get hasPayload(): boolean {
    return this.#payload !== undefined;
  }

  /** @internal Whether it may be put together with others. */
  canTravel(isFirst: boolean): boolean {
    return this.#own.canTravel(isFirst);
  }

  /** @internal Its message, for one that is put together with others. */
  prepare(place: PlaceTogether): PreparedStep | Promise<PreparedStep> {
    return this.#own.prepareStep(this.#payload, place);
  }

  /** @internal Puts it behind other jobs. */
  async put(
    after: readonly JobHandle[],
    { input, onFailure }: { readonly input: string; readonly onFailure?: 'cancel' | 'run' | undefined },
  ): Promise<Job> {
    const options = { ...this.#options, after, ...(onFailure && { onFailure }) };
    return (await this.source.publisher(options).putStep(this.#payload, { input })).job;
  }

  /** @internal Puts it so that it waits for the start of its flow. */
  hold(start: JobRef): Promise<PutStep> {
    return this.#own.putStep(this.#payload, { start });
  }
}

const refused = {
  after: 'a task cannot have the option after: use chain(), or queue.with({ after }).put()',
  onFailure: 'a task cannot have the option onFailure: give it to group()',
};
