import type { Claim } from './claim.js';
import type { Fetcher } from './fetcher.js';
import { PrefetchSize } from './prefetch-size.js';

/** A message that has waited here for so long stands behind a slow one. It goes back, as another worker may be free. */
const staleAfterMs = 250;

/**
 * The local queue of one worker: messages that it has claimed, and that have not begun. It serves handlers, `consume()` and `get()`.
 *
 *     claimed --> waiting here --> begun
 *                     |--> given back: stale, stopped, or the lease was lost
 */
export class Prefetch {
  /** How many messages to claim ahead. */
  readonly size = new PrefetchSize();
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

  /** How many messages wait. */
  get length(): number {
    return this.#claims.length - this.#next;
  }

  /** The message that begins next. */
  get first(): Claim | undefined {
    return this.#claims[this.#next];
  }

  add(claims: Claim[]): void {
    // What was claimed under a lease that was lost since belongs to another worker.
    const isOurs = this.length > 0 && this.fetcher.session.holds(this.first!);
    this.#claims = isOurs ? this.#claims.slice(this.#next).concat(claims) : claims;
    this.#next = 0;
  }

  /** The next message begins. @param now monotonic ms */
  begin(now: number): Claim {
    const claim = this.#claims[this.#next++]!;
    claim.startedAt = this.#lastBeganAt = this.fetcher.session.beganAt = now;
    return claim;
  }

  /** The next up to `most` messages begin, without those of a lost lease. @param now monotonic ms */
  beginBatch(most: number, now: number): Claim[] {
    const claims = this.#claims
      .slice(this.#next, this.#next + most)
      .filter((claim) => this.fetcher.session.holds(claim));
    this.#next = Math.min(this.#next + most, this.#claims.length);
    this.#lastBeganAt = this.fetcher.session.beganAt = now;
    for (const claim of claims) claim.startedAt = now;
    return claims;
  }

  /** Gives back everything that waits. Resolves when it is back: what is taken after that is older. */
  giveBack(): Promise<void> {
    if (this.length === 0) return this.#givingBack;
    const claims = this.#claims.slice(this.#next);
    this.#claims = [];
    this.#next = 0;
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
