import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { queueTime, scored, tenSeconds } from './reading.js';
import type { Lane } from './take.js';

/** A delayed message as it is stored. */
export interface StoredDelayed {
  readonly id: string;
  /** Server time, Unix ms. */
  readonly dueAt: number;
  /** The lane that it goes to. */
  readonly lane: Lane;
  readonly message: string;
}

/** Reads the delayed messages of a queue. */
export class DelayedReader {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /** Whether the queue has anything that becomes due: delayed messages, schedules, messages in the outbox. One cheap command. */
  async isTimed(patience = tenSeconds): Promise<boolean> {
    const { delayed, schedules, outbox } = this.keys;
    return (await this.connection.call((client) => client.exists(delayed, schedules, outbox), patience)) > 0;
  }

  count(patience = tenSeconds): Promise<number> {
    return this.connection.call((client) => client.zcard(this.keys.delayed), patience);
  }

  /** Delayed messages, the one that is due first at first. */
  async page({ offset, limit }: { offset: number; limit: number }, patience = tenSeconds): Promise<StoredDelayed[]> {
    const { delayed, delayedMessages } = this.keys;
    const last = String(offset + limit - 1);
    const found = scored(
      await this.connection.call((client) => client.zrange(delayed, offset, last, 'WITHSCORES'), patience),
    );
    if (found.length === 0) return [];
    const ids = found.map(([id]) => id);
    const [entries, { ahead }] = await Promise.all([
      this.connection.call((client) => client.hmget(delayedMessages, ...ids), patience),
      queueTime(this.connection, this.keys, patience),
    ]);
    return found.flatMap(([id, due], index) => storedDelayed(id, due, entries[index], ahead));
  }

  async message(id: string, patience = tenSeconds): Promise<StoredDelayed | undefined> {
    const [due, entry, { ahead }] = await Promise.all([
      this.connection.call((client) => client.zscore(this.keys.delayed, id), patience),
      this.connection.call((client) => client.hget(this.keys.delayedMessages, id), patience),
      queueTime(this.connection, this.keys, patience),
    ]);
    return storedDelayed(id, due, entry, ahead)[0];
  }
}

/** Empty if the message was promoted between the two commands that read its due time and its content. */
function storedDelayed(
  id: string,
  due: string | null,
  entry: string | null | undefined,
  ahead: number,
): StoredDelayed[] {
  if (due === null || typeof entry !== 'string') return [];
  return [{ id, dueAt: Number(due) - ahead, lane: entry[0] as Lane, message: entry.slice(1) }];
}
