import { InvalidOptionError } from '../contract/errors.js';
import { a, checkOptions, describe, type Table } from '../contract/options.js';
import { dueTable, oneDue, type DueOptions, type Priority } from '../contract/placement.js';
import { newId } from '../message/ids.js';
import { open } from '../message/envelope.js';
import type { Due } from '../redis/broker.js';
import type { Channel } from '../runtime/channel.js';

/** A message that is not due yet. */
export interface DelayedMessage {
  /** Names it in `get`, `cancel`, `move` and `promote`: the id of its job, with `~1` behind where that is taken. */
  readonly id: string;
  readonly queue: string;
  /** Unix ms, the server's. */
  readonly dueAt: number;
  readonly priority: Priority;
  /** How often it failed before; 0 for what was put with a delay. */
  readonly attempts: number;
  /** The payload as it was stored. */
  readonly text: string;
}

const patience = { withinMs: 10_000 };
const listTable: Table<{ limit: number; offset: number }> = { limit: a.whole(1), offset: a.whole(0, Number.MAX_SAFE_INTEGER) };

/** What of a queue is not due yet: put with a delay, or waiting for another attempt. */
export class DelayedMessages {
  constructor(private readonly channel: Channel) {}

  size(): Promise<number> {
    const { connection, keys } = this.channel.broker;
    return connection.call((client) => client.zcard(keys.delayed), patience);
  }

  /** The next to be due first, `limit` of them (100 by default) after the first `offset`. */
  async list(options?: { limit?: number; offset?: number }): Promise<DelayedMessage[]> {
    const { limit = 100, offset = 0 } = checkOptions(`delayed.list() on queue "${this.channel.name}"`, options, listTable);
    const { connection, keys } = this.channel.broker;
    const found = await connection.call((client) => client.zrange(keys.delayed, offset, String(offset + limit - 1), 'WITHSCORES'), patience);
    const ids = found.filter((_, index) => index % 2 === 0);
    if (ids.length === 0) return [];
    const entries = await connection.call((client) => client.hmget(keys.delayedMessages, ...ids), patience);
    return ids.flatMap((id, index) => this.#message(id, found[index * 2 + 1], entries[index]));
  }

  /** The one of this id; `undefined` when there is none, or it has become ready. */
  async get(id: string): Promise<DelayedMessage | undefined> {
    refuseNoId(id);
    const { connection, keys } = this.channel.broker;
    const [due, entry] = await Promise.all([
      connection.call((client) => client.zscore(keys.delayed, id), patience),
      connection.call((client) => client.hget(keys.delayedMessages, id), patience),
    ]);
    return this.#message(id, due, entry)[0];
  }

  /** Drops it. Redis goes on to know an id of the caller's own. @returns false when it was not there, or ready already */
  async cancel(id: string): Promise<boolean> {
    refuseNoId(id);
    return this.channel.broker.cancel(id, newId(), patience);
  }

  /** Makes it due at another time. @returns false when it was not there, or ready already */
  async move(id: string, due: DueOptions): Promise<boolean> {
    const where = `delayed.move() on queue "${this.channel.name}"`;
    return this.#move(id, oneDue(where, checkOptions(where, due, dueTable)));
  }

  /** Makes it ready now. @returns false when it was not there, or ready already */
  promote(id: string): Promise<boolean> {
    return this.#move(id, { afterMs: 0 });
  }

  async #move(id: string, due: Due): Promise<boolean> {
    refuseNoId(id);
    const { isMoved, ...news } = await this.channel.broker.move(id, due, newId(), patience);
    if (isMoved) this.channel.upkeep.owe(news);
    return isMoved;
  }

  /** None when it became ready between two looks. */
  #message(id: string, due: string | null | undefined, entry: string | null | undefined): DelayedMessage[] {
    if (typeof due !== 'string' || typeof entry !== 'string') return [];
    const priority = entry.startsWith('h') ? 'high' : entry.startsWith('l') ? 'low' : 'normal';
    const { header, text } = open(entry.slice(1));
    return [{ id, queue: this.channel.name, dueAt: Number(due), priority, attempts: header?.attempts ?? 0, text }];
  }
}

/** A job in place of its id is an easy slip, and would be found nowhere. */
function refuseNoId(id: unknown): void {
  if (typeof id !== 'string' || id === '') throw new InvalidOptionError('id', `id: ${describe(id)} is no id of a message; give job.id`);
}
