import type { Tended, Upkeep } from '../runtime/channel.js';
import type { Broker } from '../redis/broker.js';

/** Another process may have put something that is due earlier than all we know of. */
const longestLookMs = 1_000;

/**
 * Makes delayed messages ready when they are due, as long as somebody in this process takes from the queue. Its timer
 * belongs to the process, not to a blocked connection, so it works while every worker is busy.
 */
export class Promoter implements Upkeep {
  readonly #takers = new Set<Tended>();
  #timer: NodeJS.Timeout | undefined;
  #nextAt = Infinity;

  constructor(private readonly broker: Broker) {}

  add(taker: Tended): void {
    this.#takers.add(taker);
    this.#lookIn(longestLookMs);
  }

  remove(taker: Tended): void {
    this.#takers.delete(taker);
    if (this.#takers.size > 0) return;
    clearTimeout(this.#timer);
    this.#nextAt = Infinity;
  }

  dueIn(ms: number): void {
    if (this.#takers.size > 0) this.#lookIn(Math.min(ms, longestLookMs));
  }

  /** One pass. @returns ms until the next delayed message is due; `undefined` when none is */
  async promote(): Promise<number | undefined> {
    const { promoted, nextDueMs } = await this.broker.promote({ withinMs: 0 });
    // What went to the list of messages with headers, on a plain queue, rings no bell.
    if (promoted > 0) for (const taker of this.#takers) taker.poke();
    return nextDueMs;
  }

  #lookIn(ms: number): void {
    const at = Date.now() + ms;
    if (at >= this.#nextAt) return;
    clearTimeout(this.#timer);
    this.#nextAt = at;
    // Takers keep the process alive, not this.
    this.#timer = setTimeout(() => void this.#look(), ms).unref();
  }

  async #look(): Promise<void> {
    const nextDueMs = await this.promote().catch(() => undefined); // away: the next look finds out
    this.#nextAt = Infinity;
    if (this.#takers.size > 0) this.#lookIn(Math.min(nextDueMs ?? longestLookMs, longestLookMs));
  }
}
