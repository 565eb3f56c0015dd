import type { PutOptions } from '../core/options/put.js';
import type { Job } from '../jobs/job.js';

/**
 * What `put` resolves to: a job for one message, an array of jobs for several. A spread array may hold one message, or none: use
 * {@link Publisher.putAll} when its jobs matter.
 */
export type PutResult<T, N extends readonly unknown[], R = unknown> = N extends readonly [unknown]
  ? Job<T, R>
  : number extends N['length']
    ? Job<T, R> | Job<T, R>[]
    : Job<T, R>[];

/**
 * Refuses put options behind a message, where other queues have them: the compiler prints what to write. The first key is
 * never given, so this accepts nothing.
 */
export type OptionsGoToWith = { readonly 'put options go to queue.with(options).put(message)': never } & {
  readonly [K in keyof PutOptions]?: `queue.with({ ${K} }).put(message)`;
};

/** Arguments of `put`: every one is a message. */
export type PutArguments<In, N extends readonly unknown[]> = {
  [K in keyof N]: K extends '0' ? In : In | OptionsGoToWith;
};

/** Where messages are put: a queue, or a queue `with` options. */
export interface Publisher<T, In, R = unknown> {
  /**
   * Stores messages in order. Its promise resolves when Redis has them: all of them, or it rejects and has none. One message gives
   * a job, several give an array of jobs; use {@link putAll} for an array. With an id of your own, the job says whether it is a
   * `duplicate`.
   *
   * @throws InvalidOptionError when the last of several messages has only names of put options; InvalidPayloadError, NotSerializableError, NothingToPutError before anything is sent; QueueFullError, RedisFullError when
   *   nothing is stored; OutcomeUnknownError when Redis did not answer, and may have stored the messages
   * @example
   * const job = await images.put({ path: 'a.png', width: 200 });
   */
  put<N extends unknown[]>(...messages: PutArguments<In, N>): Promise<PutResult<T, N, R>>;
  /**
   * Stores every message of an array, an iterable or an async iterable, in batches of up to 1,000. Resolves to an array of jobs,
   * empty for none. Each batch is stored whole. When one fails, those before it stay stored.
   *
   * @throws as {@link put}
   * @example
   * await images.putAll(paths.map((path) => ({ path, width: 200 })));
   */
  putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T, R>[]>;
}
