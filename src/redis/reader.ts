// Longer than 250 lines: every command that reads a queue is here
import { InvalidOptionError } from '../core/errors.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import type { IoredisClient } from './redis-client.js';
import { claimsLayout, layout1Field } from './layouts.js';
import type { Lane } from './take.js';
import type { DeadLetterRef, QueueHints } from './transitions.js';

/** How many messages of a queue are in each state, and how many workers are registered. */
export interface StateCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly dead: number;
  readonly workers: number;
}

/** A delayed message as it is stored. */
export interface StoredDelayed {
  readonly id: string;
  /** Server time, Unix ms. */
  readonly dueAt: number;
  /** The lane that it goes to. */
  readonly lane: Lane;
  readonly message: string;
}

/** A dead letter as it is stored. */
export interface StoredDeadLetter extends DeadLetterRef {
  /** Why it was buried: see `wire/dead-letter-record.ts`. */
  readonly record: string;
  readonly message: Buffer;
}

/** A registered worker and the end of its lease, server time in Unix ms. */
export interface Lease {
  readonly worker: string;
  readonly endsAt: number;
}

const tenSeconds: Patience = { withinMs: 10_000 };

/**
 * Reads a queue in Redis, and changes nothing. Replies of Redis become named objects here. Every method waits for an unreachable
 * Redis for 10 s by default.
 */
