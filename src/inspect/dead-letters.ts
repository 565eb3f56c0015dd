import { InvalidOptionError, type Violation } from '../core/errors.js';
import { emit } from '../core/events.js';
import { a, checkOptions, describe, type OptionSchema } from '../core/options/schema.js';
import { readDeadLetterRecord } from '../wire/dead-letter-record.js';
import { open } from '../wire/envelope.js';
import { readFailures, type Failure } from '../wire/failures.js';
import { newId } from '../wire/id.js';
import type { StoredDeadLetter } from '../redis/reader.js';
import type { DeadLetterRef } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';

/**
 * A message that was buried. Redis keeps it with the reason until it is revived or dropped, or until there are too many or it
 * is too old (option `deadLetters` of the queue).
 *
 * @example
 * ```ts
 * for (const letter of await queue.dead.list()) {
 *   console.log(letter.key, letter.reason, letter.error?.message, letter.text);
 * }
 * ```
 */
export interface DeadLetter {
  /** Id of the message. Two dead letters can have the same id, but not the same `key`. */
  readonly id: string;
  /** Name of this dead letter in `get`, `revive` and `drop`: its id, plus `~` and a number if another dead letter has that id. */
  readonly key: string;
  /** Name of the queue. */
  readonly queue: string;
  /** Why it was buried: for example `invalid payload`, `expired`, `failed 3 of 3 attempts`, or the text given to `Bury` or `bury(reason)`. */
  readonly reason: string;
  /** The error that led to the burial; `undefined` if there was none. */
  readonly error: DeadLetterError | undefined;
  /** Number of attempts that it had. */
  readonly attempts: number;
  /** Errors of its attempts, oldest first: up to ten before the final one, then the final one. */
  readonly failures: readonly Failure[];
  /** Time of the burial: Unix ms, by the clock of the Redis server. */
  readonly buriedAt: number;
  /** The message exactly as it was stored in Redis, including its header line. */
  readonly bytes: Buffer;
  /** The payload as it was stored, not parsed: JSON text by default. */
  readonly text: string;
}

/**
 * The error that a {@link DeadLetter} keeps.
 *
 * @example
 * ```ts
 * const letter = await queue.dead.get(key);
 * for (const { path, message } of letter?.error?.violations ?? []) console.log(path, message);
 * ```
 */
export interface DeadLetterError {
  /** Class of the error, for example `TypeError`. */
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** The broken rules, for an invalid payload. */
  readonly violations?: readonly Violation[];
}

/**
 * Selects a page of dead letters for {@link DeadLetters.list}.
 *
 * @example
 * ```ts
 * await queue.dead.list({ limit: 50, offset: 50, order: 'oldest' }); // the second page of 50
 * ```
 */
export interface ListOptions {
  /** Most dead letters to return: 1 to 10,000. Default: 100. */
  limit?: number;
  /** Number of dead letters to skip. Default: 0. */
  offset?: number;
  /** Order by the time of burial. Default: `'newest'`, the newest first. */
  order?: 'newest' | 'oldest';
}

/**
 * Selects dead letters: the one with this `key`, or all for which `where` returns true. `where` must not be async.
 *
 * @example
 * ```ts
 * await queue.dead.revive(letter.key);
 * await queue.dead.drop({ where: (letter) => letter.error?.name === 'TimeoutError' });
 * ```
 */
export type DeadLetterFilter = string | { where: (letter: DeadLetter) => boolean };

const patience = { withinMs: 10_000 };
/** Dead letters per command. A larger page of large messages would block Redis for longer than one take does. */
const pageSize = 100;

const listTable: OptionSchema<Required<ListOptions>> = {
  limit: a.whole(1, 10_000),
  offset: a.whole(0, Number.MAX_SAFE_INTEGER),
  order: a.oneOf('newest', 'oldest'),
};
const whichTable: OptionSchema<{ where: (letter: DeadLetter) => boolean }> = { where: a.callback };

