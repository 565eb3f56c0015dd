import { onAbort } from '../core/on-abort.js';
import type { QueueContext } from '../redis/queue-context.js';
import { admit, decide, ended, policyFor, settle, type Unadmitted } from './attempt.js';
import { mostTimesLeft, type Claim } from './claim.js';
import { Fetcher } from './fetcher.js';
import { Prefetch } from './prefetch.js';
import { policyOf, type RetryPolicy } from './retry-policy.js';

/** When waiting for messages ends. The owner of a source may change it between two calls. */
export interface WaitLimits {
  /** Ends the wait. */
  ended: AbortSignal;
  /** Ms without a message; no limit when absent. */
  waitMs: number | undefined;
}

/** A settlement is worth repeating until the lease may have ended. */
const leastSettlePatienceMs = 30_000;

/**
 * What `consume()` and `get()` read from: valid messages in order, each settled when the caller asks for the next.
 *
 * It claims ahead what the caller will ask for within about 20 ms, by how long the caller has taken so far: nothing when the
 * loop is slow, hundreds of messages when it is fast.
 */
export class MessageSource<T> {
  readonly #fetcher: Fetcher;
  readonly #prefetch: Prefetch;
  readonly #policy: RetryPolicy;
  #handedOutAt: number | undefined;
  readonly #beforeRelease = (): void => void this.#prefetch.giveBack();

