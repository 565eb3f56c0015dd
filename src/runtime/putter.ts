import type { Job } from '../contract/job.js';
import { InvalidOptionError, NothingToPutError, NotSerializableError } from '../contract/errors.js';
import type { Priority } from '../contract/placement.js';
import type { Putting } from '../contract/queue-options.js';
import { fieldsOf, headerLine, open } from '../message/envelope.js';
import { newId } from '../message/ids.js';
import type { Encoded } from '../message/payload.js';
import type { Channel } from './channel.js';
import type { Due, PutLane } from '../redis/broker.js';
import type { Producer } from './producer.js';

/** A spread array may hold one, or none: use {@link Putter.putAll} when its jobs matter. */
export type Jobs<T, N extends readonly unknown[]> = N extends readonly [unknown] ? Job<T> : number extends N['length'] ? Job<T> | Job<T>[] : Job<T>[];

/** Where messages are put: a queue, or a queue `with` options. */
export interface Putter<T, In> {
  /**
   * Stores in order; awaiting it means Redis has it. One message gives a job, several an array of them: all are stored, or
   * none. With an id of your own the job says whether it is a `duplicate`.
   *
   * @throws InvalidPayloadError, NotSerializableError, NothingToPutError before anything is sent; QueueFullError,
   *   RedisFullError when nothing was stored; OutcomeUnknownError
   */
  put<N extends unknown[]>(...messages: { [K in keyof N]: In }): Promise<Jobs<T, N>>;
  /**
   * Always an array, empty for none; takes anything iterable, also asynchronously, and stores it in batches of up to 1,000.
   * Each batch is stored whole; when one fails, those before it stay stored.
   */
  putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T>[]>;
}

const batchSize = 1_000;
const lanes: Record<Priority, PutLane> = { high: 'h', normal: 'b', low: 'l' };
const defaultKnownForMs = 86_400_000;

export class ChannelPutter<T, In> implements Putter<T, In> {
  readonly #batchSize: number;

  /** @param admit throws when nothing may be put any more */
  constructor(
    private readonly channel: Channel<T>,
    private readonly producer: Producer,
    private readonly options: Putting,
    private readonly admit: () => void,
  ) {
    this.#batchSize = Math.min(batchSize, producer.limit?.maxLength ?? batchSize);
  }

  async put<N extends unknown[]>(...messages: { [K in keyof N]: In }): Promise<Jobs<T, N>> {
    if (messages.length === 0) throw new NothingToPutError(this.channel.name);
    if (messages.length > 1) this.#refuseOneId();
    const jobs = await this.#store(messages);
    return (jobs.length === 1 ? jobs[0] : jobs) as Jobs<T, N>;
  }

  async putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T>[]> {
    this.#refuseOneId();
    const jobs: Job<T>[] = [];
    let batch: In[] = [];
    for await (const message of messages) {
      if (batch.push(message) < this.#batchSize) continue;
      jobs.push(...(await this.#store(batch)));
      batch = [];
    }
    return batch.length === 0 ? jobs : jobs.concat(await this.#store(batch));
  }

  /** All are checked before the first is sent. */
  async #store(messages: readonly In[]): Promise<Job<T>[]> {
    this.admit();
    const { payload, name, events } = this.channel;
    const encoded: Encoded<T>[] = [];
    for (const message of messages) {
      const one = payload.encode(message);
      encoded.push(one instanceof Promise ? await one : one);
    }
    const { id: ownId, priority = 'normal', dedupeMs = defaultKnownForMs } = this.options;
    const putAt = Date.now();
    const jobs = encoded.map((one) => ({ id: ownId ?? newId(), queue: name, payload: one.payload, putAt }));
    const ids = jobs.map(({ id }) => id);
    // Ids that we make tell when that was; those of others do not.
    const due = dueOf(this.options, putAt);
    const fields = fieldsOf({ ...this.options, expiresAt: this.#expiresAt(due, putAt), ...(ownId !== undefined && { putAt }) });
    const sealed = encoded.map(({ text }, index) => this.#seal(ids[index]!, fields, text));
    const isDuplicate = await this.producer.put({ messages: sealed, ids, lane: lanes[priority], ...(due && { due }), ...(ownId !== undefined && { knownForMs: dedupeMs }) });
    if (!isDuplicate) events.emit('put', { queue: name, ids });
    return ownId === undefined ? jobs : jobs.map((job) => ({ ...job, duplicate: isDuplicate }));
  }

  #expiresAt(due: Due | undefined, putAt: number): number | undefined {
    const { ttlMs } = this.options;
    if (ttlMs === undefined) return undefined;
    return ttlMs + (due === undefined ? putAt : 'at' in due ? due.at : putAt + due.afterMs);
  }

  #refuseOneId(): void {
    if (this.options.id === undefined) return;
    throw new InvalidOptionError('id', 'id: several messages cannot share one; put them one by one, each with({ id: … }) of its own');
  }

  #seal(id: string, fields: string, text: string): string {
    if (this.channel.wire !== 'plain') return headerLine({ id, attempts: 0, crashes: 0, fields }) + text;
    if (open(text).header) throw new NotSerializableError('', 'text that begins like a header of ours', "it would lose its first line; use wire: 'hotqueue' for it");
    return text;
  }
}

/** When messages are to be ready; `undefined` for now. */
function dueOf({ delayMs = 0, at }: Putting, now: number): Due | undefined {
  if (at !== undefined) return at > now ? { at } : undefined;
  return delayMs > 0 ? { afterMs: delayMs } : undefined;
}
