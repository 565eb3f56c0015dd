import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import { tenSeconds } from './reading.js';
import { blockMs, type RedisClient } from './redis-client.js';

/** An entry of the stream: its key, such as `1700000000000-0`, and its fields. */
export interface StoredEntry {
  readonly key: string;
  readonly fields: Readonly<Record<string, string>>;
}

type Reply = [key: string, fields: string[] | null][];

/** Reads the history of a queue: a Redis stream. */
export class HistoryReader {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /** The newest entries from `to` back to `from`, newest first. `(` before a bound leaves it out. */
  async newest(from: string, to: string, most: number, patience: Patience = tenSeconds): Promise<StoredEntry[]> {
    const { history } = this.keys;
    return entriesIn(
      await this.connection.call((client) => client.xrevrange(history, to, from, 'COUNT', most), patience),
    );
  }

  /** The key of the newest entry; `0-0` if there is none. */
  async last(patience: Patience = tenSeconds): Promise<string> {
    return (await this.newest('-', '+', 1, patience))[0]?.key ?? '0-0';
  }

  /** The entries after this key, at most 100, on the connection for all commands. */
  async after(key: string, patience: Patience): Promise<StoredEntry[]> {
    const { history } = this.keys;
    return entriesIn(
      await this.connection.call((client) => client.xrange(history, `(${key}`, '+', 'COUNT', 100), patience),
    );
  }

  /** {@link after} on a connection of its own: waits up to 5 s for the first entry. */
  async waitAfter(line: RedisClient, key: string): Promise<StoredEntry[]> {
    const { history } = this.keys;
    const reply = await line.use((client) => client.xread('COUNT', 100, 'BLOCK', blockMs, 'STREAMS', history, key));
    return entriesIn(reply?.[0]?.[1]);
  }

  openLine(): Promise<RedisClient> {
    return this.connection.openClient();
  }

  // ---------------------------------------------------------------- groups

  /** Makes the group, if it does not exist. @param from it reads the entries after this key */
  async createGroup(group: string, from: string, patience: Patience): Promise<void> {
    const { history } = this.keys;
    await this.connection.call(async (client) => {
      await client.xgroup('CREATE', history, group, from, 'MKSTREAM').catch((error: unknown) => {
        if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
      });
    }, patience);
  }

  /** New entries for this consumer: waits up to 5 s for the first one. Redis gives each entry to one consumer of the group. */
  async waitForGroup(line: RedisClient, group: string, consumer: string, most: number): Promise<StoredEntry[]> {
    const { history } = this.keys;
    const reply = (await line.use<unknown>((client) =>
      client.xreadgroup('GROUP', group, consumer, 'COUNT', most, 'BLOCK', blockMs, 'STREAMS', history, '>'),
    )) as [string, Reply][] | null;
    return entriesIn(reply?.[0]?.[1]);
  }

  /** Takes entries over that a consumer of the group has had for longer than this without acknowledging them. */
  async takeOver(
    group: string,
    consumer: string,
    idleMs: number,
    most: number,
    patience: Patience,
  ): Promise<StoredEntry[]> {
    const { history } = this.keys;
    const found: StoredEntry[] = [];
    for (let cursor = '0-0'; ;) {
      const from = cursor;
      const [next, reply] = (await this.connection.call(
        (client) => client.xautoclaim(history, group, consumer, idleMs, from, 'COUNT', most - found.length),
        patience,
      )) as [string, (Reply[number] | null)[]];
      found.push(...entriesIn(reply));
      if (next === '0-0' || found.length >= most) return found;
      cursor = next;
    }
  }

  /** The entries that this consumer has and has not acknowledged, also those of an earlier process of this name. */
  async pending(group: string, consumer: string, after: string, patience: Patience): Promise<StoredEntry[]> {
    const { history } = this.keys;
    const reply = (await this.connection.call<unknown>(
      (client) => client.xreadgroup('GROUP', group, consumer, 'COUNT', 100, 'STREAMS', history, after),
      patience,
    )) as [string, Reply][] | null;
    return keysAndEntries(reply?.[0]?.[1]);
  }

  /** Entries are still being worked on: the time since their delivery starts anew. */
  async keep(group: string, consumer: string, keys: readonly string[], patience: Patience): Promise<void> {
    const { history } = this.keys;
    if (keys.length === 0) return;
    await this.connection.call(
      (client) => client.call('xclaim', history, group, consumer, 0, ...keys, 'JUSTID'),
      patience,
    );
  }

  async acknowledge(group: string, key: string, patience: Patience): Promise<void> {
    const { history } = this.keys;
    await this.connection.call((client) => client.xack(history, group, key), patience);
  }
}

/** Entries of a reply. Those that were trimmed meanwhile have no fields, and are left out. */
function entriesIn(reply: readonly (Reply[number] | null)[] | null | undefined): StoredEntry[] {
  return keysAndEntries(reply).filter(({ fields }) => 'verb' in fields);
}

function keysAndEntries(reply: readonly (Reply[number] | null)[] | null | undefined): StoredEntry[] {
  return (reply ?? []).flatMap((entry) => {
    if (!entry) return [];
    const [key, words] = entry;
    const fields: Record<string, string> = {};
    for (let at = 0; words && at < words.length; at += 2) fields[words[at]!] = words[at + 1]!;
    return [{ key, fields }];
  });
}
