import { InvalidOptionError, RedisRefusedError } from '../core/errors.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import type { IoredisClient } from './redis-client.js';
import { open } from '../wire/envelope.js';
import { claimsLayout, layout1Field } from './layouts.js';
import { DeadReader } from './dead-reader.js';
import { DelayedReader } from './delayed-reader.js';
import { queueTime, scored, tenSeconds } from './reading.js';
import type { QueueHints } from './transitions.js';

/** How many messages of a queue are in each state, and how many workers are registered. */
export interface StateCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly dead: number;
  readonly workers: number;
}

/** A registered worker and the end of its lease, server time in Unix ms. */
export interface Lease {
  readonly worker: string;
  readonly endsAt: number;
}

/**
 * Reads a queue in Redis, and changes nothing. Replies of Redis become named objects here. Every method waits for an unreachable
 * Redis for 10 s by default.
 */
export class Reader {
  readonly delayed: DelayedReader;
  readonly dead: DeadReader;

  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {
    this.delayed = new DelayedReader(connection, keys);
    this.dead = new DeadReader(connection, keys);
  }

  /** The time of the queue, Unix ms: the server's clock, except after that was set back. */
  async now(patience = tenSeconds): Promise<number> {
    return (await queueTime(this.connection, this.keys, patience)).now;
  }

  /** Names of all queues with this prefix, and what other programs added to that set. */
  async names(patience = tenSeconds): Promise<string[]> {
    const { names } = this.keys;
    try {
      return await this.connection.call((client) => client.smembers(names), patience);
    } catch (error) {
      if (!(error instanceof RedisRefusedError && error.reply === 'WRONGTYPE')) throw error;
      throw new InvalidOptionError(
        'prefix',
        `invalid prefix "${names}": another program, or a queue with this key, uses the key "${names}". Use another prefix`,
      );
    }
  }

  // ---------------------------------------------------------------- messages

  /** count: how many messages are in each state, at one moment. */
  async count(patience = tenSeconds): Promise<StateCounts> {
    const { workers, delayed, dead, waiting: lists } = this.keys;
    for (let known: readonly string[] = []; ;) {
      const keys = [workers, delayed, dead, ...lists, ...known.map((worker) => this.keys.claims(worker))];
      type Reply = [number, number, number, number, ...string[]];
      const reply = (await this.connection.script('count', keys, known, patience)) as Reply;
      const [waiting, postponed, buried, active, ...registered] = reply;
      if (active >= 0) return { waiting, delayed: postponed, dead: buried, active, workers: registered.length };
      known = registered;
    }
  }

  /** The first messages of each list and of the delayed ones: where they are, and their ids; `''` for a message without one. */
  async firsts(most: number, patience = tenSeconds): Promise<{ readonly place: string; readonly id: string }[]> {
    const places = ['a', 'inbox', 'h', 'b', 'l', 's']; // as #eachList reads them
    const lists = await this.#eachList((client, list) => client.lrange(list, 0, most - 1), patience);
    const waiting = lists.flatMap((messages, at) =>
      messages.map((message) => ({ place: places[at]!, id: open(message).header?.id ?? '' })),
    );
    const delayed = await this.connection.call(
      (client) => client.zrange(this.keys.delayed, 0, String(most - 1)),
      patience,
    );
    return [...waiting, ...delayed.map((id) => ({ place: 'd', id }))];
  }

