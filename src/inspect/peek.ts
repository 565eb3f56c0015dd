import type { JobFields } from '../core/job.js';
import { madeAt } from '../wire/id.js';
import { open, optionsOf } from '../wire/envelope.js';
import type { QueueContext } from '../redis/queue-context.js';

/**
 * A waiting message, as `queue.peek` returns it.
 *
 * @example
 * const [next] = await emails.peek();
 * if (next?.putAt) console.log(next.payload, `waits since ${new Date(next.putAt).toISOString()}`);
 */
export interface PeekedMessage<T = unknown> extends Omit<JobFields<T>, 'putAt' | 'duplicate'> {
  /** The id of the message; empty for one that another program put without a header. */
  readonly id: string;
  /** Time of the put, Unix ms, by the clock of the publishing machine. Absent if the message does not say it. */
  readonly putAt?: number;
}

/** The next waiting messages. Skips invalid messages: a worker would bury them, so no handler gets them. */
export async function peek<T>({ name, payload, broker }: QueueContext<T>, most: number): Promise<PeekedMessage<T>[]> {
  const messages = await broker.reader.peek(most);
  const jobs = await Promise.all(
    messages.map(async (message): Promise<PeekedMessage<T>[]> => {
      const { header, text } = open(message);
      try {
        const id = header?.id ?? '';
        const putAt = (header && optionsOf(header).putAt) ?? madeAt(id);
        return [{ id, queue: name, payload: await payload.decode(text), ...(putAt !== undefined && { putAt }) }];
      } catch {
        return [];
      }
    }),
  );
  return jobs.flat();
}
