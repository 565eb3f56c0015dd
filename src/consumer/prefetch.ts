import type { Claim } from './claim.js';
import type { Fetcher } from './fetcher.js';

/** A message that has waited here for so long stands behind a slow one. It goes back, as another worker may be free. */
const staleAfterMs = 250;

/**
 * The local queue of one worker: messages that it has claimed, and that have not begun. It serves handlers, `consume()` and `get()`.
 *
 *     claimed --> waiting here --> begun
 *                     |--> given back: stale, stopped, the event loop stood still, or the lease was lost
 */
export class Prefetch {
  /** How many messages to claim ahead. */
  readonly size = new PrefetchSize();
  /** How many messages wait. */
  length = 0;
  #claims: Claim[] = [];
  /** Index of the first that waits. */
  #next = 0;
  #lastBeganAt = 0;
  #isWatched = false;
  #givingBack: Promise<void> = Promise.resolve();

  /**
   * @param isFilling whether what waits may go on to wait, such as for a batch to be full
   * @param onGivenBack called after stale messages went back
   */
  constructor(
    private readonly fetcher: Fetcher,
    private readonly isFilling: () => boolean = () => false,
    private readonly onGivenBack: () => void = () => undefined,
  ) {}

  /** The message that begins next. */
  get first(): Claim | undefined {
    return this.#claims[this.#next];
  }

  add(claims: Claim[]): void {
    // What was claimed under a lease that was lost since belongs to another worker.
    const isOurs = this.length > 0 && this.fetcher.session.holds(this.first!);
    this.#claims = isOurs ? this.#claims.slice(this.#next).concat(claims) : claims;
    this.#next = 0;
    this.length = this.#claims.length;
  }

  /** The next message begins, if this worker still has one. @param now monotonic ms */
  begin(now: number): Claim | undefined {
    while (this.length > 0) {
      const claim = this.#claims[this.#next++]!;
      this.length -= 1;
      if (!this.fetcher.session.begin(claim, now)) continue;
      this.#lastBeganAt = now;
      return claim;
    }
    return undefined;
  }

  /** The next up to `most` messages begin, without those that this worker no longer has. @param now monotonic ms */
  beginBatch(most: number, now: number): Claim[] {
    const claims = this.#claims
      .slice(this.#next, this.#next + most)
      .filter((claim) => this.fetcher.session.begin(claim, now));
    this.#next = Math.min(this.#next + most, this.#claims.length);
    this.length = this.#claims.length - this.#next;
    this.#lastBeganAt = now;
    return claims;
  }

  /** Gives back everything that waits. Resolves when it is back: what is taken after that is older. */
  giveBack(): Promise<void> {
    if (this.length === 0) return this.#givingBack;
    const claims = this.#claims.slice(this.#next);
    this.#claims = [];
    this.#next = this.length = 0;
    this.#givingBack = this.fetcher.session.giveBack(claims);
    return this.#givingBack;
  }

  /** {@link giveBack}, after a take in flight has brought its messages: they are younger, and must come to stand behind. */
  async giveBackInOrder(): Promise<void> {
    const taking = this.fetcher.settled;
    if (taking) await taking.then(() => new Promise((resolve) => setImmediate(resolve)));
    await this.giveBack();
  }

  /** Gives back what waits when nothing has begun for a while. */
  watch(): void {
    if (this.#isWatched || this.length === 0) return;
    this.#isWatched = true;
    setTimeout(() => {
      this.#isWatched = false;
      if (this.length === 0) return;
      const waitedMs = performance.now() - this.#lastBeganAt;
      if (this.isFilling() || waitedMs < staleAfterMs) return this.watch();
      this.size.observe(waitedMs);
      void this.giveBackInOrder().then(this.onGivenBack);
    }, staleAfterMs).unref();
  }
}

/** Prefetch work for 20 ms: twice the time of a round trip to Redis, so that a fast handler does not wait for the network. */
const aheadMs = 20;
const mostAhead = 2_000;
/** Shortest duration that counts: the clock is not precise below it. */
const leastMs = 0.02;
/** Weight of the newest duration in the mean. A slow message counts at once, a fast one slowly. */
const slower = 0.5;
const faster = 0.05;

/** Chooses the prefetch size from the mean duration of a handler: hundreds of messages if it takes µs, none if it is slow. */
export class PrefetchSize {
  #meanMs: number | undefined;

  /** Adds the duration of one message. */
  observe(tookMs: number): void {
    if (this.#meanMs === undefined) this.#meanMs = tookMs;
    else this.#meanMs += (tookMs - this.#meanMs) * (tookMs > this.#meanMs ? slower : faster);
  }

  /** Number of messages that `concurrency` slots will start within the next 20 ms, up to 2,000; 0 before the first duration. */
  messages(concurrency: number): number {
    if (this.#meanMs === undefined) return 0;
    return Math.min(mostAhead, Math.floor((aheadMs * concurrency) / Math.max(this.#meanMs, leastMs)));
  }
}
