import { attempt, type Way } from './attempt.js';
import { attemptBatch, type BatchWay } from './batch.js';
import type { Claim } from './claim.js';
import { Fetcher } from './fetcher.js';
import type { BoundHandler } from './handlers.js';
import { Pace } from './pace.js';
import type { About } from './report.js';
import type { Order } from '../redis/broker.js';
import { defaultPolicy, guarded } from './retry-policy.js';

/** Maximum number of prefetched messages. `Pace` counts batches, so its own limit does not bound their messages. */
const mostAhead = 2_000;
/** If no message starts for this long, the prefetched ones wait behind a slow one and go back to the queue. */
const longestWaitMs = 250;
/** Node fires a timer with a longer delay at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Handler runner: takes messages for one handler, keeps those that wait for a slot, and runs the others. */
export class Bench {
  readonly #fetcher: Fetcher;
  readonly #way: Way & BatchWay;
  /** Messages per concurrency slot. */
  readonly #size: number;
  readonly #isBatching: boolean;
  /** A multiple of the batch size. */
  readonly #mostAhead: number;
  readonly #lingerMs: number;
  /** Set while a batch that is not full has a slot and waits for more messages. */
  #lingering: NodeJS.Timeout | undefined;
  readonly #pace = new Pace();
  /** Claimed and not started: from `#next` on. */
  #waiting: Claim[] = [];
  #next = 0;
  #lastBeganAt = 0;
  /** How many messages the take that is sent with a wait asks for. */
  #askedBehind = 0;
  /** The take that was sent with a wait brought fewer messages than it asked for: the next take would find none. */
  #isDrained = false;
  #isWatched = false;
  #running = 0;
  #status: About['status'] = 'working';
  /** Whether `onFreed` is needed: looking for room after each message would cost more than all other work for it. */
  isAwaited = false;
  #emptied: (() => void)[] = [];

  /**
   * @param givingUp aborts all waiting for Redis, also for the settling of active messages
   * @param mayTakeAhead whether to prefetch messages that will start soon, or to claim only those that can start at once
   * @param onFreed called when there is room again, while `isAwaited`
   * @param onStopAsked called when this worker gets the command `stop`, perhaps more than once
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

  /** Concurrency slots in use, including that of a batch that waits to be filled. */
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

  /** Number of messages that can start at once. */
  get #free(): number {
    return (this.handler.options.concurrency - this.#running) * this.#size - this.#unbegun;
  }

  /** How many more messages may be claimed: for free slots, and for slots that will be free soon. */
  get room(): number {
    if (this.#status === 'quiet') return 0;
    const { concurrency } = this.handler.options;
    const size = this.#size;
    const free = this.#free;
    const ahead = this.mayTakeAhead ? Math.min(this.#pace.ahead(concurrency) * size, this.#mostAhead) : 0;
    if (ahead === 0) return free;
    // Prefetch in large portions: take again when half of the last portion is done.
    if (free + ahead >= (concurrency * size + ahead) / 2) return free + ahead;
    return Math.max(free, 0); // free slots do not wait for the others, which may be in use for long
  }

  /** {@link room}, if at most `places` slots may be filled. */
  roomIn(places: number): number {
    const missing = Math.ceil(this.#unbegun / this.#size) * this.#size - this.#unbegun;
    return Math.min(this.room, places * this.#size + missing);
  }

  /**
   * Takes up to `most` messages and starts those that it can. If `isStopping` by then, gives them back at once.
   *
   * @returns how many messages it took
   */
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

  /** Starts the messages of a take that was sent with a wait. */
  #accept(claims: Claim[]): void {
    if (claims.length === 0) return;
    this.#isDrained = claims.length < this.#askedBehind;
    this.#add(claims);
    this.#beginSome();
  }

  #add(claims: Claim[]): void {
    // Messages of a lease that was lost since then belong to another worker.
    const isOurs = this.#unbegun > 0 && this.#fetcher.holds(this.#waiting[this.#next]!);
    this.#waiting = isOurs ? this.#waiting.slice(this.#next).concat(claims) : claims;
    this.#next = 0;
  }

  #beginSome(): void {
    this.#begin();
    if (this.#unbegun > 0) this.#watch();
  }

  /** Resolves when a message may be waiting, or when {@link poke} is called. */
  idle(): Promise<void> {
    this.#askedBehind = this.mayTakeAhead ? this.#free : 0;
    return this.#fetcher.idle(Infinity, this.#askedBehind);
  }

  /** Ends {@link idle}. */
  poke(): void {
    this.#fetcher.poke();
  }

  /** Takes no more messages, and gives back those that have not started. */
  stop(): void {
    this.#status = 'stopping';
    void this.#giveBackInOrder(); // also while a take waits for its turn
  }

  /**
   * Like {@link giveBackWaiting}, but waits for the take in flight and gives its messages back too. They are younger: if they
   * went back later, they would stand in front of the older ones.
   */
  async #giveBackInOrder(): Promise<void> {
    const asking = this.#fetcher.asking;
    if (asking) await asking.then(() => new Promise((resolve) => setImmediate(resolve)));
    await this.giveBackWaiting();
  }

  /** Gives back the messages that have not started. */
  giveBackWaiting(): Promise<void> {
    this.#stopLingering();
    const claims = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    return this.#fetcher.giveBack(claims);
  }

  /** Resolves when no handler runs. */
  async emptied(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve));
  }

  abort(reason: unknown): void {
    this.#fetcher.abort(reason);
  }

  /** Gives back all remaining messages. */
  leave(): Promise<void> {
    return this.#fetcher.leave();
  }

  /**
   * Starts waiting messages while slots are free. A handler that ends at once leaves its slot to the next message.
   *
   * @param isDue whether a batch that is not full has waited long enough
   */
  #begin(isDue = false, at?: number): void {
    const { concurrency } = this.handler.options;
    while (this.#status !== 'stopping' && this.#unbegun > 0 && this.#running < concurrency) {
      const now = at ?? performance.now();
      // After a stall another worker may have this message. Give back everything that has not started.
      if (!this.#fetcher.isProvenAt(now)) return void this.giveBackWaiting();
      if (this.#lingerMs > 0 && !isDue && this.#isFilling()) return;
      at = this.#run(now);
    }
  }

  /** Whether the waiting messages are not yet a full batch, and still have time to become one. */
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
    if (this.room <= 0) this.#fetcher.poke(); // there is no room for a message, so do not wait for one
  }

  #stopLingering(): void {
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
  }

  /** @returns when the handler ended, in monotonic ms, if it ended at once */
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

  /** Frees a slot some time after its handler started. */
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

  /** Gives waiting messages back if none of them starts for a while, because another worker may be free. */
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
