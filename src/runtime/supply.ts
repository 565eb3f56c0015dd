import { admit, decide, ended, policyFor, settle, type Refused } from './attempt.js';
import type { Channel } from './channel.js';
import type { Claim } from './claim.js';
import { Delivery } from './delivery.js';
import { Fetcher } from './fetcher.js';
import { Pace } from './pace.js';
import { defaultPolicy, type RetryPolicy } from './retry-policy.js';

/** A valid message that a loop has taken. */
export interface Hold<T> {
  readonly claim: Claim;
  readonly delivery: Delivery<T>;
}

/** How long a loop waits for messages, and for Redis. The owner of a {@link Supply} may change it between two calls. */
export interface Waiting {
  /** Ends the wait when it aborts. */
  ended: AbortSignal;
  /** Ms without a message after which the wait ends; no limit if absent. */
  waitMs: number | undefined;
}

const settlePatienceMs = 30_000;
/** Prefetched messages go back when the current message takes this long, because another worker may be free. */
const longestWaitMs = 250;

/**
 * Prefetch buffer of a loop: valid messages, in order.
 *
 * It claims the messages that the loop will ask for within about 20 ms, judged by the duration of its body so far: none ahead
 * if the body is slow, hundreds if it is fast.
 */
export class Supply<T> {
  readonly #fetcher: Fetcher;
  readonly #pace = new Pace();
  /** Claimed and not yet handed to the loop: from `#next` on. */
  #claims: Claim[] = [];
  #next = 0;
  #handedAt: number | undefined;
  #isWatched = false;
  readonly #beforeRelease = (): void => void this.#giveBackAhead();
  #returning: Promise<void> | undefined;

