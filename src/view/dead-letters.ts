import { InvalidOptionError, type Violation } from '../contract/errors.js';
import { a, checkOptions, describe, type Table } from '../contract/options.js';
import { open } from '../message/envelope.js';
import { readFailures, type Failure } from '../message/failures.js';
import { newId } from '../message/ids.js';
import type { Buried } from '../redis/broker.js';
import type { Channel } from '../runtime/channel.js';

/** A message that was given up. */
export interface DeadLetter {
  readonly id: string;
  /** What `get`, `revive` and `drop` know it by: its id, with `~1` behind it when another letter has that id already. */
  readonly key: string;
  readonly queue: string;
  /** Such as `invalid payload`, `expired`, `failed 3 of 3 attempts`, or what `Bury` or `bury(reason)` was given. */
  readonly reason: string;
  readonly error: LetterError | undefined;
  /** How often it was tried. */
  readonly attempts: number;
  /** What its attempts failed of, oldest first: the last ten before the final one, and that. */
  readonly failures: readonly Failure[];
  /** Unix ms, the server's. */
  readonly buriedAt: number;
  /** The message as it lay in Redis, byte for byte. */
  readonly bytes: Buffer;
  /** The payload as it was stored. */
  readonly text: string;
}

export interface LetterError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly violations?: readonly Violation[];
}

export interface ListOptions {
  /** Most letters, up to 10,000; 100 by default. */
  limit?: number;
  /** How many to pass over; 0 by default. */
  offset?: number;
  /** By the time of burial; `'newest'` first by default. */
  order?: 'newest' | 'oldest';
}

/** Which letters: the one with this `key`, or those for which `where` answers true. */
export type Which = string | { where: (letter: DeadLetter) => boolean };

const patience = { withinMs: 10_000 };
/** Few enough that Redis is held up for no longer than by one take, also when they are large. */
const pageSize = 100;

const listTable: Table<Required<ListOptions>> = {
  limit: a.whole(1, 10_000),
  offset: a.whole(0, Number.MAX_SAFE_INTEGER),
  order: a.oneOf('newest', 'oldest'),
};
const whichTable: Table<{ where: (letter: DeadLetter) => boolean }> = { where: a.callback };

/** What a queue has given up: to be read, made messages again, or forgotten. */
export class DeadLetters {
  /** @param admit throws when nothing may be asked any more */
  constructor(
    private readonly channel: Channel,
    private readonly admit: () => void,
  ) {}

  async size(): Promise<number> {
    this.admit();
    const { connection, keys } = this.channel.broker;
    return connection.call((client) => client.zcard(keys.dead), patience);
  }

  async list(options?: ListOptions): Promise<DeadLetter[]> {
    this.admit();
    const { limit = 100, offset = 0, order = 'newest' } = checkOptions(`dead.list() on queue "${this.channel.name}"`, options, listTable);
    const { connection, keys } = this.channel.broker;
    const [first, last] = [offset, offset + limit - 1];
    const found = await connection.call(
      (client) => (order === 'newest' ? client.zrevrange(keys.dead, first, last, 'WITHSCORES') : client.zrange(keys.dead, first, String(last), 'WITHSCORES')),
      patience,
    );
    return this.#read(pairs(found));
  }

  /** One letter; `undefined` when there is none with this key. */
  async get(key: string): Promise<DeadLetter | undefined> {
    this.admit();
    const one = await this.#find(key, 'get');
    return one && (await this.#read([one]))[0];
  }

  /**
   * Makes letters messages again, oldest first, at the tail of the lane that they were taken from: under the same id, with
   * no attempts, crashes or failures counted, and without the `ttl` that they may have had. On a queue with `wire: 'plain'` they go
   * where its retried messages go, as bare JSON could not keep the id.
   *
   * @returns how many there were
   * @throws InvalidOptionError when `where` answers anything but true or false, before anything of that page is revived
   */
  revive(which: Which): Promise<number> {
    return this.#some('revive', which);
  }

  /** As {@link revive}, all that were buried before now. */
  reviveAll(): Promise<number> {
    return this.#pages('revive', (page) => page);
  }

  /** Forgets letters. @returns how many there were @throws InvalidOptionError as {@link revive} does */
  drop(which: Which): Promise<number> {
    return this.#some('drop', which);
  }

  /** As {@link drop}, all that were buried before now. */
  dropAll(): Promise<number> {
    return this.#pages('drop', (page) => page);
  }

  async #some(verb: Verb, which: Which): Promise<number> {
    if (typeof which === 'object') {
      const { where } = checkOptions(`dead.${verb}() on queue "${this.channel.name}"`, which, whichTable);
      if (where) return this.#pages(verb, async (page) => chosen(await this.#read(page), where));
    }
    this.admit();
    const one = await this.#find(which as string, verb);
    return one ? this.#tell(verb, await this.#act(verb, [one])) : 0;
  }

