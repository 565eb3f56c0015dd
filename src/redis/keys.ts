import { InvalidNameError, InvalidOptionError } from '../contract/errors.js';

const nameForm = /^[A-Za-z0-9_.:-]{1,128}$/;

/** Every Redis key of one queue. The whole list, with types and content, is in `docs/protocol.md`. */
export class Keys {
  /** Ready messages, head first. The one key without braces: it is Python HotQueue's. */
  readonly base: string;
  readonly high: string;
  readonly low: string;
  /** Where the message that woke a waiter lands; every take drains it first. */
  readonly inbox: string;
  /** Messages with a header on a queue of bare JSON: a header in `base` would break Python's reader. */
  readonly again: string;
  /** Suspects: messages whose worker died so often that one more death buries them. A worker holds at most one. */
  readonly suspects: string;
  /** Due time in server ms → {@link delayedMessages}. */
  readonly delayed: string;
  readonly delayedMessages: string;
  /** Time of burial in server ms → {@link deadMessages}. */
  readonly dead: string;
  readonly deadMessages: string;
  /** Worker → end of its lease in server ms. */
  readonly workers: string;
  /** Hash: every worker that joined and neither left nor was recovered, so may have claims → its process. */
  readonly roll: string;
  /** Worker → what it said of itself with its last beat. */
  readonly reports: string;
  /** Worker → what somebody asks of it: `quiet`, `work` or `stop`. */
  readonly orders: string;
  /** `paused`, `seen` (last beat of anyone, server ms), `layout` (of claims), `watched` (until, server ms), `handled`, `failed`. */
  readonly meta: string;
  /** Names of all queues with this prefix. Another slot in a cluster, so no script may touch it. */
  readonly names: string;
  readonly #own: string;

  /**
   * @throws InvalidNameError for anything but 1 to 128 letters, digits and `_ . : -`
   * @throws InvalidOptionError for a prefix of another form
   */
  constructor(name: string, prefix = 'hotqueue') {
    if (typeof name !== 'string' || !nameForm.test(name)) throw new InvalidNameError(name);
    if (typeof prefix !== 'string' || !nameForm.test(prefix)) {
      throw new InvalidOptionError('prefix', `prefix: ${JSON.stringify(prefix)} cannot begin a Redis key: use letters, digits and _ . : -`);
    }
    this.base = `${prefix}:${name}`;
    // The braces make every key of a queue hash to the slot of its plain base key, so one script may touch them all.
    this.#own = `{${this.base}}:`;
    this.high = `${this.#own}high`;
    this.low = `${this.#own}low`;
    this.inbox = `${this.#own}inbox`;
    this.again = `${this.#own}again`;
    this.suspects = `${this.#own}suspects`;
    this.delayed = `${this.#own}delayed`;
    this.delayedMessages = `${this.#own}delayed:messages`;
    this.dead = `${this.#own}dead`;
    this.deadMessages = `${this.#own}dead:messages`;
    this.workers = `${this.#own}workers`;
    this.roll = `${this.#own}roll`;
    this.reports = `${this.#own}reports`;
    this.orders = `${this.#own}orders`;
    this.meta = `${this.#own}meta`;
    this.names = prefix;
  }

  /** Hash: what this worker holds; `scripts/_claims.lua` lists its fields. */
  claims(worker: string): string {
    return `${this.#own}claims:${worker}`;
  }

  /** Hash: workers of this process, of any queue, that hold a suspect; expires. Another slot in a cluster. */
  suspectsOf(process: string): string {
    return `{${this.names}}:suspects:${process}`;
  }

  /** String: number and outcome of this producer's last batch; expires. */
  producer(id: string): string {
    return `${this.#own}producer:${id}`;
  }

  /** String: which batch stored the message of this id, an id of the caller's own; expires with its window. */
  mark(id: string): string {
    return `${this.#own}id:${id}`;
  }

  /** String: the answer to a request that may be sent again; expires. */
  request(id: string): string {
    return `${this.#own}request:${id}`;
  }
}
