import { attempt, type Way } from './attempt.js';
import type { Claim } from './claim.js';
import { Fetcher } from './fetcher.js';
import type { BoundHandler } from './handlers.js';
import { guarded } from './retry-policy.js';

/** Where one handler works: what it takes, and what runs. */
export class Bench {
  readonly #running = new Set<Promise<void>>();
  readonly #fetcher: Fetcher;
  readonly #way: Way;

  /**
   * @param givingUp aborts what is still being tried at Redis, also the settling of what runs
   * @param onFreed called whenever a place is free again
   */
  constructor(
    private readonly handler: BoundHandler,
    givingUp: AbortSignal,
    private readonly onFreed: () => void,
  ) {
    this.#fetcher = new Fetcher(handler.channel, { taking: givingUp, settling: { signal: givingUp }, mayHoldBack: true });
    const warn = (sentence: string): void => handler.channel.logger.warn(`${handler.name}: ${sentence}`);
    this.#way = { payload: handler.payload, retry: guarded(handler.options, warn), handle: handler.handle };
  }

  get running(): number {
    return this.#running.size;
  }

  /** Places that are free: nothing is claimed that would have to wait for one. */
  get free(): number {
    return this.handler.options.concurrency - this.#running.size;
  }

  /** Takes up to `most` messages and begins them, unless `isStopping` by then: those go back at once. @returns how many there were */
  async take(most: number, isStopping: () => boolean): Promise<number> {
    const claims = await this.#fetcher.take(most);
    if (isStopping()) await Promise.all(claims.map((claim) => claim.release()));
    else for (const claim of claims) this.#begin(claim);
    return claims.length;
  }

  /** Resolves when something may be ready, or `until` aborts. */
  idle(until: AbortSignal): Promise<void> {
    return this.#fetcher.idle(until);
  }

  /** Resolves when nothing runs. */
  async emptied(): Promise<void> {
    await Promise.all(this.#running);
  }

  abort(reason: unknown): void {
    this.#fetcher.abort(reason);
  }

  /** Gives back what is still held. */
  leave(): Promise<void> {
    return this.#fetcher.leave();
  }

  #begin(claim: Claim): void {
    const running = attempt(claim, this.#way).finally(() => {
      this.#running.delete(running);
      this.onFreed();
    });
    this.#running.add(running);
  }
}
