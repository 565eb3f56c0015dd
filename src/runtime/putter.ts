import type { Job } from '../contract/job.js';
import { InvalidOptionError, NothingToPutError, NotSerializableError } from '../contract/errors.js';
import type { Priority } from '../contract/placement.js';
import type { Putting } from '../contract/queue-options.js';
import { fieldsOf, headerLine, open } from '../message/envelope.js';
import { newId } from '../message/ids.js';
import type { Encoded } from '../message/payload.js';
import type { Channel } from './channel.js';
import type { Due, PutLane } from '../redis/broker.js';
import type { Producer, PutRequest } from './producer.js';

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
  /** What follows the id in the header, where it is the same for every message. */
  readonly #rest: string | undefined;

  /** @param admit throws when nothing may be put any more */
  constructor(
    private readonly channel: Channel<T>,
    private readonly producer: Producer,
    private readonly options: Putting,
    private readonly admit: () => void,
  ) {
    this.#rest = options.ttlMs === undefined && options.id === undefined ? restOf(fieldsOf(options)) : undefined;
    this.#batchSize = Math.min(batchSize, producer.limit?.maxLength ?? batchSize);
  }

  put<N extends unknown[]>(...messages: { [K in keyof N]: In }): Promise<Jobs<T, N>> {
    return this.#store(messages, messages.length === 1) as Promise<Jobs<T, N>>;
  }

  async putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T>[]> {
    this.#refuseOneId();
    const jobs: Job<T>[] = [];
    let batch: In[] = [];
    for await (const message of messages) {
      if (batch.push(message) < this.#batchSize) continue;
      jobs.push(...((await this.#store(batch, false)) as Job<T>[]));
      batch = [];
    }
    return batch.length === 0 ? jobs : jobs.concat(await this.#store(batch, false));
  }

  /** All are checked before the first is sent. One promise for the whole way: a put is mostly what it waits with. */
  #store(messages: readonly In[], isOne: boolean): Promise<Job<T> | Job<T>[]> {
    return new Promise((resolve, reject) => {
      this.#refuse(messages.length);
      const { payload } = this.channel;
      const encoded = isOne ? payload.encode(messages[0]) : inStep(messages.map((message) => payload.encode(message)));
      if (encoded instanceof Promise) encoded.then((checked) => this.#send(checked, resolve, reject)).catch(reject);
      else this.#send(encoded, resolve, reject);
    });
  }

  #send(encoded: Encoded<T> | readonly Encoded<T>[], resolve: (jobs: Job<T> | Job<T>[]) => void, reject: (error: unknown) => void): void {
    const { id: ownId, priority = 'normal', dedupeMs = defaultKnownForMs } = this.options;
    const putAt = Date.now();
    const due = dueOf(this.options, putAt);
    const rest = this.#rest ?? restOf(this.#fieldsAt(putAt, due));
    const knownForMs = ownId === undefined ? undefined : dedupeMs;
    const lane = lanes[priority];
    if ('text' in encoded) {
      const job = this.#jobOf(encoded, putAt);
      return this.producer.put(new PutCall(this.channel, job, this.#seal(job.id, rest, encoded.text), lane, due, knownForMs, resolve, reject));
    }
    const jobs = encoded.map((one) => this.#jobOf(one, putAt));
    const messages = encoded.map(({ text }, index) => this.#seal(jobs[index]!.id, rest, text));
    this.producer.put(new PutCall(this.channel, jobs, messages, lane, due, knownForMs, resolve, reject));
  }

  #jobOf({ payload }: Encoded<T>, putAt: number): Job<T> {
    return { id: this.options.id ?? newId(putAt), queue: this.channel.name, payload, putAt };
  }

  /** Ids that we make tell when they were put; those of others do not. */
  #fieldsAt(putAt: number, due: Due | undefined): string {
    return fieldsOf({ ...this.options, expiresAt: this.#expiresAt(due, putAt), ...(this.options.id !== undefined && { putAt }) });
  }

  #expiresAt(due: Due | undefined, putAt: number): number | undefined {
    const { ttlMs } = this.options;
    if (ttlMs === undefined) return undefined;
    return ttlMs + (due === undefined ? putAt : 'at' in due ? due.at : putAt + due.afterMs);
  }

  #refuse(messages: number): void {
    this.admit();
    if (messages === 0) throw new NothingToPutError(this.channel.name);
    if (messages > 1) this.#refuseOneId();
  }

  #refuseOneId(): void {
    if (this.options.id === undefined) return;
    throw new InvalidOptionError('id', 'id: several messages cannot share one; put them one by one, each with({ id: … }) of its own');
  }

  #seal(id: string, rest: string, text: string): string {
    if (this.channel.wire !== 'plain') return `#${id}${rest}${text}`;
    if (open(text).header) throw new NotSerializableError('', 'text that begins like a header of ours', "it would lose its first line; use wire: 'hotqueue' for it");
    return text;
  }
}

/** One call of put on its way: one object, as a closure for each outcome would cost as much as the rest. */
class PutCall<T> implements PutRequest {
  givenUpAt = 0;

  constructor(
    private readonly channel: Channel,
    private readonly jobs: Job<T> | Job<T>[],
    readonly messages: string | readonly string[],
    readonly lane: PutLane,
    readonly due: Due | undefined,
    readonly knownForMs: number | undefined,
    private readonly give: (jobs: Job<T> | Job<T>[]) => void,
    readonly reject: (error: unknown) => void,
  ) {}

  get ids(): string[] {
    return Array.isArray(this.jobs) ? this.jobs.map(({ id }) => id) : [this.jobs.id];
  }

  resolve(isDuplicate: boolean): void {
    const { events, name } = this.channel;
    // A listener that throws is an uncaught exception, as everywhere in Node, and no failure of other calls.
    if (!isDuplicate && events.listenerCount('put') > 0) queueMicrotask(() => events.emit('put', { queue: name, ids: this.ids }));
    this.give(this.knownForMs === undefined ? this.jobs : marked(this.jobs, isDuplicate));
  }
}

function marked<T>(jobs: Job<T> | Job<T>[], duplicate: boolean): Job<T> | Job<T>[] {
  return Array.isArray(jobs) ? jobs.map((job) => ({ ...job, duplicate })) : { ...jobs, duplicate };
}

/** What follows the id of a message that was never tried. */
function restOf(fields: string): string {
  return headerLine({ id: '', attempts: 0, crashes: 0, fields }).slice(1);
}

/** Of what may still be on its way: a promise only where one is. */
function inStep<E>(all: readonly (E | Promise<E>)[]): readonly E[] | Promise<E[]> {
  return all.some((one) => one instanceof Promise) ? Promise.all(all) : (all as readonly E[]);
}

/** When messages are to be ready; `undefined` for now. */
function dueOf({ delayMs = 0, at }: Putting, now: number): Due | undefined {
  if (at !== undefined) return at > now ? { at } : undefined;
  return delayMs > 0 ? { afterMs: delayMs } : undefined;
}
