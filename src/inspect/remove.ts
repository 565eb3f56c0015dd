import type { QueueOptions } from '../core/options/queue.js';
import { newId } from '../wire/id.js';
import { findKeys, removeQueue } from '../redis/remove-queue.js';
import type { StateCounts } from '../redis/reader.js';
import { asking } from './queues.js';
import { tenSeconds } from '../redis/reading.js';

/** What a queue has: numbers of messages in each state, of registered workers, and of schedules, and of known ids that callers chose. */
export interface QueueContents extends StateCounts {
  readonly schedules: number;
  readonly ids: number;
}

/** What the removal of a queue deletes. @returns `undefined` if there is no such queue: neither a key of it nor its name */
export function contentsOf(name: string, address: QueueOptions): Promise<QueueContents | undefined> {
  return asking(name, address, async ({ reader, connection, keys }) => {
    const [counts, { workers, marks }, names, schedules] = await Promise.all([
      reader.count(tenSeconds),
      findKeys(connection, keys, tenSeconds),
      reader.names(tenSeconds),
      connection.call((client) => client.zcard(keys.schedules), tenSeconds),
    ]);
    const contents = { ...counts, schedules, ids: marks.length };
    const isThere = names.includes(name) || workers.length > 0 || Object.values(contents).some((count) => count > 0);
    return isThere ? contents : undefined;
  });
}

/**
 * Removes a queue: its messages, its dead letters, its schedules, its job records, its counts, the ids that it knows, and its name.
 *
 * @param isForced also if workers are registered, or messages are waiting, delayed, active or dead, or there are schedules
 * @returns whether it was removed
 */
export function remove(name: string, address: QueueOptions, isForced: boolean): Promise<boolean> {
  return asking(name, address, ({ connection, keys }) =>
    removeQueue(connection, keys, { request: newId(), isForced }, tenSeconds),
  );
}