  /** How many messages are waiting. */
  async size(patience = tenSeconds): Promise<number> {
    const lengths = await this.#eachList((client, list) => client.llen(list), patience);
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** The next waiting messages, in the order in which they will be taken. */
  async peek(most: number, patience = tenSeconds): Promise<string[]> {
    const heads = await this.#eachList((client, list) => client.lrange(list, 0, most - 1), patience);
    return heads.flat().slice(0, most);
  }

  /** The first message of each list of waiting messages that has one. */
  async heads(patience = tenSeconds): Promise<string[]> {
    const heads = await this.#eachList((client, list) => client.lindex(list, 0), patience);
    return heads.flatMap((head) => head ?? []);
  }

  async isPaused(patience = tenSeconds): Promise<boolean> {
    const paused = await this.connection.call((client) => client.hget(this.keys.meta, 'paused'), patience);
    return paused === 'on' || (paused !== null && Number(paused) > (await this.now(patience)));
  }

  // ---------------------------------------------------------------- workers

  /** Workers with their leases, the one that ends first at first. */
  async leases(patience = tenSeconds): Promise<Lease[]> {
    const found = await this.connection.call(
      (client) => client.zrange(this.keys.workers, 0, '-1', 'WITHSCORES'),
      patience,
    );
    return scored(found).map(([worker, endsAt]) => ({ worker, endsAt: Number(endsAt) }));
  }

  /** The leases that end first, in their order; `endsInMs` is 0 or less for those that have ended. */
  async firstLeases(most: number, patience = tenSeconds): Promise<NonNullable<QueueHints['lease']>[]> {
    const [now, found] = await Promise.all([
      this.now(patience),
      this.connection.call((client) => client.zrange(this.keys.workers, 0, String(most - 1), 'WITHSCORES'), patience),
    ]);
    return scored(found).map(([worker, endsAt]) => ({ worker, endsInMs: Math.ceil(Number(endsAt) - now) }));
  }

  /** The last heartbeat report of each worker: see `consumer/heartbeat-report.ts`. */
  heartbeats(patience = tenSeconds): Promise<Record<string, string>> {
    return this.connection.call((client) => client.hgetall(this.keys.heartbeats), patience);
  }

  /** Attempts that ended, of all workers that ever joined, as far as they have reported them. */
  async attempts(patience = tenSeconds): Promise<{ done: number; failed: number }> {
    const [[done, failed], reports] = await Promise.all([
      this.connection.call((client) => client.hmget(this.keys.meta, 'done', 'failed'), patience),
      this.connection.call((client) => client.hvals(this.keys.heartbeats), patience),
    ]);
    const sum = { done: Number(done ?? 0), failed: Number(failed ?? 0) };
    for (const report of reports) {
      const [doneHere, failedHere] = report.split(' ', 2);
      sum.done += Number(doneHere ?? 0);
      sum.failed += Number(failedHere ?? 0);
    }
    return sum;
  }

  /** How many active messages a worker has. Also reads layout 1, which has one field for each message. */
  async activeOf(worker: string, patience = tenSeconds): Promise<number> {
    const key = this.keys.claims(worker);
    const fields = await this.connection.call((client) => client.hkeys(key), patience);
    const inLayout1 = fields.filter((field) => layout1Field.test(field)).length;
    const takes = fields.flatMap((field) => /^a(\d+)$/.exec(field)?.[1] ?? []);
    if (takes.length === 0) return inLayout1;
    const states = await this.connection.call(
      (client) => client.hmget(key, ...takes.map((number) => `a${number}`)),
      patience,
    );
    return takes.reduce((sum, number, place) => {
      const state = states[place];
      if (!state) return sum; // the take was settled after its fields were listed
      const [acknowledged = 0, size = 0] = state.split(' ').map(Number);
      return sum + size - acknowledged - fields.filter((field) => field.startsWith(`e${number}.`)).length;
    }, inLayout1);
  }

  /** Whether another worker of the same process holds a quarantined message, or held one when the process died. */
  async isQuarantinedElsewhere(worker: string, patience: Patience): Promise<boolean> {
    const process = await this.connection.call((client) => client.hget(this.keys.registry, worker), patience);
    if (!process) return false;
    const holders = await this.connection.call((client) => client.hkeys(this.keys.quarantineOf(process)), patience);
    return holders.some((holder) => holder !== worker);
  }

  /** The registered workers, also those of other layouts, and the layout of their claims. */
  async registry(patience = tenSeconds): Promise<{ readonly layout: string; readonly workers: readonly string[] }> {
    const { earlier, meta, registry } = this.keys;
    const [typeBefore, noted, registered] = await Promise.all([
      this.connection.call((client) => client.type(earlier.registry), patience),
      this.connection.call((client) => client.hget(meta, 'layout'), patience),
      this.connection.call((client) => client.hkeys(registry), patience),
    ]);
    if (typeBefore === 'set')
      return {
        layout: '1',
        workers: await this.connection.call((client) => client.smembers(earlier.registry), patience),
      };
    // The registry of the earlier layouts also exists while workers of this one are registered.
    const hasAny = typeBefore !== 'none' || registered.length > 0;
    const layout = (hasAny && noted) || claimsLayout;
    if (layout !== '2') return { layout, workers: registered };
    return { layout, workers: await this.connection.call((client) => client.hkeys(earlier.registry), patience) };
  }

  /** One command for each list of waiting messages, in the order in which a take reads them. Quarantine comes last: it may be skipped. */
  #eachList<T>(send: (client: IoredisClient, list: string) => Promise<T>, patience: Patience): Promise<T[]> {
    const { requeued, inbox, high, base, low, quarantine } = this.keys;
    const lists = [requeued, inbox, high, base, low, quarantine];
    return Promise.all(lists.map((list) => this.connection.call((client) => send(client, list), patience)));
  }
}
