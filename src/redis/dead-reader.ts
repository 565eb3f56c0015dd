import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { scored, tenSeconds } from './reading.js';
import type { DeadLetterRef } from './transitions.js';

/** A dead letter as it is stored. */
export interface StoredDeadLetter extends DeadLetterRef {
  /** Why it was buried: see `wire/dead-letter-record.ts`. */
  readonly record: string;
  readonly message: Buffer;
}

/** Reads the dead letters of a queue. */
export class DeadReader {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  count(patience = tenSeconds): Promise<number> {
    return this.connection.call((client) => client.zcard(this.keys.dead), patience);
  }

  async page(
    { offset, limit, order }: { offset: number; limit: number; order: 'newest' | 'oldest' },
    patience = tenSeconds,
  ): Promise<DeadLetterRef[]> {
    const { dead } = this.keys;
    const last = offset + limit - 1;
    const found = await this.connection.call(
      (client) =>
        order === 'newest'
          ? client.zrevrange(dead, offset, last, 'WITHSCORES')
          : client.zrange(dead, offset, String(last), 'WITHSCORES'),
      patience,
    );
    return scored(found).map(deadLetterRef);
  }

  /** Dead letters that were buried between two times, the oldest first. @param skip how many of the oldest to leave out */
  async between(
    { from, to, skip, limit }: { from: string; to: string; skip: number; limit: number },
    patience = tenSeconds,
  ): Promise<DeadLetterRef[]> {
    const range = [from, to, 'WITHSCORES', 'LIMIT', skip, limit] as const;
    const found = await this.connection.call((client) => client.zrangebyscore(this.keys.dead, ...range), patience);
    return scored(found).map(deadLetterRef);
  }

  async ref(key: string, patience = tenSeconds): Promise<DeadLetterRef | undefined> {
    const at = await this.connection.call((client) => client.zscore(this.keys.dead, key), patience);
    return at === null ? undefined : { key, at };
  }

  /** The dead letters that still exist. */
  async letters(refs: readonly DeadLetterRef[], patience = tenSeconds): Promise<StoredDeadLetter[]> {
    if (refs.length === 0) return [];
    const keys = refs.map(({ key }) => key);
    const entries = await this.connection.call(
      (client) => client.hmgetBuffer(this.keys.deadMessages, ...keys),
      patience,
    );
    return entries.flatMap((entry, index) => {
      if (!entry) return [];
      const end = entry.indexOf(10);
      const record = entry.toString('utf8', 0, Math.max(0, end));
      return [{ ...refs[index]!, record, message: entry.subarray(end + 1) }];
    });
  }
}

const deadLetterRef = ([key, at]: [string, string]): DeadLetterRef => ({ key, at });