  /** Acts page by page on what `choose` gives back of each, and on nothing that is buried meanwhile: a message may fail again at once. */
  async #pages(verb: Verb, choose: (page: readonly Buried[]) => readonly Buried[] | Promise<readonly Buried[]>): Promise<number> {
    this.admit();
    const { connection, keys } = this.channel.broker;
    const [newest] = pairs(await connection.call((client) => client.zrevrange(keys.dead, 0, 0, 'WITHSCORES'), patience));
    let count = 0;
    // Each page begins at the last time that was seen, past those of that time which stayed: ranks move, times do not.
    for (let from = '-inf', stayed = 0; newest; ) {
      const range = [from, newest.at, 'WITHSCORES', 'LIMIT', stayed, pageSize] as const;
      const page = pairs(await connection.call((client) => client.zrangebyscore(keys.dead, ...range), patience));
      const last = page.at(-1);
      if (!last) break;
      const gone = new Set((await choose(page)).map(({ key }) => key));
      if (gone.size > 0) count += await this.#act(verb, page.filter(({ key }) => gone.has(key)));
      stayed = (last.at === from ? stayed : 0) + page.filter(({ key, at }) => at === last.at && !gone.has(key)).length;
      from = last.at;
    }
    return this.#tell(verb, count);
  }

  #act(verb: Verb, letters: readonly Buried[]): Promise<number> {
    const { broker, wire } = this.channel;
    return verb === 'revive' ? broker.revive(letters, wire, newId(), patience) : broker.drop(letters, newId(), patience);
  }

  #tell(verb: Verb, count: number): number {
    if (count > 0) this.channel.events.emit(verb, { queue: this.channel.name, count });
    return count;
  }

  async #find(key: string, verb: Verb | 'get'): Promise<Buried | undefined> {
    if (typeof key !== 'string' || key === '') {
      const others = verb === 'get' ? '' : `, { where: (letter) => … }, or call ${verb}All()`;
      throw new InvalidOptionError('key', `dead.${verb}() on queue "${this.channel.name}": ${describe(key)} will not do; give the key of a letter${others}`);
    }
    const { connection, keys } = this.channel.broker;
    const at = await connection.call((client) => client.zscore(keys.dead, key), patience);
    return at === null ? undefined : { key, at };
  }

  async #read(buried: readonly Buried[]): Promise<DeadLetter[]> {
    if (buried.length === 0) return [];
    const { connection, keys } = this.channel.broker;
    const entries = await connection.call((client) => client.hmgetBuffer(keys.deadMessages, ...buried.map(({ key }) => key)), patience);
    return entries.flatMap((entry, index) => (entry ? [letterOf(this.channel.name, buried[index]!, entry)] : []));
  }
}

type Verb = 'revive' | 'drop';

function pairs(reply: readonly string[]): Buried[] {
  return Array.from({ length: reply.length / 2 }, (_, index) => ({ key: reply[2 * index]!, at: String(reply[2 * index + 1]) }));
}

function chosen(letters: readonly DeadLetter[], where: (letter: DeadLetter) => boolean): Buried[] {
  const wanted = letters.filter((letter) => {
    const answer: unknown = where(letter);
    if (typeof answer === 'boolean') return answer;
    // An async function answers a promise, which is as good as true: it would choose all of them.
    throw new InvalidOptionError('where', `where: it answered ${describe(answer)} for letter ${letter.key}; give a function that answers true or false, not an async one`);
  });
  return wanted.map(({ key, buriedAt }) => ({ key, at: String(buriedAt) }));
}

interface Record {
  readonly reason: string;
  readonly attempts: number;
  readonly error?: LetterError;
}

/** One that no worker of ours wrote must not hide the others. */
function recordIn(line: string): Record {
  try {
    const record = JSON.parse(line) as Record | null;
    if (record && typeof record === 'object') return record;
  } catch {
    // not JSON
  }
  return { reason: 'unknown: its record cannot be read', attempts: 0 };
}

function letterOf(queue: string, { key, at }: Buried, entry: Buffer): DeadLetter {
  const end = entry.indexOf(10);
  const { reason, attempts, error } = recordIn(entry.toString('utf8', 0, Math.max(0, end)));
  const bytes = entry.subarray(end + 1);
  const { header, failures, text } = open(bytes.toString('utf8'));
  const buriedAt = Number(at);
  const before = failures === '' ? [] : readFailures(failures);
  const last = error ? [{ attempt: attempts, at: buriedAt, name: error.name, message: error.message }] : [];
  return { id: header?.id ?? key, key, queue, reason, error, attempts, failures: [...before, ...last], buriedAt, bytes, text };
}
