/** A trip to Redis, twice over: what a handler will begin within it need not wait for the network. */
const aheadMs = 20;
const mostAhead = 2_000;
/** Below this the clock tells nothing. */
const leastMs = 0.02;
/** Weight of the newest message in the mean: a slow one is believed at once, a fast one slowly. */
const slower = 0.5;
const faster = 0.05;

/** How long a handler has been taking, and so how much to claim ahead: hundreds when it is done in µs, nothing when it takes long. */
export class Pace {
  #meanMs: number | undefined;

  /** One more message took so long. */
  tell(tookMs: number): void {
    if (this.#meanMs === undefined) this.#meanMs = tookMs;
    else this.#meanMs += (tookMs - this.#meanMs) * (tookMs > this.#meanMs ? slower : faster);
  }

  /** Messages that so many places will begin within the next 20 ms; none as long as nothing is known. */
  ahead(concurrency: number): number {
    if (this.#meanMs === undefined) return 0;
    return Math.min(mostAhead, Math.floor((aheadMs * concurrency) / Math.max(this.#meanMs, leastMs)));
  }
}
