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
