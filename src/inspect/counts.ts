import type { QueueContext } from '../redis/queue-context.js';

/**
 * How many messages a queue has in each state, read at one moment.
 *
 * @example
 * ```ts
 * const { waiting, delayed, active, dead } = await queue.counts();
 * console.log(`${waiting} waiting, ${delayed} delayed, ${active} active, ${dead} dead`);
 * ```
 */
export interface Counts {
  /** Messages that a worker can take now. The same number as `queue.size()`. */
  readonly waiting: number;
  /** Messages that are not due yet: put with a delay, or waiting for a retry. */
  readonly delayed: number;
  /** Active messages: a worker has taken them and has not settled them yet. */
  readonly active: number;
  /** Dead letters: messages that were buried and are kept with the reason. */
  readonly dead: number;
  /** Registered consumers and handlers. A `HotQueue` object that called `get` stays registered for two more seconds. */
  readonly workers: number;
  /**
   * Attempts that succeeded, since the queue exists.
   *
   * Each worker adds its attempts with its next heartbeat (every 10 s by default). If a worker dies, the attempts after its
   * last heartbeat are never added.
   */
  readonly done: number;
  /** Attempts that failed: the message was retried or buried. Added with heartbeats, as {@link done}. */
  readonly failed: number;
}

/** Reads the counts of a queue from its keys, and adds what the registered workers reported in their last heartbeats. */
export async function countsOf({ broker: { reader } }: QueueContext): Promise<Counts> {
  const [counts, attempts] = await Promise.all([reader.count(), reader.attempts()]);
  return { ...counts, ...attempts };
}
