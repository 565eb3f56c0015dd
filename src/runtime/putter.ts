import type { Job } from '../contract/job.js';
import { NothingToPutError, NotSerializableError } from '../contract/errors.js';
import { fieldsOf, headerLine, open, type MessageOptions } from '../message/envelope.js';
import { newId } from '../message/ids.js';
import type { Encoded } from '../message/payload.js';
import type { Channel } from './channel.js';
import type { Producer } from './producer.js';

/** A spread array may hold one, or none: use {@link Putter.putAll} when its jobs matter. */
export type Jobs<T, N extends readonly unknown[]> = N extends readonly [unknown] ? Job<T> : number extends N['length'] ? Job<T> | Job<T>[] : Job<T>[];

/** Where messages are put: a queue, or a queue `with` options. */
export interface Putter<T, In> {
  /**
   * Stores in order; awaiting it means Redis has it. One message gives a job, several an array of them.
   *
   * @throws InvalidPayloadError, NotSerializableError, NothingToPutError before anything is sent; OutcomeUnknownError
   */
  put<N extends unknown[]>(...messages: { [K in keyof N]: In }): Promise<Jobs<T, N>>;
  /** Always an array, empty for none; takes anything iterable, also asynchronously, and stores it in batches of up to 1,000. */
  putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T>[]>;
}

const batchSize = 1_000;

export class ChannelPutter<T, In> implements Putter<T, In> {
  readonly #fields: string;

  /** @param admit throws when nothing may be put any more */
  constructor(
    private readonly channel: Channel<T>,
    private readonly producer: Producer,
    options: MessageOptions,
    private readonly admit: () => void,
  ) {
    this.#fields = fieldsOf(options);
  }

  async put<N extends unknown[]>(...messages: { [K in keyof N]: In }): Promise<Jobs<T, N>> {
    if (messages.length === 0) throw new NothingToPutError(this.channel.name);
    const jobs = await this.#store(messages);
    return (jobs.length === 1 ? jobs[0] : jobs) as Jobs<T, N>;
  }

  async putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T>[]> {
    const jobs: Job<T>[] = [];
    let batch: In[] = [];
    for await (const message of messages) {
      if (batch.push(message) < batchSize) continue;
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
    const putAt = Date.now();
    const jobs = encoded.map((one) => ({ id: newId(), queue: name, payload: one.payload, putAt }));
    const ids = jobs.map(({ id }) => id);
    await this.producer.put(encoded.map(({ text }, index) => this.#seal(ids[index]!, text)), ids);
    events.emit('put', { queue: name, ids });
    return jobs;
  }

  #seal(id: string, text: string): string {
    if (this.channel.wire !== 'plain') return headerLine({ id, attempts: 0, crashes: 0, fields: this.#fields }) + text;
    if (open(text).header) throw new NotSerializableError('', 'text that begins like a header of ours', "it would lose its first line; use wire: 'hotqueue' for it");
    return text;
  }
}
