import { HistoryReader, type StoredEntry } from '../redis/history-reader.js';
import type { QueueContext } from '../redis/queue-context.js';
import { madeAt } from '../wire/id.js';
import { entryOf, type HistoryEntry } from './entry.js';
import { followAll } from './follow.js';
import { followGroup } from './group.js';
import { followOptions, readOptions, type HistoryFollowOptions, type HistoryReadOptions } from './options.js';

const pageSize = 1_000;
/** The clock that made an id may be this much ahead of the clock of Redis. */
const clockSlackMs = 600_000;

/**
 * The history of a queue: what happened to each message. `queue.history`. Only a queue with the option `history` writes one.
 *
 * @example
 * const orders = new HotQueue('orders', { history: { max: 100_000 } });
 * const job = await orders.put({ id: 7 });
 * for (const { at, verb } of await orders.history.read({ id: job.id })) console.log(new Date(at), verb);
 */
export class History {
  readonly #reader: HistoryReader;
  readonly #closing = new AbortController();

  /** @internal */
  constructor(private readonly context: QueueContext) {
    const { connection, keys } = context.broker;
    this.#reader = new HistoryReader(connection, keys);
  }

  /**
   * Entries of the history, oldest first: of those that match, the newest `limit`. With `id`, it reads back to the put of the message;
   * with other filters, up to the whole history.
   *
   * @throws QueueClosedError, InvalidOptionError, RedisUnreachableError
   *
   * @example
   * const failed = await orders.history.read({ verb: 'bury', since: '1d' });
   */
  async read(options: HistoryReadOptions = {}): Promise<HistoryEntry[]> {
    const { id, since, until, verb, limit = 100 } = readOptions(options);
    this.context.admit();
    const wanted = ({ fields }: StoredEntry): boolean =>
      (id === undefined || fields['id'] === id) && (verb === undefined || (verb as string[]).includes(fields['verb']!));
    const madeAtMs = id === undefined ? undefined : madeAt(id);
    const leastMs = madeAtMs === undefined ? 0 : madeAtMs - clockSlackMs;
    const found: StoredEntry[] = [];
    let to = until === undefined ? '+' : until.includes('-') ? `(${until}` : until;
    for (;;) {
      const page = await this.#reader.newest(since ?? '-', to, pageSize);
      for (const entry of page) {
        if (wanted(entry)) found.push(entry);
        if (found.length === limit) break;
      }
      const last = page.at(-1);
      const isOver = found.length === limit || page.length < pageSize || Number(last!.key.split('-')[0]) < leastMs;
      if (isOver) return found.reverse().map(entryOf);
      to = `(${last!.key}`;
    }
  }

  /**
   * A loop over the entries as they are written, in all processes. It has a connection of its own, and ends with `break`, `signal` or
   * `close()`.
   *
   * With `group` and `consumer`, Redis gives each entry to one consumer of the group. An entry is acknowledged when the loop asks for the
   * next one. What a consumer did not acknowledge, it gets again under the same name, or another consumer gets it after `claimAfter`.
   *
   * @throws QueueClosedError, InvalidOptionError; in the loop also RedisUnreachableError
   *
   * @example
   * for await (const { id, reason } of orders.history.follow({ group: 'alerts', consumer: hostname() })) await alert(id, reason);
   */
  follow(options: HistoryFollowOptions = {}): AsyncGenerator<HistoryEntry, void, undefined> {
    const { since, signal, group, consumer, claimAfter = 60_000 } = followOptions(options);
    this.context.admit();
    const ended = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    if (group === undefined || consumer === undefined) return followAll(this.#reader, since, ended);
    return followGroup(this.#reader, { group, consumer, claimAfterMs: claimAfter }, since, ended);
  }

  /** Ends all loops. @internal */
  close(): void {
    this.#closing.abort();
  }
}
