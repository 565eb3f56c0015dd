import { admit, decide, ended, policyFor, settle, type Refused } from './attempt.js';
import type { Channel } from './channel.js';
import type { Claim } from './claim.js';
import { Delivery } from './delivery.js';
import { Fetcher } from './fetcher.js';
import { Pace } from './pace.js';
import { defaultPolicy, type RetryPolicy } from './retry-policy.js';

/** A valid message in the hands of a loop. */
export interface Hold<T> {
  readonly claim: Claim;
  readonly delivery: Delivery<T>;
}

/** How long a loop waits for messages, and for Redis. Whoever made a supply may change it between two questions. */
export interface Waiting {
  /** Ends it. */
  ended: AbortSignal;
  /** Ms without a message after which there is none; for ever when absent. */
  waitMs: number | undefined;
}

const settlePatienceMs = 30_000;
/** What was claimed ahead and stands behind the current message for so long goes back: somebody else may be free. */
const longestWaitMs = 250;

/**
 * What a loop of somebody's own takes: valid messages, in order. It claims ahead what the loop will ask for within about 20
 * ms, judged by how long it has been taking: nothing when its body is slow, hundreds when it is fast.
 */
export class Supply<T> {
  readonly #fetcher: Fetcher;
  readonly #pace = new Pace();
  /** Claimed, and not handed out: from `#next` on. */
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
   * The next message; waits for it. `undefined` when waiting ended, or nothing came in time.
   *
   * @param most how many the loop may still ask for
   */
  async one(most: number): Promise<Hold<T> | undefined> {
    this.#tellPace();
    const hold = await this.#first(() => Math.min(most, 1 + this.#pace.ahead(1)));
    if (hold) this.#handOut(hold);
    return hold;
  }

  /** The next up to `size` messages; waits for the first, then for at most `lingerMs` for the others. */
  async several(size: number, lingerMs: number): Promise<Hold<T>[] | undefined> {
    for (;;) {
      const holds = await this.#gather(size, lingerMs);
      if (!holds || this.waiting.ended.aborted) return undefined; // leaving gives them back
      // After a stall somebody else may have them.
      if (!this.#fetcher.isProven) await this.#fetcher.giveBack(holds.map(({ claim }) => claim));
      const ours = holds.filter(({ claim }) => this.#fetcher.holds(claim));
      for (const hold of ours) this.#handOut(hold);
      if (ours.length > 0) return ours;
    }
  }

  /**
   * The loop asked for the next: acknowledges, unless the message was settled by hand, or reported as failed.
   *
   * @returns nothing for an acknowledgement: it travels with others, and is waited for when the loop leaves
   */
  done({ claim, delivery }: Hold<T>): Promise<void> | undefined {
    return settle(claim, decide(ended(delivery), claim.attempt, policyFor(claim, defaultPolicy)));
  }

  /** Whether an acknowledgement waits for the answer to an earlier one. */
  get hasUnsent(): boolean {
    return this.#fetcher.acks.hasUnsent;
  }

  /** {@link done} for many; resolves when what is not acknowledged is settled. */
  async allDone(holds: readonly Hold<T>[]): Promise<void> {
    const settling: Promise<void>[] = [];
    for (const hold of holds) {
      const settled = this.done(hold);
      if (settled) settling.push(settled);
    }
    await Promise.all(settling);
  }

  /** Leaves. What the loop had in hand goes back to the head, before what it had not yet; what it reported as failed has failed. */
  async leave(inHand: readonly Hold<T>[]): Promise<void> {
    const held = inHand.filter(({ claim }) => !claim.settledBy);
    const failed = this.allDone(held.filter(({ delivery }) => delivery.failure));
    const newestFirst = held.filter(({ delivery }) => !delivery.failure).reverse();
    await Promise.allSettled([failed, ...newestFirst.map(({ claim }) => claim.release())]);
    await this.#fetcher.leave(); // and with it whatever else is held
  }

  get #ahead(): number {
    return this.#claims.length - this.#next;
  }

  /** The next valid one; what is not valid, or came too late, is buried on the way. @param portion how many to claim when there is none at hand */
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

  /** Until something may be ready, waiting ended, or so long. */
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

  /** At once, when there is one at hand. */
  #claim(portion: () => number): Claim | undefined | Promise<Claim | undefined> {
    return this.#ahead > 0 && this.#fetcher.isProven ? this.#claims[this.#next++] : this.#fetch(portion);
  }

  async #fetch(portion: () => number): Promise<Claim | undefined> {
    await this.#giveBackAhead(); // after a stall somebody else may have it
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

  /** Resolves when everything that goes back has gone: what is taken next is older. */
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