  constructor(
    private readonly channel: Channel<T>,
    private readonly waiting: Waiting,
  ) {
    const settling = { withinMs: settlePatienceMs };
    this.#fetcher = new Fetcher(channel, {
      settling,
      get taking() {
        return waiting.ended;
      },
    });
  }

  /**
   * Waits for the next message. `undefined` if the wait was aborted, or if no message came in time.
   *
   * @param most how many messages the loop may still ask for
   */
  async one(most: number): Promise<Hold<T> | undefined> {
    this.#tellPace();
    const hold = await this.#first(() => Math.min(most, 1 + this.#pace.ahead(1)));
    if (hold) this.#handOut(hold);
    return hold;
  }

  /** The next messages, up to `size`: waits for the first one, then for at most `lingerMs` for the others. */
  async several(size: number, lingerMs: number): Promise<Hold<T>[] | undefined> {
    for (;;) {
      const holds = await this.#gather(size, lingerMs);
      if (!holds || this.waiting.ended.aborted) return undefined; // `leave` gives them back
      // After a stall another worker may have them.
      if (!this.#fetcher.isProven) await this.#fetcher.giveBack(holds.map(({ claim }) => claim));
      const ours = holds.filter(({ claim }) => this.#fetcher.holds(claim));
      for (const hold of ours) this.#handOut(hold);
      if (ours.length > 0) return ours;
    }
  }

  /**
   * Settles a message when the loop asks for the next one: acknowledges it, unless the loop settled it or called `fail`.
   *
   * @returns nothing for an acknowledgement: Redis gets it together with others, and `leave` waits for it
   */
  done({ claim, delivery }: Hold<T>): Promise<void> | undefined {
    return settle(claim, decide(ended(delivery), claim.attempt, policyFor(claim, defaultPolicy)));
  }

  /** Whether an acknowledgement waits until Redis has answered an earlier one. */
  get hasUnsent(): boolean {
    return this.#fetcher.acks.hasUnsent;
  }

  /** {@link done} for many messages. Resolves when all that are retried or buried are settled. */
  async allDone(holds: readonly Hold<T>[]): Promise<void> {
    const settling: Promise<void>[] = [];
    for (const hold of holds) {
      const settled = this.done(hold);
      if (settled) settling.push(settled);
    }
    await Promise.all(settling);
  }

  /**
   * Leaves the queue. The active messages of the loop go back to the head, in front of the prefetched messages. Those that it
   * reported with `fail` are retried or buried.
   */
  async leave(inHand: readonly Hold<T>[]): Promise<void> {
    const held = inHand.filter(({ claim }) => !claim.settledBy);
    const failed = this.allDone(held.filter(({ delivery }) => delivery.failure));
    const newestFirst = held.filter(({ delivery }) => !delivery.failure).reverse();
    await Promise.allSettled([failed, ...newestFirst.map(({ claim }) => claim.release())]);
    await this.#fetcher.leave(); // also gives back all other claims
  }

  get #ahead(): number {
    return this.#claims.length - this.#next;
  }

  /**
   * The next valid message. Buries invalid and expired messages on the way.
   *
   * @param portion how many messages to claim if the buffer is empty
   */
  async #first(portion: () => number): Promise<Hold<T> | undefined> {
    const { ended: over, waitMs } = this.waiting;
    let idleSince = Date.now();
    while (!over.aborted) {
      const found = this.#claim(portion);
      const claim = found instanceof Promise ? await found : found;
      if (claim) {
        const checked = this.#checked(claim);
        const delivery = checked instanceof Promise ? await checked : checked;
        if (delivery) return { claim, delivery };
        idleSince = Date.now();
        continue;
      }
      const leftMs = waitMs === undefined ? Infinity : idleSince + waitMs - Date.now();
      if (leftMs <= 0) return undefined;
      await this.#idle(leftMs);
    }
    return undefined;
  }

  async #gather(size: number, lingerMs: number): Promise<Hold<T>[] | undefined> {
    const first = await this.#first(() => size);
    if (!first) return undefined;
    const holds = [first];
    const until = performance.now() + lingerMs;
    for (let isOver = lingerMs === 0; holds.length < size && !this.waiting.ended.aborted; ) {
      if (this.#ahead === 0 && isOver) break;
      if (this.#ahead === 0) isOver = performance.now() >= until; // then this is the last look
      const found = this.#claim(() => size - holds.length);
      const claim = found instanceof Promise ? await found : found;
      const checked = claim && this.#checked(claim);
      const delivery = checked instanceof Promise ? await checked : checked;
      if (claim && delivery) holds.push({ claim, delivery });
      if (!claim && !isOver) await this.#idle(until - performance.now());
    }
    return holds;
  }

  /** Resolves when a message may be waiting, when the wait is aborted, or after `timeoutMs`. */
  async #idle(timeoutMs: number): Promise<void> {
    const { ended: over } = this.waiting;
    const poke = (): void => this.#fetcher.poke();
    over.addEventListener('abort', poke);
    try {
      if (!over.aborted) await this.#fetcher.idle(timeoutMs);
    } finally {
      over.removeEventListener('abort', poke);
    }
  }

  /** Returns a prefetched claim at once if there is one. */
  #claim(portion: () => number): Claim | undefined | Promise<Claim | undefined> {
    return this.#ahead > 0 && this.#fetcher.isProven ? this.#claims[this.#next++] : this.#fetch(portion);
  }

  async #fetch(portion: () => number): Promise<Claim | undefined> {
    await this.#giveBackAhead(); // after a stall another worker may have them
    const claims = await this.#take(portion());
    this.#claims = claims;
    this.#next = Math.min(1, claims.length);
    return claims[0];
  }

  async #take(most: number): Promise<Claim[]> {
    try {
      return await this.#fetcher.take(most);
    } catch (error) {
      if (this.waiting.ended.aborted) return [];
      throw error;
    }
  }

  #checked(claim: Claim): Delivery<T> | Promise<Delivery<T> | undefined> {
    const policy = policyFor(claim, defaultPolicy);
    const admitted = admit(claim, this.channel.payload, policy);
    return admitted instanceof Delivery ? admitted : this.#unlessRefused(claim, admitted, policy);
  }

  async #unlessRefused(claim: Claim, admitting: Refused | Promise<Delivery<T> | Refused>, policy: RetryPolicy): Promise<Delivery<T> | undefined> {
    const admitted = await admitting;
    if (admitted instanceof Delivery) return admitted;
    await settle(claim, decide(admitted, claim.attempt, policy));
    return undefined;
  }

  #handOut({ claim }: Hold<T>): void {
    this.#handedAt = claim.beganAt = performance.now();
    claim.tell('take');
    if (this.#ahead === 0) return;
    claim.beforeRelease = this.#beforeRelease;
    this.#watch();
  }

  #tellPace(): void {
    if (this.#handedAt !== undefined) this.#pace.tell(performance.now() - this.#handedAt);
  }

  /** Resolves when the prefetched messages are back in the queue, so that the next take begins with them. */
  #giveBackAhead(): Promise<void> {
    if (this.#ahead === 0) return this.#returning ?? Promise.resolve();
    const claims = this.#claims.slice(this.#next);
    this.#claims = [];
    this.#next = 0;
    this.#returning = this.#fetcher.giveBack(claims);
    return this.#returning;
  }

  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    setTimeout(() => {
      this.#isWatched = false;
      if (this.#ahead === 0) return;
      const waitedMs = performance.now() - this.#handedAt!;
      if (waitedMs < longestWaitMs) return this.#watch();
      void this.#giveBackAhead();
    }, longestWaitMs).unref();
  }
}
