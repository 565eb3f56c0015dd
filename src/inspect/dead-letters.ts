import { InvalidOptionError } from '../core/errors.js';
import { emit } from '../core/events.js';
import { hasEnded, jobStatuses } from '../core/job.js';
import { a, checkOptions, type OptionSchema } from '../core/options/schema.js';
import { describe } from '../core/shown.js';
import { newId } from '../wire/id.js';
import type { DeadLetterRef } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import { chosen, letterOf, type DeadLetter, type DeadLetterFilter } from './dead-letter.js';
import { tenSeconds } from '../redis/reading.js';

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
    return this.context.broker.reader.dead.count();
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
    return this.#read(await this.context.broker.reader.dead.page({ limit, offset, order }));
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

  async #some(verb: LetterVerb, which: DeadLetterFilter): Promise<number> {
    if (typeof which === 'object') {
      const { where } = checkOptions(`dead.${verb}() on queue "${this.context.name}"`, which, whichTable);
      if (where) return this.#pages(verb, async (page) => chosen(await this.#read(page), where));
    }
    this.context.admit();
    const one = await this.#find(which as string, verb);
    return one ? this.#emit(verb, await this.#act(verb, [one])) : 0;
  }

  /**
   * Revives or drops, page by page, the dead letters that `choose` returns.
   *
   * Stops at the dead letter that was the newest at the start. Without this bound, a revived message that fails again at once
   * would be revived in an endless loop.
   */
  async #pages(
    verb: LetterVerb,
    choose: (page: readonly DeadLetterRef[]) => readonly DeadLetterRef[] | Promise<readonly DeadLetterRef[]>,
  ): Promise<number> {
    this.context.admit();
    const { reader } = this.context.broker;
    const [newest] = await reader.dead.page({ offset: 0, limit: 1, order: 'newest' });
    let count = 0;
    try {
      // A page starts at the last burial time seen, and skips the letters of that time which were not chosen. An offset by rank
      // would skip letters, because every removal changes the ranks.
      for (let from = '-inf', stayed = 0; newest;) {
        const page = await reader.dead.between({ from, to: newest.at, skip: stayed, limit: pageSize });
        const last = page.at(-1);
        if (!last) break;
        const gone = new Set((await choose(page)).map(({ key }) => key));
        if (gone.size > 0)
          count += await this.#act(
            verb,
            page.filter(({ key }) => gone.has(key)),
          );
        stayed =
          (last.at === from ? stayed : 0) + page.filter(({ key, at }) => at === last.at && !gone.has(key)).length;
        from = last.at;
      }
    } finally {
      // A later page may fail, because "where" throws or Redis does not answer. The earlier pages are changed all the same.
      this.#emit(verb, count);
    }
    return count;
  }

  async #act(verb: LetterVerb, letters: readonly DeadLetterRef[]): Promise<number> {
    const { broker, wire } = this.context;
    const ids = letters.map(({ key }) => key);
    // The records of jobs whose workers died do not say yet that they have failed. Without the letter, they would be waiting.
    await broker.jobs.mendIf(ids, openStatuses);
    if (verb === 'drop') return broker.drop(letters, newId(), tenSeconds);
    const revived = await broker.revive(letters, wire, newId(), tenSeconds);
    if (revived > 0) await broker.jobs.revive(ids, tenSeconds);
    return revived;
  }

  #emit(verb: LetterVerb, count: number): number {
    if (count > 0) emit(this.context.events, verb, { queue: this.context.name, count });
    return count;
  }

  async #find(key: string, verb: LetterVerb | 'get'): Promise<DeadLetterRef | undefined> {
    if (typeof key !== 'string' || key === '') {
      const others = verb === 'get' ? '' : ` or { where: (letter) => … }; for all dead letters call ${verb}All()`;
      throw new InvalidOptionError(
        'key',
        `dead.${verb}() on queue "${this.context.name}": invalid key ${describe(key)}: expected the key of a dead letter${others}`,
      );
    }
    return this.context.broker.reader.dead.ref(key);
  }

  async #read(buried: readonly DeadLetterRef[]): Promise<DeadLetter[]> {
    const stored = await this.context.broker.reader.dead.letters(buried);
    return stored.map((one) => letterOf(this.context.name, one));
  }
}

type LetterVerb = 'revive' | 'drop';
const openStatuses = jobStatuses.filter((status) => !hasEnded(status));
