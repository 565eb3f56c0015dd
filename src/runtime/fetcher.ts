import { newId } from '../message/ids.js';
import type { News, Order, Taken } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { Client } from '../redis/line.js';
import type { Take } from '../redis/take.js';
import type { Waiter } from '../redis/waiter.js';
import type { Channel, Tended } from './channel.js';
import { Acks } from './acks.js';
import { Claim, type Keeper } from './claim.js';
import { inHand, processId } from './process.js';
import { aConsumer, reportOf, type About, type Tally } from './report.js';

const leavePatienceMs = 5_000;
/** A paused queue is looked at this often; nobody rings when it is resumed. */
const pausedLookMs = 1_000;
/** Part of its lease after which a worker without word from Redis lets go: before anybody else may begin. */
const fencedAt = 0.85;
/** Node fires timers beyond this at once. */
const longestTimerMs = 2 ** 31 - 1;

export interface FetcherOptions {
  /** Aborts taking; what was in flight then is given back by `leave`. */
  readonly taking: AbortSignal;
  /** How long the settling of a claim may wait for Redis. */
  readonly settling: Patience;
  /** Who takes, for whoever looks at the workers. */
  readonly about?: About;
  /** Somebody asks this worker for something; told with every beat as long as the order stands. */
  readonly onOrder?: (order: Order) => void;
  /** Gets what a take behind the wait brought, as soon as it is here; see {@link Fetcher.idle}. */
  readonly onBrought?: (claims: Claim[]) => void;
}

/**
 * Takes messages for one consumer: registers as a worker, takes, waits, and leaves. At most one take is in flight, and
 * its number advances only when it brought something, so one whose reply was lost can be sent again.
 */
export class Fetcher implements Tended, Keeper {
  readonly acks: Acks;
  /** Each knows its place. A Set's tables, replaced again and again, would keep what was done alive until a full collection. */
  readonly #claims: Claim[] = [];
  /** By number: those that Redis has not dropped. */
  readonly #takes = new Map<number, Take>();
  /** Claims that may be settled: Redis did not answer in time. The next beat gives back what is not. */
  #abandoned: Claim[] = [];
  #worker: string | undefined;
  #number = 0;
  /** When the last beat or join that succeeded was sent; the lease counts from then. Monotonic ms. */
  #provenAt = 0;
  #waiter: Waiter | undefined;
  /** A take that is on its way. */
  #asking: Promise<unknown> | undefined;
  #isIdle = false;
  #isPaused = false;
  /** A suspect was settled after the last take was sent, so the next take may bring another. */
  #mayTakeSuspect = false;
  #tally: Tally = { handled: 0, failed: 0 };
  #poked: (() => void) | undefined;

