/** Between two looks. A look that comes late does not count: the program computed, and a reply may be there that was not read yet. */
const probeMs = 100;
/** Redis counts as away when the same batch waits for its reply at so many looks. */
const looksForAway = 10;

/** Finds out whether Redis is away, by how long a batch waits for its reply. It costs a put nothing. */
export class Outage {
  /** Since when Redis is away, monotonic ms; 0 while it answers. The batcher sets it to 0 with each reply. */
  since = 0;
  /** Whether it looks at the batches now. It ends by itself when nothing is sent. */
  isWatching = false;
  #timer: NodeJS.Timeout | undefined;
  /** The batch that was on its way at the last looks, how many these were, and when the last was. */
  #seen = { batch: -1, times: 0, at: 0 };

  /** @param flying number of the batch that is on its way; `undefined` if nothing is sent */
  constructor(private readonly flying: () => number | undefined) {}

  /** A batch is about to leave. Called while not {@link isWatching}. */
  watch(): void {
    this.isWatching = true;
    this.#timer = setInterval(() => this.#look(), probeMs).unref();
  }

  #look(): void {
    const batch = this.flying();
    if (batch === undefined) {
      clearInterval(this.#timer);
      this.isWatching = false;
      this.since = 0;
      return;
    }
    const now = performance.now();
    const { times, at } = this.#seen;
    const isLate = now - at > 2 * probeMs;
    this.#seen = { batch, times: batch === this.#seen.batch ? times + (isLate ? 0 : 1) : 0, at: now };
    if (this.#seen.times >= looksForAway) this.since ||= now;
  }
}
