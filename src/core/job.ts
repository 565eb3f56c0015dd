/**
 * A message that is stored in Redis. `put` returns it.
 *
 * @example
 * const job = await images.put({ path: 'a.jpg', width: 800 });
 * console.log(job.id, job.queue, job.payload.path, new Date(job.putAt));
 */
export interface Job<T = unknown> {
  /** A new UUID of version 7, or the `id` option of the put. */
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  /** The payload that the handler will get, with defaults and transforms applied. */
  readonly payload: T;
  /** Time of the put, Unix ms, by the clock of the publishing machine. */
  readonly putAt: number;
  /** Only for a put with the `id` option. True: Redis knew the id already, and nothing was stored. */
  readonly duplicate?: boolean;
}
