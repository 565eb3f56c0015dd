/** Node fires timers beyond this at once. */
const longestMs = 2 ** 31 - 1;

/** A timer that is only ever brought forward, and keeps nothing alive. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined;
  #at = Infinity;

  constructor(private readonly ring: () => void) {}

  /** Rings in so many ms, unless it rings earlier anyway; after 24 days at the latest. */
  in(givenMs: number): void {
    const ms = Math.min(givenMs, longestMs);
    const at = performance.now() + ms;
    if (at >= this.#at) return;
    this.stop();
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#at = Infinity;
      this.ring();
    }, ms).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#at = Infinity;
  }
}