  constructor(
    private readonly context: QueueContext<T>,
    private readonly limits: WaitLimits,
    /** How long the caller may block the event loop and keep its messages; see {@link SessionOptions}. */
    maxBlockedMs?: number,
  ) {
    this.#policy = policyOf(context.retryDefaults);
    this.#fetcher = new Fetcher(context, {
      ...(maxBlockedMs !== undefined && { maxBlockedMs }),
      settling: { withinMs: Math.max(leastSettlePatienceMs, context.broker.leaseMs) },
      get taking() {
        return limits.ended;
      },
    });
    this.#prefetch = new Prefetch(this.#fetcher);
  }

  /**
   * The next message; waits for it. `undefined` when waiting ended.
   *
   * @param most messages that the caller may still ask for
   */
  async one(most: number): Promise<Claim<T> | undefined> {
    if (this.#handedOutAt !== undefined) this.#prefetch.size.observe(performance.now() - this.#handedOutAt);
    const claim = await this.#first(() => Math.min(most, 1 + this.#prefetch.size.messages(1)));
    if (claim) this.#handOut(claim);
    return claim;
  }

  /** The next up to `size` messages: waits for the first, then up to `lingerMs` for the others. `undefined` when waiting ended. */
  async several(size: number, lingerMs: number): Promise<Claim<T>[] | undefined> {
    const { session } = this.#fetcher;
    for (;;) {
      const claims = await this.#gather(size, lingerMs);
      if (!claims || this.limits.ended.aborted) return undefined; // `leave` gives them back
      if (!session.isProven) await session.giveBack(claims); // after a stall another worker may have them
      const held = claims.filter((claim) => session.holds(claim));
      for (const claim of held) this.#handOut(claim);
      if (held.length > 0) return held;
    }
  }

  /**
   * The caller asked for the next message: acknowledges this one, unless the caller settled it or reported a failure.
   *
   * @returns nothing for an acknowledgement: it travels with others, and `leave` waits for it
   */
  done(claim: Claim<T>): Promise<void> | undefined {
    return settle(claim, decide(ended(claim), claim.attempt, claim.policy!));
  }

  /** {@link done} for many; resolves when those that are not acknowledged are settled. */
  async allDone(claims: readonly Claim<T>[]): Promise<void> {
    const settling: Promise<void>[] = [];
    for (const claim of claims) {
      const settled = this.done(claim);
      if (settled) settling.push(settled);
    }
    await Promise.all(settling);
  }

  /** Whether an acknowledgement waits for the reply to an earlier one. */
  get hasUnsent(): boolean {
    return this.#fetcher.session.hasUnsent;
  }

  /** Ends. The caller's current messages go back to the head of the queue, before those that were prefetched; reported failures are settled as such. */
  async leave(current: readonly Claim<T>[]): Promise<void> {
    const unsettled = current.filter(({ state }) => !state.settledBy);
    const failed = this.allDone(unsettled.filter(({ state }) => state.failure));
    const newestFirst = unsettled.filter(({ state }) => !state.failure).reverse();
    await Promise.allSettled([failed, ...newestFirst.map((claim) => this.#leaveBehind(claim))]);
    this.#close();
    await this.#fetcher.leave(); // gives back the rest
  }

  async #leaveBehind(claim: Claim<T>): Promise<void> {
    if (await claim.leaveBehind()) return;
    const error = new Error(
      `${mostTimesLeft} loops in a row ended before they finished this message: they may have thrown`,
    );
    await settle(claim, decide({ kind: 'failed', error }, claim.attempt, claim.policy!));
  }

  /** The next valid message. Invalid and expired ones are buried on the way. @param portion messages to claim when none is prefetched */
  async #first(portion: () => number): Promise<Claim<T> | undefined> {
    const { ended, waitMs } = this.limits;
    let idleSince = performance.now();
    while (!ended.aborted) {
      const found = this.#next(portion);
      const claim = found instanceof Promise ? await found : found;
      if (claim) {
        const isValid = this.#isValid(claim);
        if (isValid === true || (await isValid)) return claim;
        idleSince = performance.now();
        continue;
      }
      const leftMs = waitMs === undefined ? Infinity : idleSince + waitMs - performance.now();
      if (leftMs <= 0) return undefined;
      await this.#idle(leftMs);
    }
    return undefined;
  }

  async #gather(size: number, lingerMs: number): Promise<Claim<T>[] | undefined> {
    const first = await this.#first(() => size);
    if (!first) return undefined;
    const claims = [first];
    const until = performance.now() + lingerMs;
    for (let isLast = lingerMs === 0; claims.length < size && !this.limits.ended.aborted;) {
      if (this.#prefetch.length === 0 && isLast) break;
      if (this.#prefetch.length === 0) isLast = performance.now() >= until; // then this is the last take
      const found = this.#next(() => size - claims.length);
      const claim = found instanceof Promise ? await found : found;
      if (claim && (await this.#isValid(claim))) claims.push(claim);
      if (!claim && !isLast) await this.#idle(until - performance.now());
    }
    return claims;
  }

  /** Resolves when something may be waiting, when waiting ended, or after `timeoutMs`. */
  async #idle(timeoutMs: number): Promise<void> {
    const { ended } = this.limits;
    const forget = onAbort(ended, () => this.#fetcher.poke());
    try {
      if (!ended.aborted) await this.#fetcher.idle(timeoutMs);
    } finally {
      forget();
    }
  }

  /** Without a promise when a message is prefetched. */
  #next(portion: () => number): Claim<T> | undefined | Promise<Claim<T> | undefined> {
    const isReady = this.#prefetch.length > 0 && this.#fetcher.session.isProven;
    const claim = isReady ? this.#prefetch.begin(performance.now()) : undefined;
    return (claim as Claim<T> | undefined) ?? this.#fetch(portion);
  }

  async #fetch(portion: () => number): Promise<Claim<T> | undefined> {
    await this.#prefetch.giveBack(); // after a stall another worker may have them
    this.#prefetch.add(await this.#take(portion()));
    return this.#prefetch.begin(performance.now()) as Claim<T> | undefined;
  }

  #open(): void {
    if (open.size === 0) process.on('beforeExit', leaveAll);
    open.add(this);
  }

  #close(): void {
    open.delete(this);
    if (open.size === 0) process.off('beforeExit', leaveAll);
  }

  async #take(most: number): Promise<Claim[]> {
    this.#open();
    try {
      return await this.#fetcher.take(most);
    } catch (error) {
      if (this.limits.ended.aborted) return [];
      throw error;
    }
  }

  #isValid(claim: Claim<T>): boolean | Promise<boolean> {
    claim.policy = policyFor(claim, this.#policy);
    const refused = admit(claim, this.context.payload);
    return refused === undefined || this.#bury(claim, refused);
  }

  async #bury(claim: Claim<T>, refused: Unadmitted | Promise<Unadmitted | undefined>): Promise<boolean> {
    const reason = await refused;
    if (!reason) return true;
    claim.startedAt = undefined; // no handler runs
    await settle(claim, decide(reason, claim.attempt, claim.policy!));
    return false;
  }

  #handOut(claim: Claim<T>): void {
    this.#handedOutAt = claim.startedAt = performance.now();
    claim.emit('take');
    if (this.#prefetch.length === 0) return;
    claim.beforeRelease = this.#beforeRelease;
    this.#prefetch.watch();
  }
}

/** Sources that may hold messages: one listener serves all of them. */
const open = new Set<{ leave(current: readonly never[]): Promise<void> }>();

/** Nothing in the program can go on, as after a loop whose body waits for ever: the messages go back before it ends. */
function leaveAll(): void {
  for (const source of open) void source.leave([]).catch(() => undefined); // otherwise their leases end
}