/**
 * The dead letters of a queue, as `queue.dead`: read them, put them back into the queue (revive), or delete them (drop).
 *
 * Every method throws QueueClosedError after `queue.close()`, and RedisUnreachableError if Redis does not answer for 10 s.
 *
 * @example
 * ```ts
 * const [newest] = await queue.dead.list({ limit: 1 });
 * if (newest) await queue.dead.revive(newest.key);
 * ```
 */
export class DeadLetters {
  constructor(private readonly context: QueueContext) {}

  /**
   * Number of dead letters.
   *
   * @example
   * ```ts
   * if ((await queue.dead.size()) > 0) console.warn('some messages are dead');
   * ```
   */
  async size(): Promise<number> {
    this.context.admit();
    return this.context.broker.reader.deadCount();
  }

  /**
   * One page of dead letters: the newest 100 by default.
   *
   * @throws InvalidOptionError for an unknown option or a value out of range
   * @example
   * ```ts
   * for (const { key, reason } of await queue.dead.list({ limit: 20 })) console.log(key, reason);
   * ```
   */
  async list(options?: ListOptions): Promise<DeadLetter[]> {
    this.context.admit();
    const {
      limit = 100,
      offset = 0,
      order = 'newest',
    } = checkOptions(`dead.list() on queue "${this.context.name}"`, options, listTable);
    return this.#read(await this.context.broker.reader.deadPage({ limit, offset, order }));
  }

  /**
   * The dead letter with this key, or `undefined` if there is none.
   *
   * @throws InvalidOptionError if `key` is not a string, or is empty
   * @example
   * ```ts
   * const letter = await queue.dead.get(job.id);
   * console.log(letter?.reason, letter?.failures);
   * ```
   */
  async get(key: string): Promise<DeadLetter | undefined> {
    this.context.admit();
    const one = await this.#find(key, 'get');
    return one && (await this.#read([one]))[0];
  }

  /**
   * Puts dead letters back into the queue, oldest first, so that workers handle them again.
   *
   * Each one goes to the tail of the lane (the list of its priority) that it was taken from, and keeps its id. Its counts of
   * attempts and crashes start at 0, its failures are removed, and so is its `ttl`. On a queue with `wire: 'plain'` it goes to
   * the list of retried messages, because bare JSON cannot carry the id.
   *
   * @param which the key of one dead letter, or `{ where }` for all that match
   * @returns how many were revived; 0 if none matches
   * @throws InvalidOptionError if the key is empty or not a string, or if `where` returns anything but true or false. Dead
   *   letters are processed in pages of 100: then nothing of the current page is revived, and earlier pages stay revived
   * @example
   * ```ts
   * await queue.dead.revive(letter.key);
   * await queue.dead.revive({ where: ({ reason }) => reason.startsWith('failed') });
   * ```
   */
  revive(which: DeadLetterFilter): Promise<number> {
    return this.#some('revive', which);
  }

  /**
   * Revives all dead letters that were buried before this call. See {@link revive}.
   *
   * @returns how many were revived
   * @example
   * ```ts
   * console.log(`${await queue.dead.reviveAll()} messages are back in the queue`);
   * ```
   */
  reviveAll(): Promise<number> {
    return this.#pages('revive', (page) => page);
  }

  /**
   * Deletes dead letters permanently.
   *
   * @param which the key of one dead letter, or `{ where }` for all that match
   * @returns how many were deleted; 0 if none matches
   * @throws InvalidOptionError as {@link revive} does
   * @example
   * ```ts
   * const dayAgo = Date.now() - 86_400_000;
   * await queue.dead.drop({ where: ({ buriedAt }) => buriedAt < dayAgo });
   * ```
   */
  drop(which: DeadLetterFilter): Promise<number> {
    return this.#some('drop', which);
  }

  /**
   * Deletes all dead letters that were buried before this call, permanently.
   *
   * @returns how many were deleted
   * @example
   * ```ts
   * await queue.dead.dropAll();
   * ```
   */
  dropAll(): Promise<number> {
    return this.#pages('drop', (page) => page);
  }

  async #some(verb: Verb, which: DeadLetterFilter): Promise<number> {
    if (typeof which === 'object') {
      const { where } = checkOptions(`dead.${verb}() on queue "${this.context.name}"`, which, whichTable);
      if (where) return this.#pages(verb, async (page) => chosen(await this.#read(page), where));
    }
    this.context.admit();
    const one = await this.#find(which as string, verb);
    return one ? this.#tell(verb, await this.#act(verb, [one])) : 0;
  }

