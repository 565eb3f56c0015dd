// Longer than 250 lines: the registration of a worker and everything that it holds change together.
import type { Counted, QueueHints, WorkerCommand } from '../redis/transitions.js';
import type { Patience } from '../redis/connection.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { ExpectedJobs } from '../redis/job-transitions.js';
import type { TakeReply, Take } from '../redis/take.js';
import { newId } from '../wire/id.js';
import { Claim, type ClaimHolder } from './claim.js';
import {
  consumerDescription,
  heartbeatReport,
  type AttemptCounts,
  type WorkerDescription,
} from './heartbeat-report.js';
import { watchExit } from './exit.js';
import { KeptLease, pulse, type LeaseHolder } from './lease-keeper.js';
import { processId } from '../redis/process-id.js';
import { activeInProcess } from './process.js';
import { JobSettler } from './job-settler.js';
import { Settler } from './settler.js';
import { Tally } from '../telemetry/tally.js';
import { beginJobs, noteBegun } from './tracked.js';

const leavePatienceMs = 5_000;
/** Part of its lease after which a worker without a reply from Redis stops: before another worker may start its messages. */
const fencedAt = 0.85;

export interface SessionOptions {
  /** Aborts joining and taking. `leave` then gives back what is in flight. */
  readonly taking: AbortSignal;
  /** How long a settlement may wait for Redis. */
  readonly settling: Patience;
  /** Who this worker is, for the heartbeat report; a loop over `consume()` by default. */
  readonly description?: WorkerDescription;
  /** How long a thread renews the lease while a handler blocks the event loop; never if absent. */
  readonly maxBlockedMs?: number;
  /** Called with each heartbeat while someone asks this worker to quiet, resume or stop. */
  readonly onCommand?: (command: WorkerCommand) => void;
}

/**
 * One worker's registration in a queue, and everything that it holds.
 *
 *     none -- join --> registered -- leave, or its lease is lost --> none
 *
 * While registered it renews its lease with heartbeats. A worker that cannot reach Redis for most of a lease is fenced: its
 * handlers' signals abort, and nothing new begins, before another worker may recover its messages.
 */
export class Session implements ClaimHolder, LeaseHolder {
  readonly settler: Settler;
  /** What this worker has counted since it joined. */
  readonly tally = new Tally();
  /** A time of the queue, Unix ms, and when it was read, monotonic ms. */
  #clock = { at: 0, readAt: 0 };
  #jobSettler: JobSettler | undefined;
  /** Set if tracked messages were among the last that came. */
  expects: ExpectedJobs | undefined;
  /** Messages of an outbox that are on their way. */
  readonly #followed = new Set<Promise<void>>();
  /** A list, as each claim knows its position. A Set would replace its tables again and again, and keep settled claims alive until a full collection. */
  readonly #claims: Claim[] = [];
  /** By number: those that Redis has not dropped. */
  readonly #takes = new Map<number, Take>();
  /** Redis did not confirm their settlement in time. The next heartbeat gives back what it still has. */
  #unconfirmed: Claim[] = [];
  /** Id of the registered worker; `undefined` before {@link join} and after a lost lease. */
  worker: string | undefined;
  /**
   * The number that the next take must have. It stays the same until a take brings something, so a take can be sent again. It goes on
   * after a lost lease: claims of two workers must never look the same.
   */
  nextTakeNumber = 1;
  /** When the last heartbeat or join that Redis answered was sent: the lease counts from then. Monotonic ms. */
  #provenAt = 0;
  /** When a heartbeat or join was last tried, monotonic ms. */
  #triedAt = 0;
  /** Set when the first message has come. */
  #lease: KeptLease | undefined;
  #counts: AttemptCounts = { done: 0, failed: 0 };
  /** Takes up to this number that had not begun went back: the thread gave them back while a handler blocked the event loop. */
  #givenBackTo = 0;
  /** Resolves when they are back. */
  returned: Promise<void> | undefined;
  /** When the last handler began, monotonic ms. */
  beganAt = 0;

