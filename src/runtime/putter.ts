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

/**
 * Result of `put`: a job for one message, an array of jobs for several. A spread array has an unknown length, so its result
 * may be either: use {@link Putter.putAll} if you need its jobs.
 *
 * @example
 * ```ts
 * const job = await emails.put(first); // Job<Email>
 * const jobs = await emails.put(first, second); // Job<Email>[]
 * ```
 */
export type Jobs<T, N extends readonly unknown[]> = N extends readonly [unknown] ? Job<T> : number extends N['length'] ? Job<T> | Job<T>[] : Job<T>[];

/**
 * A publisher: a queue, or a queue `with` options for its messages.
 *
 * @example
 * ```ts
 * const urgent = emails.with({ priority: 'high', attempts: 5 });
 * await urgent.put({ to: 'ada@example.com' });
 * ```
 */
export interface Putter<T, In> {
  /**
   * Stores messages in order. When the promise resolves, Redis has all of them. They are stored together: all, or none.
   *
   * @returns a job for one message, an array of jobs for several. If you set an `id`, `job.duplicate` says
   *   whether Redis knew it
   * @throws InvalidPayloadError, NotSerializableError, NothingToPutError, QueueClosedError before anything is sent
   * @throws QueueFullError, RedisFullError, BufferFullError, RedisUnreachableError if nothing was stored
   * @throws OutcomeUnknownError if the messages may or may not have been stored
   * @example
   * ```ts
   * const { id } = await emails.put({ to: 'ada@example.com' });
   * ```
   */
  put<N extends unknown[]>(...messages: { [K in keyof N]: In }): Promise<Jobs<T, N>>;
  /**
   * Stores the messages of any iterable, also an asynchronous one, in batches of up to 1,000. Each batch is stored whole. If
   * one fails, the batches before it stay stored.
   *
   * @returns an array of jobs, empty if there are no messages
   * @throws InvalidOptionError if you set an `id`, which several messages cannot share; the errors of {@link put}
   * @example
   * ```ts
   * const jobs = await emails.putAll(addresses.map((to) => ({ to })));
   * ```
   */
  putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T>[]>;
}

const batchSize = 1_000;
const lanes: Record<Priority, PutLane> = { high: 'h', normal: 'b', low: 'l' };
const defaultKnownForMs = 86_400_000;

export class ChannelPutter<T, In> implements Putter<T, In> {
  readonly #batchSize: number;
  /** The header after the id, if it is the same for every message. */
  readonly #rest: string | undefined;

  /** @param admit throws if no more messages may be put */
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

  /**
   * Checks all messages before it sends the first. Creates one promise per call, because promises are most of the cost of a
   * put.
   */
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

  /** Ids of this library contain the time of the put. Other ids do not, so the header has it. */
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
    throw new InvalidOptionError('id', `invalid id "${this.options.id}": several messages cannot share one id. Put them one by one, each with its own: with({ id: … })`);
  }

  #seal(id: string, rest: string, text: string): string {
    if (this.channel.wire !== 'plain') return `#${id}${rest}${text}`;
    if (open(text).header) throw new NotSerializableError('', 'text that begins like a header of hotqueue', "its first line would be lost. Use wire: 'hotqueue'");
    return text;
  }
}

/** One call of put. It is one object, as closures for its results would cost as much as the rest. */
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
    // A listener that throws is an uncaught exception, as everywhere in Node. It must not reject other calls.
    if (!isDuplicate && events.listenerCount('put') > 0) queueMicrotask(() => events.emit('put', { queue: name, ids: this.ids }));
    this.give(this.knownForMs === undefined ? this.jobs : marked(this.jobs, isDuplicate));
  }
}

function marked<T>(jobs: Job<T> | Job<T>[], duplicate: boolean): Job<T> | Job<T>[] {
  return Array.isArray(jobs) ? jobs.map((job) => ({ ...job, duplicate })) : { ...jobs, duplicate };
}

/** The header after the id, for a message without attempts. */
function restOf(fields: string): string {
  return headerLine({ id: '', attempts: 0, crashes: 0, fields }).slice(1);
}

/** Returns a promise only if one of the elements is a promise. */
function inStep<E>(all: readonly (E | Promise<E>)[]): readonly E[] | Promise<E[]> {
  return all.some((one) => one instanceof Promise) ? Promise.all(all) : (all as readonly E[]);
}

/** When messages are due; `undefined` for now. */
function dueOf({ delayMs = 0, at }: Putting, now: number): Due | undefined {
  if (at !== undefined) return at > now ? { at } : undefined;
  return delayMs > 0 ? { afterMs: delayMs } : undefined;
}
