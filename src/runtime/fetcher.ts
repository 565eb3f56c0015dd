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
/** How often to look at a paused queue: resuming it wakes no worker. */
const pausedLookMs = 1_000;
/** Part of its lease after which a worker without a reply from Redis aborts its handlers: before another worker may start. */
const fencedAt = 0.85;
/** Node fires a timer with a longer delay at once. */
const longestTimerMs = 2 ** 31 - 1;

export interface FetcherOptions {
  /** Aborts taking. `leave` then gives back the messages of a take that was in flight. */
  readonly taking: AbortSignal;
  /** How long settling a claim may wait for Redis. */
  readonly settling: Patience;
  /** Description of the worker for its heartbeat report. */
  readonly about?: About;
  /** Called when this worker has a command, with every heartbeat until the command is withdrawn. */
  readonly onOrder?: (order: Order) => void;
  /** Called with the claims of a take that was sent with a wait, as soon as they arrive; see {@link Fetcher.idle}. */
  readonly onBrought?: (claims: Claim[]) => void;
}

/**
 * Takes messages for one consumer: registers as a worker, takes, waits and leaves.
 *
 * At most one take is in flight. Its number advances only if it brought messages, so a take can be sent again if its reply
 * was lost.
 */
export class Fetcher implements Tended, Keeper {
  readonly acks: Acks;
  /**
   * Each claim knows its index here. A Set would replace its tables again and again, and these keep finished claims in memory
   * until a full garbage collection.
   */
  readonly #claims: Claim[] = [];
  /** By number: takes that Redis has not dropped. */
  readonly #takes = new Map<number, Take>();
  /** Claims that may be settled: Redis did not answer in time. The next heartbeat gives back those that are not. */
  #abandoned: Claim[] = [];
  #worker: string | undefined;
  #number = 0;
  /** When the last successful heartbeat or join was sent, in monotonic ms. The lease counts from then. */
  #provenAt = 0;
  #waiter: Waiter | undefined;
  /** The take in flight. */
  #asking: Promise<unknown> | undefined;
  #isIdle = false;
  #isPaused = false;
  /** A quarantined message was settled after the last take was sent, so the next take may bring another one. */
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
   * Claims waiting messages.
   *
   * @param most maximum number of messages, from 1
   * @returns an empty array if no message is waiting
   */
  async take(most: number): Promise<Claim[]> {
    // After a stall the lease is uncertain, and no message could start before the next heartbeat. So send the heartbeat first.
    if (this.#worker && !this.isProven) await this.beat().catch(() => undefined); // Redis is away: the take waits for it
    const taken = await this.#take(most);
    this.#isPaused = taken.status === 'paused';
    this.channel.upkeep.hear(taken.news);
    return taken.claims;
  }

  /**
   * Resolves when a message may be waiting, when {@link poke} is called, or after `timeoutMs`.
   *
   * @param most maximum number of messages for a take that Redis runs when the wait ends. It is sent only if no message is
   *   active in this process, and `onBrought` gets its claims
   */
  async idle(timeoutMs = Infinity, most = 0): Promise<void> {
    if (this.#mayTakeSuspect) return;
    this.#isIdle = true;
    let timer: NodeJS.Timeout | undefined;
    const poked = new Promise<void>((resolve) => (this.#poked = resolve));
    const patienceMs = Math.min(timeoutMs, this.#isPaused ? pausedLookMs : Infinity);
    if (patienceMs < Infinity) timer = setTimeout(() => this.poke(), Math.min(patienceMs, longestTimerMs));
    try {
      // A wait on a paused queue would move its messages into the inbox, one by one.
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

  /**
   * Leaves out acknowledgements that are on their way. If a heartbeat delivered them first, the acknowledgement would find
   * nothing to do, and no `ack` event would be emitted.
   */
  #asForBeat(take: Take): Pick<Take, 'number' | 'acknowledgements'> {
    return this.acks.isPending(take) ? { number: take.number, acknowledgements: take.noAcknowledgements } : take;
  }

  /** Whether the last reply from Redis is so recent that no other worker can have the messages of this one. */
  get isProven(): boolean {
    return this.isProvenAt(performance.now());
  }

  /** {@link isProven} at `now`, in monotonic ms. */
  isProvenAt(now: number): boolean {
    return now - this.#provenAt < this.channel.broker.leaseMs * fencedAt;
  }

  fence(): void {
    if (!this.#worker || this.isProven) return;
    this.abort(new Error('this worker could not renew its lease in time: another worker may have the message'));
  }

  /** Whether a claim still belongs to this worker: not settled, and not lost with its lease. */
  holds(claim: Claim): boolean {
    return this.#claims[claim.place] === claim;
  }

  /** Aborts the signals of all active messages. */
  abort(reason: unknown): void {
    for (const claim of this.#claims) claim.abort(reason);
  }

  /** The take in flight, if any. Never rejects. Its messages are younger than all claims of this worker. */
  get asking(): Promise<unknown> | undefined {
    return this.#asking?.catch(() => undefined);
  }

  /** Releases claims that have not started, in one round trip. */
  async giveBack(claims: readonly Claim[]): Promise<void> {
    const ours = claims.filter((claim) => this.holds(claim));
    if (ours.length === 0) return;
    for (const claim of ours) this.forget(claim);
    await this.#release(ours[0]!.worker, ours, this.settling);
  }

  /** Gives back all claims, and removes this worker from the registry. */
  async leave(): Promise<void> {
    this.channel.upkeep.remove(this);
    // End the wait first. Otherwise the server may still serve it, and its message stays in the inbox until the next take.
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

  /** Removes a claim that is settled or abandoned. If it is still active in Redis, the next heartbeat gives it back. */
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

  /**
   * Lets this worker take the next quarantined message at once. A worker holds at most one of them, and they wake no waiting
   * worker: without this, the next one would wait until a wait ends.
   */
  #endSuspect({ worker }: Claim): void {
    void this.channel.broker.forgetSuspect(processId(), worker).catch(() => undefined); // the note expires
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
    // Store this before the handler starts. If this process dies, messages of its other queues then count no crash.
    if (!take.hasSuspect) return claims;
    await this.channel.broker.noteSuspect(processId(), worker).catch(() => undefined);
    return claims.filter((claim) => this.holds(claim)); // the lease may be lost by now
  }

  /** Another process recovered this worker: its claims are lost, and it continues under a new id. */
  #lose(): void {
    this.#worker = undefined;
    this.abort(new Error('the lease was lost: another worker may have the message'));
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
    this.#tally = { handled: 0, failed: 0 }; // the counts of the previous id stay in the queue's totals
    const sentAt = performance.now();
    await this.channel.broker.join(worker, processId(), { signal: this.options.taking }, this.#report());
    this.#provenAt = sentAt;
    // Do not reset the take number: claim tokens of the new id must differ from those of a lost lease.
    this.channel.upkeep.add(this);
    // Tools find workers by the set of queue names. Add the name here too: there may have been no put yet.
    void this.channel.broker.announce(this.channel.name, { withinMs: 0 }).catch(() => undefined);
    return worker;
  }

  #mayTakeBehind(most: number): boolean {
    return most > 0 && this.options.onBrought !== undefined && this.#worker !== undefined && this.isProven && inHand.messages === 0;
  }

  /**
   * Sends a take together with the wait before it, so that a message reaches an idle worker in two steps instead of four.
   *
   * It has the number of the next take. Redis answers the first of the two that arrives, and gives the other the same reply.
   */
  async #takeBehind(client: Client, most: number): Promise<void> {
    const worker = this.#worker!;
    const number = this.#number + 1;
    const taken = await this.channel.broker.takeBehind(client, worker, number, most).catch(() => 'lost' as const);
    if (this.#asking) await this.asking;
    if (taken === 'lost' || worker !== this.#worker || this.#number >= number) return; // the next take finds out
    this.#isPaused = taken.status === 'paused';
    const claims = await this.#hold(worker, taken);
    if (!this.#isIdle) await this.giveBack(claims); // busy by now: a free worker takes them
    else this.options.onBrought!(claims); // first, because the rest can wait
    this.channel.upkeep.hear(taken.news);
  }

  #report(): string {
    return reportOf(this.options.about ?? aConsumer, this.#tally, this.#claims);
  }

  async #wait(most: number): Promise<void> {
    this.#waiter ??= this.channel.broker.waiter();
    const moved = await this.#waiter.wait(this.#mayTakeBehind(most) ? (client) => this.#takeBehind(client, most) : undefined);
    // Woken while busy: move the message back to the waiting list, to wake a worker that is free.
    if (moved && !this.#isIdle && this.#worker) await this.channel.broker.release(this.#worker, []).catch(() => undefined);
  }
}
