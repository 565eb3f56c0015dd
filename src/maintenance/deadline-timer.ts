import { longestTimeoutMs } from '../core/timer.js';

/** Deadline timer. It is only ever moved forward, and it does not keep the process alive. */
export class DeadlineTimer {
  #timer: NodeJS.Timeout | undefined;
  #at = Infinity;

  constructor(private readonly ring: () => void) {}

  /** Fires in `givenMs`, unless it fires earlier anyway; after 24 days at the latest. */
  in(givenMs: number): void {
    const ms = Math.min(givenMs, longestTimeoutMs);
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
