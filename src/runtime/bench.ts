import { attempt, type Way } from './attempt.js';
import { attemptBatch, type BatchWay } from './batch.js';
import type { Claim } from './claim.js';
import { Fetcher } from './fetcher.js';
import type { BoundHandler } from './handlers.js';
import { Pace } from './pace.js';
import type { About } from './report.js';
import type { Order } from '../redis/broker.js';
import { defaultPolicy, guarded } from './retry-policy.js';

/** Of batches, which `Pace` counts, no more messages than of single ones. */
const mostAhead = 2_000;
/** What was claimed ahead and has not begun for so long stands behind a slow one, and goes back. */
const longestWaitMs = 250;
/** Node fires timers beyond this at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Where one handler works: what it takes, what waits for a place, and what runs. */
export class Bench {
  readonly #fetcher: Fetcher;
  readonly #way: Way & BatchWay;
  /** Messages that one place works on. */
  readonly #size: number;
  readonly #isBatching: boolean;
  /** Whole batches. */
  readonly #mostAhead: number;
  readonly #lingerMs: number;
  /** Runs while a batch that is not full has a place and waits for more. */
  #lingering: NodeJS.Timeout | undefined;
  readonly #pace = new Pace();
  /** Claimed, and not begun: from `#next` on. */
  #waiting: Claim[] = [];
  #next = 0;
  #lastBeganAt = 0;
  /** How many the take behind the wait asks for. */
  #askedBehind = 0;
  /** The take behind the wait brought fewer than it asked for: there is nothing to ask for before the next wait. */
  #isDrained = false;
  #isWatched = false;
  #running = 0;
  #status: About['status'] = 'working';
  /** Whether `onFreed` is waited for: to look for room after each message would cost more than the rest of it. */
  isAwaited = false;
  #emptied: (() => void)[] = [];

  /**
   * @param givingUp aborts what is still being tried at Redis, also the settling of what runs
   * @param mayTakeAhead whether it claims what its handler will begin in a moment, or only what can begin at once
   * @param onFreed called when there is room again, while `isAwaited`
   * @param onStopAsked called when somebody asks this worker to stop, perhaps more than once
   */
  constructor(
    private readonly handler: BoundHandler,
    givingUp: AbortSignal,
    private readonly mayTakeAhead: boolean,
    private readonly onFreed: () => void,
    private readonly onStopAsked: () => void = () => undefined,
  ) {
    const onOrder = (order: Order): void => this.#obey(order);
    this.#fetcher = new Fetcher(handler.channel, { taking: givingUp, settling: { signal: givingUp }, about: this.#about, onOrder, onBrought: (claims) => this.#accept(claims) });
    const warn = (sentence: string): void => handler.channel.logger.warn(`${handler.name}: ${sentence}`);
    this.#way = { payload: handler.payload, retry: { ...defaultPolicy, ...guarded(handler.options, warn) }, handle: handler.handle, onOver: (claim) => this.#over(claim.beganAt!), places: [] };
    const { batch, lingerMs = 0 } = handler.options;
    this.#isBatching = batch !== undefined;
    this.#size = batch ?? 1;
    this.#mostAhead = Math.floor(mostAhead / this.#size) * this.#size;
    this.#lingerMs = lingerMs;
  }

  get running(): number {
    return this.#running;
  }

  /** Places that are in use, also by the batch that is waiting to be filled. */
  get occupied(): number {
    return this.#running + Math.ceil(this.#unbegun / this.#size);
  }