export class Reader {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /** The time of the queue, Unix ms: the server's clock, except after that was set back. */
  async now(patience = tenSeconds): Promise<number> {
    return (await this.#time(patience)).now;
  }

  /** Names of all queues with this prefix, and what other programs added to that set. */
  async names(patience = tenSeconds): Promise<string[]> {
    const { names } = this.keys;
    try {
      return await this.#ask((client) => client.smembers(names), patience);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('WRONGTYPE'))) throw error;
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
    const paused = await this.#ask((client) => client.hget(this.keys.meta, 'paused'), patience);
    return paused === 'on' || (paused !== null && Number(paused) > (await this.now(patience)));
  }

  /** Whether the queue has delayed messages. */
  async hasDelayed(patience = tenSeconds): Promise<boolean> {
    return (await this.#ask((client) => client.exists(this.keys.delayed), patience)) === 1;
  }

  delayedCount(patience = tenSeconds): Promise<number> {
    return this.#ask((client) => client.zcard(this.keys.delayed), patience);
  }

  /** Delayed messages, the one that is due first at first. */
  async delayedPage(
    { offset, limit }: { offset: number; limit: number },
    patience = tenSeconds,
  ): Promise<StoredDelayed[]> {
    const { delayed, delayedMessages } = this.keys;
    const last = String(offset + limit - 1);
    const found = scored(await this.#ask((client) => client.zrange(delayed, offset, last, 'WITHSCORES'), patience));
    if (found.length === 0) return [];
    const ids = found.map(([id]) => id);
    const [entries, { ahead }] = await Promise.all([
      this.#ask((client) => client.hmget(delayedMessages, ...ids), patience),
      this.#time(patience),
    ]);
    return found.flatMap(([id, due], index) => storedDelayed(id, due, entries[index], ahead));
  }

  async delayedMessage(id: string, patience = tenSeconds): Promise<StoredDelayed | undefined> {
    const [due, entry, { ahead }] = await Promise.all([
      this.#ask((client) => client.zscore(this.keys.delayed, id), patience),
      this.#ask((client) => client.hget(this.keys.delayedMessages, id), patience),
      this.#time(patience),
    ]);
    return storedDelayed(id, due, entry, ahead)[0];
  }

  deadCount(patience = tenSeconds): Promise<number> {
    return this.#ask((client) => client.zcard(this.keys.dead), patience);
  }

  async deadPage(
    { offset, limit, order }: { offset: number; limit: number; order: 'newest' | 'oldest' },
    patience = tenSeconds,
  ): Promise<DeadLetterRef[]> {
    const { dead } = this.keys;
    const last = offset + limit - 1;
    const found = await this.#ask(
      (client) =>
        order === 'newest'
          ? client.zrevrange(dead, offset, last, 'WITHSCORES')
          : client.zrange(dead, offset, String(last), 'WITHSCORES'),
      patience,
    );
    return scored(found).map(deadLetterRef);
  }

  /** Dead letters that were buried between two times, the oldest first. @param skip how many of the oldest to leave out */
  async deadBetween(
    { from, to, skip, limit }: { from: string; to: string; skip: number; limit: number },
    patience = tenSeconds,
  ): Promise<DeadLetterRef[]> {
    const range = [from, to, 'WITHSCORES', 'LIMIT', skip, limit] as const;
    const found = await this.#ask((client) => client.zrangebyscore(this.keys.dead, ...range), patience);
    return scored(found).map(deadLetterRef);
  }

  async deadLetterRef(key: string, patience = tenSeconds): Promise<DeadLetterRef | undefined> {
    const at = await this.#ask((client) => client.zscore(this.keys.dead, key), patience);
    return at === null ? undefined : { key, at };
  }

  /** The dead letters that still exist. */
  async deadLetters(refs: readonly DeadLetterRef[], patience = tenSeconds): Promise<StoredDeadLetter[]> {
    if (refs.length === 0) return [];
    const keys = refs.map(({ key }) => key);
    const entries = await this.#ask((client) => client.hmgetBuffer(this.keys.deadMessages, ...keys), patience);
    return entries.flatMap((entry, index) => {
      if (!entry) return [];
      const end = entry.indexOf(10);
      const record = entry.toString('utf8', 0, Math.max(0, end));
      return [{ ...refs[index]!, record, message: entry.subarray(end + 1) }];
    });
  }

  // ---------------------------------------------------------------- workers

  /** Workers with their leases, the one that ends first at first. */
  async leases(patience = tenSeconds): Promise<Lease[]> {
    const found = await this.#ask((client) => client.zrange(this.keys.workers, 0, '-1', 'WITHSCORES'), patience);
    return scored(found).map(([worker, endsAt]) => ({ worker, endsAt: Number(endsAt) }));
  }

  /** The leases that end first, in their order; `endsInMs` is 0 or less for those that have ended. */
  async firstLeases(most: number, patience = tenSeconds): Promise<NonNullable<QueueHints['lease']>[]> {
    const [now, found] = await Promise.all([
      this.now(patience),
      this.#ask((client) => client.zrange(this.keys.workers, 0, String(most - 1), 'WITHSCORES'), patience),
    ]);
    return scored(found).map(([worker, endsAt]) => ({ worker, endsInMs: Math.ceil(Number(endsAt) - now) }));
  }

  /** The last heartbeat report of each worker: see `consumer/heartbeat-report.ts`. */
  heartbeats(patience = tenSeconds): Promise<Record<string, string>> {
    return this.#ask((client) => client.hgetall(this.keys.heartbeats), patience);
  }

  /** Attempts that ended, of all workers that ever joined, as far as they have reported them. */
  async attempts(patience = tenSeconds): Promise<{ done: number; failed: number }> {
    const [[done, failed], reports] = await Promise.all([
      this.#ask((client) => client.hmget(this.keys.meta, 'done', 'failed'), patience),
      this.#ask((client) => client.hvals(this.keys.heartbeats), patience),
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
    const fields = await this.#ask((client) => client.hkeys(key), patience);
    const inLayout1 = fields.filter((field) => layout1Field.test(field)).length;
    const takes = fields.flatMap((field) => /^a(\d+)$/.exec(field)?.[1] ?? []);
    if (takes.length === 0) return inLayout1;
    const states = await this.#ask((client) => client.hmget(key, ...takes.map((number) => `a${number}`)), patience);
    return takes.reduce((sum, number, place) => {
      const state = states[place];
      if (!state) return sum; // the take was settled after its fields were listed
      const [acknowledged = 0, size = 0] = state.split(' ').map(Number);
      return sum + size - acknowledged - fields.filter((field) => field.startsWith(`e${number}.`)).length;
    }, inLayout1);
  }

  /** Whether another worker of the same process holds a quarantined message, or held one when the process died. */
  async isQuarantinedElsewhere(worker: string, patience: Patience): Promise<boolean> {
    const process = await this.#ask((client) => client.hget(this.keys.registry, worker), patience);
    if (!process) return false;
    const holders = await this.#ask((client) => client.hkeys(this.keys.quarantineOf(process)), patience);
    return holders.some((holder) => holder !== worker);
  }

  /** The registered workers, also those of other layouts, and the layout of their claims. */
  async registry(patience = tenSeconds): Promise<{ readonly layout: string; readonly workers: readonly string[] }> {
    const { earlier, meta, registry } = this.keys;
    const [typeBefore, noted, registered] = await Promise.all([
      this.#ask((client) => client.type(earlier.registry), patience),
      this.#ask((client) => client.hget(meta, 'layout'), patience),
      this.#ask((client) => client.hkeys(registry), patience),
    ]);
    if (typeBefore === 'set')
      return { layout: '1', workers: await this.#ask((client) => client.smembers(earlier.registry), patience) };
    // The registry of the earlier layouts also exists while workers of this one are registered.
    const hasAny = typeBefore !== 'none' || registered.length > 0;
    const layout = (hasAny && noted) || claimsLayout;
    if (layout !== '2') return { layout, workers: registered };
    return { layout, workers: await this.#ask((client) => client.hkeys(earlier.registry), patience) };
  }

  /** As `queueTime` in `_lib.lua`. */
  async #time(patience: Patience): Promise<{ readonly now: number; readonly ahead: number }> {
    const [[seconds = 0, micros = 0], [time, before]] = await Promise.all([
      this.#ask((client) => client.time(), patience),
      this.#ask((client) => client.hmget(this.keys.meta, 'time', 'ahead'), patience),
    ]);
    const clock = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    const latest = Number(time ?? 0);
    const ahead = clock >= latest ? 0 : Math.max(Number(before ?? 0), latest - clock);
    return { now: clock + ahead, ahead };
  }

  #ask<T>(send: (client: IoredisClient) => Promise<T>, patience: Patience): Promise<T> {
    return this.connection.call(send, patience);
  }

  /** One command for each list of waiting messages, in the order in which a take reads them. Quarantine comes last: it may be skipped. */
  #eachList<T>(send: (client: IoredisClient, list: string) => Promise<T>, patience: Patience): Promise<T[]> {
    const { requeued, inbox, high, base, low, quarantine } = this.keys;
    const lists = [requeued, inbox, high, base, low, quarantine];
    return Promise.all(lists.map((list) => this.#ask((client) => send(client, list), patience)));
  }
}

/** Members of a sorted set with their scores, from the reply to WITHSCORES. */
function scored(reply: readonly string[]): [member: string, score: string][] {
  return Array.from({ length: reply.length / 2 }, (_, index) => [reply[2 * index]!, String(reply[2 * index + 1])]);
}

const deadLetterRef = ([key, at]: [string, string]): DeadLetterRef => ({ key, at });

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