  /**
   * Revives or drops, page by page, the dead letters that `choose` returns.
   *
   * Stops at the dead letter that was the newest at the start. Without this bound, a revived message that fails again at once
   * would be revived in an endless loop.
   */
  async #pages(
    verb: Verb,
    choose: (page: readonly DeadLetterRef[]) => readonly DeadLetterRef[] | Promise<readonly DeadLetterRef[]>,
  ): Promise<number> {
    this.context.admit();
    const { reader } = this.context.broker;
    const [newest] = await reader.deadPage({ offset: 0, limit: 1, order: 'newest' });
    let count = 0;
    // A page starts at the last burial time seen, and skips the letters of that time which were not chosen. An offset by rank
    // would skip letters, because every removal changes the ranks.
    for (let from = '-inf', stayed = 0; newest;) {
      const page = await reader.deadBetween({ from, to: newest.at, skip: stayed, limit: pageSize });
      const last = page.at(-1);
      if (!last) break;
      const gone = new Set((await choose(page)).map(({ key }) => key));
      if (gone.size > 0)
        count += await this.#act(
          verb,
          page.filter(({ key }) => gone.has(key)),
        );
      stayed = (last.at === from ? stayed : 0) + page.filter(({ key, at }) => at === last.at && !gone.has(key)).length;
      from = last.at;
    }
    return this.#tell(verb, count);
  }

  #act(verb: Verb, letters: readonly DeadLetterRef[]): Promise<number> {
    const { broker, wire } = this.context;
    return verb === 'revive'
      ? broker.revive(letters, wire, newId(), patience)
      : broker.drop(letters, newId(), patience);
  }

  #tell(verb: Verb, count: number): number {
    if (count > 0) emit(this.context.events, verb, { queue: this.context.name, count });
    return count;
  }

  async #find(key: string, verb: Verb | 'get'): Promise<DeadLetterRef | undefined> {
    if (typeof key !== 'string' || key === '') {
      const others = verb === 'get' ? '' : ` or { where: (letter) => … }; for all dead letters call ${verb}All()`;
      throw new InvalidOptionError(
        'key',
        `dead.${verb}() on queue "${this.context.name}": invalid key ${describe(key)}: expected the key of a dead letter${others}`,
      );
    }
    return this.context.broker.reader.deadLetterRef(key);
  }

  async #read(buried: readonly DeadLetterRef[]): Promise<DeadLetter[]> {
    const stored = await this.context.broker.reader.deadLetters(buried);
    return stored.map((one) => letterOf(this.context.name, one));
  }
}

type Verb = 'revive' | 'drop';

function chosen(letters: readonly DeadLetter[], where: (letter: DeadLetter) => boolean): DeadLetterRef[] {
  const wanted = letters.filter((letter) => {
    const answer: unknown = where(letter);
    if (typeof answer === 'boolean') return answer;
    // An async function returns a promise, which is truthy: it would choose every dead letter.
    throw new InvalidOptionError(
      'where',
      `invalid result of where: it returned ${describe(answer)} for dead letter ${letter.key}; return true or false, and do not use an async function`,
    );
  });
  return wanted.map(({ key, buriedAt }) => ({ key, at: String(buriedAt) }));
}

function letterOf(queue: string, { key, at, record, message: bytes }: StoredDeadLetter): DeadLetter {
  const { reason, attempts, error } = readDeadLetterRecord(record);
  const { header, failures, text } = open(bytes.toString('utf8'));
  const buriedAt = Number(at);
  const before = failures === '' ? [] : readFailures(failures);
  const last = error ? [{ attempt: attempts, at: buriedAt, name: error.name, message: error.message }] : [];
  return {
    id: header?.id ?? key,
    key,
    queue,
    reason,
    error,
    attempts,
    failures: [...before, ...last],
    buriedAt,
    bytes,
    text,
  };
}