  /** @param onQuarantineEnded called when the quarantined message that this worker held is settled, so that it may take the next */
  constructor(
    readonly context: QueueContext,
    private readonly options: SessionOptions,
    private readonly onQuarantineEnded: () => void,
  ) {
    this.settler = new Settler(context.broker, options.settling, (take) => this.#takes.delete(take.number));
  }

  get settling(): Patience {
    return this.options.settling;
  }

  /** Whether Redis has confirmed this worker so lately that no other worker can have its messages. */
  get isProven(): boolean {
    return this.isProvenAt(performance.now());
  }

  /** {@link isProven} at an instant of the monotonic clock. */
  isProvenAt(now: number): boolean {
    const provenMs = this.context.broker.leaseMs * fencedAt;
    if (now - this.#provenAt < provenMs) return true;
    // A handler has blocked the event loop: the thread may have renewed the lease meanwhile.
    this.#provenAt = Math.max(this.#provenAt, this.#lease?.renewedAt ?? 0);
    return now - this.#provenAt < provenMs;
  }

  /** For `runner.health()`. */
  get vitals(): { readonly isConfirmed: boolean; readonly triedMsAgo: number | undefined } {
    if (!this.worker) return { isConfirmed: false, triedMsAgo: undefined };
    return { isConfirmed: this.isProven, triedMsAgo: performance.now() - this.#triedAt };
  }

  get name(): string {
    return (this.options.description ?? consumerDescription).name;
  }

  /** What this worker has taken and not settled. */
  get held(): readonly Claim[] {
    return this.#claims;
  }

  /** The takes that Redis has not dropped. */
  get takes(): readonly Take[] {
    return [...this.#takes.values()];
  }

  /** Whether a handler runs now. */
  get isRunning(): boolean {
    return this.#claims.some(({ startedAt }) => startedAt !== undefined);
  }

  /** Registers as a worker under a new id. @throws IncompatibleWorkersError */
  async join(): Promise<string> {
    const worker = newId();
    this.#counts = { done: 0, failed: 0 }; // the queue keeps the counts of the worker before
    this.tally.clear();
    const sentAt = performance.now();
    const at = await this.context.broker.join(worker, processId(), { signal: this.options.taking }, this.#report());
    this.#clock = { at, readAt: sentAt };
    this.#provenAt = this.#triedAt = sentAt;
    this.worker = worker;
    activeInProcess.workers += 1;
    return worker;
  }

  /** Renews the lease. @returns what Redis knows of the queue; `undefined` when this worker is not registered */
  async beat(): Promise<QueueHints | undefined> {
    const worker = this.worker;
    if (!worker) return undefined;
    const sentAt = (this.#triedAt = performance.now());
    const takes = this.takes.map((take) => this.#asForBeat(take));
    const reply = await this.context.broker.beat(
      worker,
      this.nextTakeNumber,
      takes,
      { withinMs: 0 },
      this.#report(),
      this.#counted(),
    );
    if (reply === 'lost') {
      if (worker === this.worker) this.loseLease();
      return undefined;
    }
    this.#provenAt = sentAt;
    if (reply.command) this.options.onCommand?.(reply.command);
    await this.#settleUnconfirmed();
    return reply;
  }

  /** Aborts the signals of all handlers when Redis has not answered for most of a lease. */
  fence(): void {
    pulse();
    if (!this.worker || this.isProven) return;
    this.abort(new Error('this worker could not renew its lease in time: another worker may have the message'));
  }

  /** Takes hold of what a take brought. @returns its messages, in order */
  async hold({ take, isReady }: TakeReply): Promise<Claim[]> {
    if (!take) return [];
    if (this.#lease?.gate.isClosed) this.#giveBackUnbegun();
    this.nextTakeNumber = Math.max(this.nextTakeNumber, take.number + 1);
    this.#takes.set(take.number, take);
    const { maxBlockedMs } = this.options;
    if (maxBlockedMs !== undefined && !this.#lease) {
      watchExit();
      this.#lease = new KeptLease(this, take.worker, maxBlockedMs);
    }
    this.#lease?.gate.expect(this.nextTakeNumber);
    this.#clock = { at: take.takenAt, readAt: take.receivedAt };
    const takenAt = Date.now();
    const claims: Claim[] = [];
    let hasTracked = false;
    for (let index = 1; index <= take.size; index++) {
      if (take.isSettled(index)) continue;
      const claim = new Claim(this, take, index, takenAt);
      if (claim.state.job) hasTracked = true;
      claim.state.position = this.#claims.push(claim) - 1;
      claims.push(claim);
    }
    if (this.isGivenBack(take.number)) {
      await this.giveBack(claims); // its reply came after the thread had given it back, or Redis answered it only then
      return [];
    }
    if (claims.length > 0) this.expects = hasTracked ? this : undefined;
    if (!take.hasQuarantined) return hasTracked ? this.#beginJobs(claims, isReady) : claims;
    // Before its handler begins: if this process then dies, the messages of its other queues are not blamed.
    await this.context.broker.noteQuarantined(processId(), take.worker).catch(() => undefined);
    const held = claims.filter((claim) => this.holds(claim)); // the lease may be lost by now
    return hasTracked ? this.#beginJobs(held, isReady) : held;
  }

  /** Settles tracked messages. */
  get jobSettler(): JobSettler {
    return (this.#jobSettler ??= new JobSettler(this.context.broker, this.context.results.tracking, this.settling));
  }

  /** Whether an acknowledgement or a result waits for the reply to an earlier one. */
  get hasUnsent(): boolean {
    return this.settler.hasUnsent || this.#jobSettler?.hasUnsent === true;
  }

  /**
   * The handler of a message begins.
   *
   * @param now monotonic ms
   * @returns false if another worker may have the message: the lease was lost, or it was given back while the event loop stood still
   */
  begin(claim: Claim, now: number): boolean {
    const gate = this.#lease?.gate;
    while (this.holds(claim)) {
      if (!gate || gate.pass(claim.take.number, claim.index)) {
        claim.startedAt = this.beganAt = now;
        return true;
      }
      this.#giveBackUnbegun();
    }
    return false;
  }

  /** The next take gets another number: what Redis may have claimed for this one goes back with the next heartbeat. */
  abandonTake(): void {
    this.#givenBackTo = this.nextTakeNumber++;
    this.#lease?.gate.expect(this.nextTakeNumber);
  }

  /** Whether this worker begins nothing of this take any more, as it was given back while the event loop stood still. */
  isGivenBack(number: number): boolean {
    return number <= this.#givenBackTo;
  }

  /** Whether the claim is this worker's, and not settled. */
  holds(claim: Claim): boolean {
    return this.#claims[claim.state.position] === claim;
  }

  /** Gives claims back unhandled, in one trip. */
  async giveBack(claims: readonly Claim[]): Promise<void> {
    const held = claims.filter((claim) => this.holds(claim));
    if (held.length === 0) return;
    for (const claim of held) this.forget(claim);
    await this.#release(held, this.settling);
  }

  /** Aborts the signals of all handlers. */
  abort(reason: unknown): void {
    for (const claim of this.#claims) claim.abort(reason);
  }

  /** The claim is settled, or Redis did not answer: the next heartbeat gives back what Redis still has of it. */
  forget(claim: Claim): void {
    if (!this.holds(claim)) return;
    const last = this.#claims.pop()!;
    if (last !== claim) this.#claims[(last.state.position = claim.state.position)] = last;
    if (!claim.state.settledBy) claim.deactivate();
    if (claim.take.hasQuarantined && claim.isQuarantined) this.#endQuarantine(claim);
    if (claim.take.isOver && (claim.state.settledBy !== 'ack' || claim.state.job)) this.settler.close(claim.take);
    if (claim.state.settledBy === 'ack') this.#counts.done += 1;
    else if (claim.state.settledBy === 'retry' || claim.state.settledBy === 'bury') this.#counts.failed += 1;
  }

  follow(work: Promise<void>): void {
    const over = (): void => void this.#followed.delete(followed);
    const followed = work.then(over, over);
    this.#followed.add(followed);
  }

  /** {@link forget} a claim whose settlement Redis did not confirm in time. */
  settleLater(claim: Claim): void {
    if (!this.holds(claim)) return;
    this.forget(claim);
    if (claim.state.settledBy !== 'ack' || claim.state.job) this.#unconfirmed.push(claim);
  }

  /** Another worker has recovered this one: nothing that it holds is its own any more. It joins again as a new worker. */
  loseLease(): void {
    this.#endRegistration();
    this.abort(new Error('the lease was lost: another worker may have the message'));
    this.#forgetAll();
  }

  /** Gives back everything that is still held, and ends the registration. */
  async leave(): Promise<void> {
    await this.#jobSettler?.drained();
    while (this.#followed.size > 0) await Promise.all(this.#followed);
    await this.settler.drained();
    const worker = this.worker;
    this.#endRegistration();
    try {
      if (worker)
        await this.context.broker.leave(worker, { withinMs: leavePatienceMs }, this.#report(), this.#counted());
      // After a stall another worker may have recovered them instead.
      if (worker && this.isProven) this.#emitReleased();
    } finally {
      this.#forgetAll();
    }
  }

  /** A heartbeat must not report an acknowledgement before the acknowledgement itself: that would find nothing to do, and its event would be missing. */
  #asForBeat(take: Take): Pick<Take, 'acknowledgements'> {
    return this.settler.isPending(take) ? { acknowledgements: take.noAcknowledgements } : take;
  }

  /**
   * The thread has given back what had not begun, or tries to. Its call may be lost or late, so this worker gives back the same: Redis
   * does it once. The take that may be in flight is among it, so the next one has another number.
   */
  #giveBackUnbegun(): void {
    const { gate } = this.#lease!;
    const unbegun = this.#claims.filter((claim) => !gate.hasPassed(claim.take.number, claim.index));
    this.#givenBackTo = this.nextTakeNumber++;
    gate.open(this.nextTakeNumber);
    this.returned = this.giveBack(unbegun);
  }

  async noteBegun(claim: Claim): Promise<void> {
    await noteBegun(this, claim);
  }

  /** @param isReady whether the handlers may begin at once. Then the record of a job is written when it ends, or when its status is read */
  async #beginJobs(claims: Claim[], isReady = false): Promise<Claim[]> {
    if (isReady) return claims; // an earlier take of this session called begin, so cancellations are watched
    const begun = await beginJobs(this, claims, { signal: this.options.taking });
    return begun.filter((claim) => this.holds(claim)); // the lease may be lost by now
  }

  #endRegistration(): void {
    if (this.worker) activeInProcess.workers -= 1;
    this.worker = undefined;
    this.#lease?.end();
    this.#lease = undefined;
  }

  /** Messages that had begun, and went back with the worker. */
  #emitReleased(): void {
    for (const claim of this.#claims)
      if (claim.startedAt !== undefined && !claim.state.settledBy) claim.emit('release');
  }

  #endQuarantine({ take }: Claim): void {
    void this.context.broker.forgetQuarantined(processId(), take.worker).catch(() => undefined); // it expires
    this.onQuarantineEnded();
  }

  #forgetAll(): void {
    this.#takes.clear();
    this.#unconfirmed = [];
    for (const claim of [...this.#claims]) this.forget(claim);
  }

  /** Sends again what Redis did not confirm. */
  async #settleUnconfirmed(): Promise<void> {
    const claims = this.#unconfirmed;
    this.#unconfirmed = [];
    if (claims.length > 0) await this.#release(claims, { withinMs: 0 });
    for (const take of this.#takes.values()) if (take.isOver) this.settler.close(take);
  }

  async #release(claims: readonly Claim[], patience: Patience): Promise<void> {
    try {
      await this.context.broker.release(claims[0]!.take.worker, claims, patience);
    } catch {
      return void this.#unconfirmed.push(...claims);
    }
    for (const { take, index } of claims) take.confirm(index);
    for (const take of new Set(claims.map((claim) => claim.take))) if (take.isOver) this.settler.close(take);
  }

  /** For the metrics of the queue, and the time of the queue to which it belongs. */
  #counted(): Counted {
    return { text: this.tally.toString(), at: this.#clock.at + performance.now() - this.#clock.readAt };
  }

  #report(): string {
    return heartbeatReport(this.options.description ?? consumerDescription, this.#counts, this.#claims);
  }
}
