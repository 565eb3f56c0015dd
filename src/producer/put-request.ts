import type { JobFields } from '../core/job.js';
import type { Due, PutLane, PutReply, TrackedPut } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';

/** What a waiting message costs beside its text, counted in characters: 1.6 kB here and some with its caller, so that small messages take no more than 64 MiB. */
const charactersBeside = 700;

/** What all requests of one `with(...)` have in common. */
export interface PutTarget {
  readonly context: QueueContext;
  readonly lane: PutLane;
  /** How long Redis remembers the caller's own ids, ms; absent when the library made the ids. */
  readonly uniqueForMs: number | undefined;
  /** Whether the messages have a time to live, which Redis must turn into an instant. */
  readonly hasTtl: boolean;
  /** What the records of their jobs have; absent for messages that are not tracked. */
  readonly tracking?: Omit<TrackedPut, 'ids' | 'uniques' | 'processId'> | undefined;
}

/**
 * One call of `put`: the messages as they are stored, and the caller's promise. One object with two callbacks: a promise or a
 * closure for each step would dominate the cost of a put.
 */
export class PutRequest {
  /** Until when it may wait for room, monotonic ms. */
  waitsUntil = 0;
  /** When it was put while Redis was away, monotonic ms; 0 if Redis answered then. */
  waitsSince = 0;
  /** How many messages. */
  readonly count: number;
  readonly characters: number;
  /** What it takes in memory while it waits, in characters. */
  readonly weight: number;

  constructor(
    readonly target: PutTarget,
    private readonly jobs: JobFields | JobFields[],
    /** One message, or several that are stored together. */
    readonly messages: string | readonly string[],
    /** Absent for now. */
    readonly due: Due | undefined,
    private readonly onStored: (jobs: JobFields | JobFields[]) => void,
    /** Gets OutcomeUnknownError, RedisUnreachableError, RedisFullError, QueueFullError or BufferFullError. */
    readonly reject: (error: unknown) => void,
    /** Unique keys of the messages, `''` for none; absent for messages that are not tracked. */
    readonly uniques?: readonly string[],
  ) {
    const isOne = typeof messages === 'string';
    this.count = isOne ? 1 : messages.length;
    this.characters = isOne ? messages.length : messages.reduce((sum, { length }) => sum + length, 0);
    this.weight = this.characters + this.count * charactersBeside;
  }

  get ids(): string[] {
    return Array.isArray(this.jobs) ? this.jobs.map(({ id }) => id) : [this.jobs.id];
  }

  get list(): readonly string[] {
    return typeof this.messages === 'string' ? [this.messages] : this.messages;
  }

  /** Whether both may travel in one batch: delayed messages together, each with its own time; others by lane. */
  travelsWith(other: PutRequest): boolean {
    if (this.target.uniqueForMs !== other.target.uniqueForMs || this.target.hasTtl !== other.target.hasTtl)
      return false;
    if (!isSame(this.target.tracking, other.target.tracking)) return false;
    return this.due ? other.due !== undefined : other.due === undefined && this.target.lane === other.target.lane;
  }

  /**
   * Redis has the messages.
   *
   * @param duplicates those that it had already, by index in the batch; with the id of the job that has their unique key
   * @param from index of the first message in the batch
   */
  resolve(duplicates: PutReply['duplicates'], from: number): void {
    const { events, name } = this.target.context;
    const isDuplicate = duplicates.size > 0 && this.#areDuplicates(duplicates, from);
    // In a microtask: a slow listener must not delay the other puts of a batch.
    if (!isDuplicate && events.listenerCount('put') > 0)
      queueMicrotask(() => events.emit('put', { queue: name, ids: this.ids }));
    const mayBeDuplicates =
      this.target.uniqueForMs !== undefined || this.uniques?.some((unique) => unique !== '') === true;
    this.onStored(mayBeDuplicates ? this.#marked(duplicates, from) : this.jobs);
  }

  #areDuplicates(duplicates: PutReply['duplicates'], from: number): boolean {
    for (let index = from; index < from + this.count; index++) if (!duplicates.has(index)) return false;
    return true;
  }

  /** The jobs, each with the information whether it is another one that Redis had already. */
  #marked(duplicates: PutReply['duplicates'], from: number): JobFields | JobFields[] {
    const mark = (job: JobFields, index: number): JobFields => {
      const id = duplicates.get(from + index) ?? job.id;
      return this.target.context.makeJob({ ...job, id }, this.uniques !== undefined, duplicates.has(from + index));
    };
    return Array.isArray(this.jobs) ? this.jobs.map(mark) : mark(this.jobs, 0);
  }
}

/** Whether the records of both have the same in common: each call of `with` makes a target of its own. */
function isSame(one: PutTarget['tracking'], other: PutTarget['tracking']): boolean {
  if (one === other || !one || !other) return one === other;
  return (Object.keys(one) as (keyof typeof one)[]).every((key) => one[key] === other[key]);
}