  constructor(
    readonly channel: Channel,
    private readonly options: FetcherOptions,
  ) {
    this.acks = new Acks(channel.broker, options.settling, (take) => this.#takes.delete(take.number));
  }

  get settling(): Patience {
    return this.options.settling;
  }

  /**
   * Claims what is ready.
   *
   * @param most how many at the most, 1 or more
   * @returns none when nothing is ready
   */
  async take(most: number): Promise<Claim[]> {
    // After a stall nothing that is taken could be begun before the next beat: so that one comes first.
    if (this.#worker && !this.isProven) await this.beat().catch(() => undefined); // away: the take waits for Redis
    const taken = await this.#take(most);
    this.#isPaused = taken.status === 'paused';
    this.channel.upkeep.hear(taken.news);
    return taken.claims;
  }

  /**
   * Resolves when something may be ready, when {@link poke} is called, or after `timeoutMs`.
   *
   * @param most how many to take in the moment in which the wait ends, where nothing runs in this process: for `onBrought`
   */
  async idle(timeoutMs = Infinity, most = 0): Promise<void> {
    if (this.#mayTakeSuspect) return;
    this.#isIdle = true;
    let timer: NodeJS.Timeout | undefined;
    const poked = new Promise<void>((resolve) => (this.#poked = resolve));
    const patienceMs = Math.min(timeoutMs, this.#isPaused ? pausedLookMs : Infinity);
    if (patienceMs < Infinity) timer = setTimeout(() => this.poke(), Math.min(patienceMs, longestTimerMs));
    try {
      // Whoever waits on a paused queue would move its messages into the inbox, one by one.
      await (this.#isPaused ? poked : Promise.race([this.#wait(most), poked]));
    } finally {
      this.#isIdle = false;
      this.#poked = undefined;
      clearTimeout(timer);
    }
  }

  /** Ends {@link idle}. */
  poke(): void {
    this.#poked?.();
  }

  async beat(): Promise<News | undefined> {
    const worker = this.#worker;
    if (!worker) return undefined;
    const sentAt = performance.now();
    const news = await this.channel.broker.beat(worker, this.#number + 1, [...this.#takes.values()].map((take) => this.#asForBeat(take)), { withinMs: 0 }, this.#report());
    if (news === 'lost') {
      if (worker === this.#worker) this.#lose();
      return undefined;
    }
    this.#provenAt = sentAt;
    if (news.order) this.options.onOrder?.(news.order);
    await this.#settleLeftovers(worker);
    return news;
  }

  /** What an acknowledgement on its way says, a beat does not say before it: the acknowledgement would find nothing to do, and no event be told. */
  #asForBeat(take: Take): Pick<Take, 'number' | 'acknowledgements'> {
    return this.acks.isPending(take) ? { number: take.number, acknowledgements: take.noAcknowledgements } : take;
  }

  /** Whether Redis has had word from this worker so lately that nobody else can hold what it holds. */
  get isProven(): boolean {
    return this.isProvenAt(performance.now());
  }

  /** {@link isProven} at an instant of the monotonic clock. */
  isProvenAt(now: number): boolean {
    return now - this.#provenAt < this.channel.broker.leaseMs * fencedAt;
  }

  fence(): void {
    if (!this.#worker || this.isProven) return;
    this.abort(new Error('Redis could not be told in time that this worker is alive: somebody else may hold the message'));
  }

  /** Whether a claim is this worker's still: neither settled, nor gone with a lease that was lost. */
  holds(claim: Claim): boolean {
    return this.#claims[claim.place] === claim;
  }

  /** Aborts the signal of everything that runs. */
  abort(reason: unknown): void {
    for (const claim of this.#claims) claim.abort(reason);
  }

  /** The take that is on its way, if any; never rejects. What it brings is younger than all that is held. */
  get asking(): Promise<unknown> | undefined {
    return this.#asking?.catch(() => undefined);
  }

  /** Gives claims back unhandled, in one trip. */
  async giveBack(claims: readonly Claim[]): Promise<void> {
    const ours = claims.filter((claim) => this.holds(claim));
    if (ours.length === 0) return;
    for (const claim of ours) this.forget(claim);
    await this.#release(ours[0]!.worker, ours, this.settling);
  }

  /** Gives back whatever is still held, and takes this worker off the register. */
  async leave(): Promise<void> {
    this.channel.upkeep.remove(this);
    // The waiter first: the server would go on to serve it, and what it is given would wait for somebody's next take.
    await this.#waiter?.close();
    await this.acks.drained();
    const worker = this.#worker;
    this.#worker = undefined;
    try {
      if (worker) await this.channel.broker.leave(worker, { withinMs: leavePatienceMs }, this.#report());
    } finally {
      this.#forgetAll();
    }
  }

  /** Settled, or given up: the next beat gives back what Redis still has of it. */
  forget(claim: Claim): void {
    if (!this.holds(claim)) return;
    const last = this.#claims.pop()!;
    if (last !== claim) this.#claims[(last.place = claim.place)] = last;
    claim.letGo();
    if (claim.isSuspect) this.#endSuspect(claim);
    if (claim.take.isOver && claim.settledBy !== 'ack') this.acks.close(claim.worker, claim.take);
    if (claim.settledBy === 'ack') this.#tally.handled += 1;
    else if (claim.settledBy === 'retry' || claim.settledBy === 'bury') this.#tally.failed += 1;
  }

  abandon(claim: Claim): void {
    if (!this.holds(claim)) return;
    this.forget(claim);
    if (claim.settledBy !== 'ack') this.#abandoned.push(claim);
  }

  /** A worker holds one suspect at a time, and suspects wake no waiting worker: without this, the next one would wait for the end of a block. */
  #endSuspect({ worker }: Claim): void {
    void this.channel.broker.forgetSuspect(processId(), worker).catch(() => undefined); // it expires
    this.#mayTakeSuspect = true;
    this.poke();
  }

  async #take(most: number): Promise<Pick<Taken, 'status' | 'news'> & { readonly claims: Claim[] }> {
    let taken: Taken | 'lost' = 'lost';
    let claims: Claim[] = [];
    try {
      while (taken === 'lost') {
        const worker = (this.#worker ??= await this.#join());
        this.#mayTakeSuspect = false;
        taken = await (this.#asking = this.channel.broker.take(worker, this.#number + 1, most, { signal: this.options.taking }));
        this.#asking = undefined;
        if (taken === 'lost') this.#lose();
        else claims = await this.#hold(worker, taken);
      }
      return { status: taken.status, news: taken.news, claims };
    } finally {
      this.#asking = undefined;
    }
  }

  async #hold(worker: string, { take }: Taken): Promise<Claim[]> {
    if (!take) return [];
    this.#number += 1;
    this.#takes.set(take.number, take);
    const takenAt = Date.now();
    const claims: Claim[] = [];
    for (let index = 1; index <= take.size; index++) {
      if (take.isSettled(index)) continue;
      const claim = new Claim(this, worker, take, index, takenAt);
      claim.place = this.#claims.push(claim) - 1;
      claims.push(claim);
    }
    // Before its handler begins: if this process dies, messages of its other queues are not to blame.
    if (!take.hasSuspect) return claims;
    await this.channel.broker.noteSuspect(processId(), worker).catch(() => undefined);
    return claims.filter((claim) => this.holds(claim)); // the lease may be lost by now
  }

  /** Somebody recovered this worker: what it holds is no longer its own, and it goes on as another. */
  #lose(): void {
    this.#worker = undefined;
    this.abort(new Error('the lease was lost: somebody else may hold the message'));
    this.#forgetAll();
  }

  #forgetAll(): void {
    this.#takes.clear();
    this.#abandoned = [];
    for (const claim of [...this.#claims]) this.forget(claim);
  }

  /** Sends again what Redis did not confirm. */
  async #settleLeftovers(worker: string): Promise<void> {
    const abandoned = this.#abandoned;
    this.#abandoned = [];
    if (abandoned.length > 0) await this.#release(worker, abandoned, { withinMs: 0 });
    for (const take of this.#takes.values()) if (take.isOver) this.acks.close(worker, take);
  }

  async #release(worker: string, claims: readonly Claim[], patience: Patience): Promise<void> {
    try {
      await this.channel.broker.release(worker, claims, patience);
    } catch {
      return void this.#abandoned.push(...claims);
    }
    for (const { take, index } of claims) take.confirm(index);
    for (const take of new Set(claims.map((claim) => claim.take))) if (take.isOver) this.acks.close(worker, take);
  }

  async #join(): Promise<string> {
    const worker = newId();
    this.#tally = { handled: 0, failed: 0 }; // what another did stays with the queue's sums
    const sentAt = performance.now();
    await this.channel.broker.join(worker, processId(), { signal: this.options.taking }, this.#report());
    this.#provenAt = sentAt;
    // The number goes on: another worker's tokens must never be taken for those of a lease that was lost.
    this.channel.upkeep.add(this);
    // Tools look for workers by the set of names: also where nobody has put anything yet.
    void this.channel.broker.announce(this.channel.name, { withinMs: 0 }).catch(() => undefined);
    return worker;
  }

  #mayTakeBehind(most: number): boolean {
    return most > 0 && this.options.onBrought !== undefined && this.#worker !== undefined && this.isProven && inHand.messages === 0;
  }

  /**
   * The take that is asked for together with the wait before it, so that a message finds an idle worker in two steps instead
   * of four. It has the number of the next take: whichever of the two Redis meets first is answered, the other told the same.
   */
  async #takeBehind(client: Client, most: number): Promise<void> {
    const worker = this.#worker!;
    const number = this.#number + 1;
    const taken = await this.channel.broker.takeBehind(client, worker, number, most).catch(() => 'lost' as const);
    if (this.#asking) await this.asking;
    if (taken === 'lost' || worker !== this.#worker || this.#number >= number) return; // the next take finds out
    this.#isPaused = taken.status === 'paused';
    const claims = await this.#hold(worker, taken);
    if (!this.#isIdle) await this.giveBack(claims); // busy meanwhile: they belong to a worker that is free
    else this.options.onBrought!(claims); // at once: what follows here can wait
    this.channel.upkeep.hear(taken.news);
  }

  #report(): string {
    return reportOf(this.options.about ?? aConsumer, this.#tally, this.#claims);
  }

  async #wait(most: number): Promise<void> {
    this.#waiter ??= this.channel.broker.waiter();
    const moved = await this.#waiter.wait(this.#mayTakeBehind(most) ? (client) => this.#takeBehind(client, most) : undefined);
    // Woken while busy: the message belongs to whoever is free, so it goes back to where the others wait.
    if (moved && !this.#isIdle && this.#worker) await this.channel.broker.release(this.#worker, []).catch(() => undefined);
  }
}
