import type { Job } from '../core/job.js';
import { madeAt } from '../wire/id.js';
import { open } from '../wire/envelope.js';
import type { QueueContext } from '../redis/queue-context.js';

/** The next waiting messages as jobs. Skips invalid messages: a worker would bury them, so they never become a job. */
export async function peek<T>({ name, payload, broker }: QueueContext<T>, most: number): Promise<Job<T>[]> {
  const messages = await broker.peek(most, { withinMs: 10_000 });
  const jobs = await Promise.all(
    messages.map(async (message): Promise<Job<T>[]> => {
      const { header, text } = open(message);
      try {
        const id = header?.id ?? '';
        return [{ id, queue: name, payload: await payload.decode(text), putAt: madeAt(id) ?? Date.now() }];
      } catch {
        return [];
      }
    }),
  );
  return jobs.flat();
}
