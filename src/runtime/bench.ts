import { attempt, type Way } from './attempt.js';
import type { Claim } from './claim.js';
import { Fetcher } from './fetcher.js';
import type { BoundHandler } from './handlers.js';
import { Pace } from './pace.js';
import { defaultPolicy, guarded } from './retry-policy.js';

/** What was claimed ahead and has not begun for so long stands behind a slow one, and goes back. */
const longestWaitMs = 250;

/** Where one handler works: what it takes, what waits for a place, and what runs. */
export class Bench {
  readonly #fetcher: Fetcher;
  readonly #way: Way;
  readonly #pace = new Pace();
  /** Claimed, and not begun: from `#next` on. */
  #waiting: Claim[] = [];
  #next = 0;
  #lastBeganAt = 0;
  #isWatched = false;
  #running = 0;
  #emptied: (() => void)[] = [];

  /**
   * @param givingUp aborts what is still being tried at Redis, also the settling of what runs
   * @param mayTakeAhead whether it claims what its handler will begin in a moment, or only what can begin at once
   * @param onFreed called whenever there is room again
   */
  constructor(
    private readonly handler: BoundHandler,
    givingUp: AbortSignal,
    private readonly mayTakeAhead: boolean,
    private readonly onFreed: () => void,
  ) {
    this.#fetcher = new Fetcher(handler.channel, { taking: givingUp, settling: { signal: givingUp }, mayHoldBack: true });
    const warn = (sentence: string): void => handler.channel.logger.warn(`${handler.name}: ${sentence}`);
    this.#way = { payload: handler.payload, retry: { ...defaultPolicy, ...guarded(handler.options, warn) }, handle: handler.handle };
  }

  get running(): number {
    return this.#running;
  }

  get #unbegun(): number {
    return this.#waiting.length - this.#next;
  }

  /** How many more may be claimed: for places that are free, and for those that will be in a moment. */
  get room(): number {
    const { concurrency } = this.handler.options;
    const free = concurrency - this.#running - this.#unbegun;
    const ahead = this.mayTakeAhead ? this.#pace.ahead(concurrency) : 0;
    if (ahead === 0) return free;
    // In large portions: the next trip begins when half of the last is done.
    return free + ahead >= (concurrency + ahead) / 2 ? free + ahead : 0;
  }

  /** Takes up to `most` messages and begins what it can, unless `isStopping` by then: those go back at once. @returns how many there were */
  async take(most: number, isStopping: () => boolean): Promise<number> {
    const claims = await this.#fetcher.take(most);
    if (isStopping()) {
      await this.#fetcher.giveBack(claims);
      return 0;
    }
    this.#waiting = this.#unbegun === 0 ? claims : this.#waiting.slice(this.#next).concat(claims);
    this.#next = 0;
    this.#begin();
    if (this.#unbegun > 0) this.#watch();
    return claims.length;
  }

  /** Resolves when something may be ready, or `until` aborts. */
  idle(until: AbortSignal): Promise<void> {
    return this.#fetcher.idle(until);
  }

  /** Gives back what has not begun. */
  giveBackWaiting(): Promise<void> {
    const claims = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    return this.#fetcher.giveBack(claims);
  }

  /** Resolves when nothing runs. */
  async emptied(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  abort(reason: unknown): void {
    this.#fetcher.abort(reason);
  }

  /** Gives back what is still held. */
  leave(): Promise<void> {
    return this.#fetcher.leave();
  }

  /** Begins what waits, as long as there are places; what is over at once leaves its place to the next. */
  #begin(): void {
    const { concurrency } = this.handler.options;
    while (this.#unbegun > 0 && this.#running < concurrency) {
      // After a stall somebody else may have it: whatever has not begun is better off with them.
      if (!this.#fetcher.isProven) return void this.giveBackWaiting();
      this.#run(this.#waiting[this.#next++]!);
    }
  }

  #run(claim: Claim): void {
    const beganAt = performance.now();
    this.#lastBeganAt = beganAt;
    this.#running += 1;
    const running = attempt(claim, this.#way);
    if (!running) return this.#over(beganAt);
    void running.then(() => {
      this.#over(beganAt);
      this.#begin();
      if (this.room > 0) this.onFreed();
    });
  }

  #over(beganAt: number): void {
    this.#running -= 1;
    this.#pace.tell(performance.now() - beganAt);
    if (this.#running === 0) for (const emptied of this.#emptied.splice(0)) emptied();
  }

  /** Gives back what waits when nothing has begun for a while: somebody else may be free. */
  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    setTimeout(() => {
      this.#isWatched = false;
      if (this.#unbegun === 0) return;
      const waitedMs = performance.now() - this.#lastBeganAt;
      if (waitedMs < longestWaitMs) return this.#watch();
      this.#pace.tell(waitedMs);
      void this.giveBackWaiting().then(this.onFreed);
    }, longestWaitMs).unref();
  }
}
