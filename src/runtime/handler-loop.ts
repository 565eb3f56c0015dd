import { attempt, type Way } from './attempt.js';
import type { Claim } from './claim.js';
import { Fetcher } from './fetcher.js';
import type { BoundHandler } from './handlers.js';

/**
 * One handler at work: takes as many messages as it has free places, runs them, and stops when told to.
 *
 * Invariant: running + asked for ≤ concurrency, so nothing is claimed that would have to wait.
 */
export class HandlerLoop {
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #fetcher: Fetcher;
  readonly #way: Way;
  #freed: (() => void) | undefined;

  constructor(private readonly handler: BoundHandler) {
    const { signal } = this.#givingUp;
    this.#fetcher = new Fetcher(handler.channel, { taking: signal, settling: { signal }, mayHoldBack: true });
    this.#way = {
      payload: handler.payload,
      retry: handler.options,
      handle: (payload, delivery) => handler.handle(payload, delivery),
    };
    this.#stopping.signal.addEventListener('abort', () => this.#freed?.(), { once: true });
  }

  get running(): number {
    return this.#running.size;
  }

  /** Works until {@link stop}. @throws what makes going on useless, such as a Redis that was named and does not answer */
  async work(): Promise<void> {
    try {
      while (!this.#stopping.signal.aborted) {
        const free = this.handler.options.concurrency - this.#running.size;
        if (free === 0) await this.#aPlaceIsFree();
        else if ((await this.#take(free)) === 0) await this.#fetcher.idle(this.#stopping.signal);
      }
    } catch (error) {
      if (!this.#givingUp.signal.aborted) throw error;
    } finally {
      await this.#drained();
      await this.#fetcher.leave();
    }
  }

  /** Takes no more, and gives back what could not be finished when `deadline` aborts. */
  stop(deadline: AbortSignal): void {
    this.#stopping.abort();
    if (deadline.aborted) this.#giveUp(deadline.reason);
    else deadline.addEventListener('abort', () => this.#giveUp(deadline.reason), { once: true });
  }

  async #take(free: number): Promise<number> {
    const claims = await this.#fetcher.take(free);
    if (this.#stopping.signal.aborted) await Promise.all(claims.map((claim) => claim.release()));
    else for (const claim of claims) this.#begin(claim);
    return claims.length;
  }

  #begin(claim: Claim): void {
    const running = attempt(claim, this.#way).finally(() => {
      this.#running.delete(running);
      this.#freed?.();
    });
    this.#running.add(running);
  }

  #aPlaceIsFree(): Promise<void> {
    return new Promise((resolve) => {
      this.#freed = () => {
        this.#freed = undefined;
        resolve();
      };
    });
  }

  /** Everything that runs has ended, or the deadline has passed: leaving then gives back what still runs. */
  #drained(): Promise<unknown> {
    const { signal } = this.#givingUp;
    if (signal.aborted) return Promise.resolve();
    return Promise.race([Promise.all(this.#running), new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))]);
  }

  #giveUp(reason: unknown): void {
    this.#fetcher.abort(reason);
    this.#givingUp.abort(reason);
  }
}