  get #unbegun(): number {
    return this.#waiting.length - this.#next;
  }

  get #about(): About {
    const { name, options } = this.handler;
    const status = (): About['status'] => this.#status;
    return {
      name,
      kind: 'handler',
      concurrency: options.concurrency,
      get status() {
        return status();
      },
    };
  }

  /** Messages that can begin at once. */
  get #free(): number {
    return (this.handler.options.concurrency - this.#running) * this.#size - this.#unbegun;
  }

  /** How many more may be claimed: for places that are free, and for those that will be in a moment. */
  get room(): number {
    if (this.#status === 'quiet') return 0;
    const { concurrency } = this.handler.options;
    const size = this.#size;
    const free = this.#free;
    const ahead = this.mayTakeAhead ? Math.min(this.#pace.ahead(concurrency) * size, this.#mostAhead) : 0;
    if (ahead === 0) return free;
    // In large portions: the next trip begins when half of the last is done.
    if (free + ahead >= (concurrency * size + ahead) / 2) return free + ahead;
    return Math.max(free, 0); // places that are free do not wait for the others, which may be in use for long
  }

  /** {@link room}, when no more than so many places may be filled. */
  roomIn(places: number): number {
    const missing = Math.ceil(this.#unbegun / this.#size) * this.#size - this.#unbegun;
    return Math.min(this.room, places * this.#size + missing);
  }

  /** Takes up to `most` messages and begins what it can, unless `isStopping` by then: those go back at once. @returns how many there were */
  async take(most: number, isStopping: () => boolean): Promise<number> {
    if (this.#isDrained) {
      this.#isDrained = false;
      return 0;
    }
    const claims = await this.#fetcher.take(most);
    this.#add(claims);
    if (isStopping()) {
      await this.giveBackWaiting();
      return 0;
    }
    this.#beginSome();
    return claims.length;
  }

  /** Begins what a take behind the wait brought. */
  #accept(claims: Claim[]): void {
    if (claims.length === 0) return;
    this.#isDrained = claims.length < this.#askedBehind;
    this.#add(claims);
    this.#beginSome();
  }

  #add(claims: Claim[]): void {
    // What was taken under a lease that was lost since belongs to another worker.
    const isOurs = this.#unbegun > 0 && this.#fetcher.holds(this.#waiting[this.#next]!);
    this.#waiting = isOurs ? this.#waiting.slice(this.#next).concat(claims) : claims;
    this.#next = 0;
  }

  #beginSome(): void {
    this.#begin();
    if (this.#unbegun > 0) this.#watch();
  }

  /** Resolves when something may be ready, or {@link poke} is called. */
  idle(): Promise<void> {
    this.#askedBehind = this.mayTakeAhead ? this.#free : 0;
    return this.#fetcher.idle(Infinity, this.#askedBehind);
  }

  /** Ends {@link idle}. */
  poke(): void {
    this.#fetcher.poke();
  }

  /** Takes no more, and gives back what has not begun. */
  stop(): void {
    this.#status = 'stopping';
    void this.#giveBackInOrder(); // also when a take still waits for its turn
  }

  /** As {@link giveBackWaiting}, with what a take on its way brings: that is younger, and given back later it would stand before. */
  async #giveBackInOrder(): Promise<void> {
    const asking = this.#fetcher.asking;
    if (asking) await asking.then(() => new Promise((resolve) => setImmediate(resolve)));
    await this.giveBackWaiting();
  }

  /** Gives back what has not begun. */
  giveBackWaiting(): Promise<void> {
    this.#stopLingering();
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

  /**
   * Begins what waits, as long as there are places; what is over at once leaves its place to the next.
   *
   * @param isDue whether a batch that is not full has waited long enough
   */
  #begin(isDue = false, at?: number): void {
    const { concurrency } = this.handler.options;
    while (this.#status !== 'stopping' && this.#unbegun > 0 && this.#running < concurrency) {
      const now = at ?? performance.now();
      // After a stall somebody else may have it: whatever has not begun is better off with them.
      if (!this.#fetcher.isProvenAt(now)) return void this.giveBackWaiting();
      if (this.#lingerMs > 0 && !isDue && this.#isFilling()) return;
      at = this.#run(now);
    }
  }

  /** Whether what waits for a place is no full batch yet, and has time to become one. */
  #isFilling(): boolean {
    const first = this.#waiting[this.#next]!;
    if (this.#unbegun >= this.#size) return false;
    const leftMs = Math.min(this.#lingerMs, first.takenAt + this.#lingerMs - Date.now());
    if (leftMs <= 0) return false;
    this.#lingering ??= setTimeout(() => this.#endLingering(), Math.min(leftMs, longestTimerMs));
    return true;
  }

  #endLingering(): void {
    this.#stopLingering();
    this.#begin(true);
    if (this.room <= 0) this.#fetcher.poke(); // nobody waits for a message that it has no room for
  }

  #stopLingering(): void {
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
  }

  /** @returns when it ended, if it was over at once */
  #run(now: number): number | undefined {
    this.#lastBeganAt = now;
    this.#running += 1;
    if (this.#isBatching) return this.#runBatch(now);
    const claim = this.#waiting[this.#next++]!;
    claim.beganAt = now;
    if (!attempt(claim, this.#way)) return undefined;
    const endedAt = performance.now();
    this.#end(endedAt - now);
    return endedAt;
  }

  #runBatch(now: number): undefined {
    this.#stopLingering();
    const claims = this.#waiting.slice(this.#next, this.#next + this.#size).filter((claim) => this.#fetcher.holds(claim));
    this.#next = Math.min(this.#next + this.#size, this.#waiting.length);
    for (const claim of claims) claim.beganAt = now;
    void attemptBatch(claims, this.#way).then(() => this.#over(now));
  }

  /** A place is free again, some time after its handler began. */
  #over(beganAt: number): void {
    const now = performance.now();
    this.#end(now - beganAt);
    this.#begin(false, now);
    if (this.isAwaited && this.room > 0) this.onFreed();
  }

  #end(tookMs: number): void {
    this.#running -= 1;
    this.#pace.tell(tookMs);
    if (this.#running === 0 && this.#emptied.length > 0) for (const emptied of this.#emptied.splice(0)) emptied();
  }

  #obey(order: Order): void {
    if (order === 'stop') return this.onStopAsked();
    if (this.#status === 'stopping') return;
    const wasQuiet = this.#status === 'quiet';
    this.#status = order === 'quiet' ? 'quiet' : 'working';
    if (this.#status === 'quiet') void this.#giveBackInOrder();
    if (wasQuiet !== (this.#status === 'quiet')) this.#tellFreed();
    this.#fetcher.poke();
  }

  #tellFreed(): void {
    if (this.isAwaited) this.onFreed();
  }

  /** Gives back what waits when nothing has begun for a while: somebody else may be free. */
  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    setTimeout(() => {
      this.#isWatched = false;
      if (this.#unbegun === 0) return;
      if (this.#lingering) return this.#watch();
      const waitedMs = performance.now() - this.#lastBeganAt;
      if (waitedMs < longestWaitMs) return this.#watch();
      this.#pace.tell(waitedMs);
      void this.#giveBackInOrder().then(() => this.#tellFreed());
    }, longestWaitMs).unref();
  }
}
