// Longer than 250 lines: one message and all that can happen to it is one object.
import { AlreadySettledError, JobCancelledError, LeaseLostError, NotTrackedError } from '../core/errors.js';
import { emit, type QueueEvents, type SettledEvent } from '../core/events.js';
import { errorFields } from '../core/logger.js';
import type { JobFields } from '../core/job.js';
import type { PutOptions } from '../core/options/put.js';
import type { TraceContext } from '../core/trace-context.js';
import type { SettleReply } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { ClaimRef, Lane, Take } from '../redis/take.js';
import { freshLength, noOptions, open, optionsOf, type Envelope, type MessageOptions } from '../wire/envelope.js';
import { timesLeft, withContinuation, withFailure, withTimesLeft } from '../wire/returning.js';
import { reasonText, wordsOf } from '../wire/error-record.js';
import { writeDeadLetterRecord, type Burial } from '../wire/dead-letter-record.js';
import type { ParentOfJob } from '../jobs/parent.js';
import { scheduleInId, type ScheduleOfJob } from '../schedules/run-id.js';
import { madeAt } from '../wire/id.js';
import { traceIn } from '../wire/trace.js';
import { Delivery, type DeliveryState, type SettleVerb } from './delivery.js';
import { endAttribution } from './attribution.js';
import { activeInProcess } from './process.js';
import { delayAfter, type RetryPolicy } from './retry-policy.js';
import { settleChannel, traced, type SettleTrace } from '../telemetry/channels.js';
import type { Tally } from '../telemetry/tally.js';
import { ClaimJob, type JobHolder } from './claim-job.js';
import type { Settler } from './settler.js';
import { forgetRunning, noteRunning } from './tracked.js';

/** Events of one message. */
type DeliveryVerb = 'take' | 'ack' | 'retry' | 'bury' | 'release' | 'lost';

/** After so many loops have ended while they had a message, it counts as a failed attempt. */
export const mostTimesLeft = 6;

/** About a hundred years. Redis does not accept a much later time. */
const longestDelayMs = 3_155_760_000_000;

/** The session of a claim, as far as the claim needs it: the session creates claims, so a claim must not import it. */
export interface ClaimHolder extends JobHolder {
  readonly context: QueueContext;
  readonly settler: Settler;
  readonly tally: Tally;
  forget(claim: Claim): void;
  settleLater(claim: Claim): void;
}

/** What changes in a claim while its handler runs. */
interface ClaimState extends DeliveryState {
  /** For a tracked message, and for one whose handler called `next`. */
  job: ClaimJob | undefined;
  /** Index in the session's list of claims, so that removing it needs no search. */
  position: number;
  /** When its handler ended, or settled it, monotonic ms. What runs the handler sets it with a reading of the clock that it needs anyway. */
  endedAt: number | undefined;
}

/**
 * A message that this worker has taken and not yet settled: one message of a take. Handlers see it as a {@link Delivery}.
 * It is settled once, with `ack`, `retry`, `bury` or `release`.
 */
export class Claim<T = unknown> extends Delivery<T> implements ClaimRef {
  /** Set when it is decoded and validated. */
  payload!: T;
  readonly state: ClaimState = {
    settledBy: undefined,
    failure: undefined,
    controller: undefined,
    job: undefined,
    position: -1,
    endedAt: undefined,
  };
  readonly attempt: number;
  /** What its producer set for this message alone. */
  readonly options: MessageOptions;
  /** When its handler began, monotonic ms; absent while the message waits in the prefetch buffer. */
  startedAt: number | undefined;
  /** How its failures are handled; absent before it is admitted. */
  policy: RetryPolicy | undefined;
  /** Called before `release`: messages that were claimed later go back first, so that this one comes to stand before them. */
  beforeRelease: (() => void) | undefined;
  /** Absent for a message that this library put and no worker has tried, as most are: its header needs no parsing. */
  readonly #envelope: Envelope | undefined;
  /** Whether a worker has died while it had this message. */
  readonly #isSuspect: boolean;
  #id: string | undefined;
  #isActive = true;
  #settling: Promise<void> | undefined;
  /** Set if someone has subscribed to the settlements: an acknowledgement that no caller waits for. */
  #acking: SettleTrace | undefined;
  /** Resolves the caller's promise of `ack`; absent when no caller waits. */
  #onAckReply: ((reply: SettleReply | Error) => void) | undefined;

  constructor(
    private readonly session: ClaimHolder,
    readonly take: Take,
    /** Of the message in its take, from 1. */
    readonly index: number,
    /** Unix ms, by this machine's clock. */
    readonly takenAt: number,
  ) {
    super();
    this.#envelope = take.isFresh(index) ? undefined : open(take.text(index));
    const header = this.#envelope?.header;
    this.attempt = header ? header.attempts + 1 : 1;
    this.options = header ? optionsOf(header) : noOptions;
    if (this.options.tracked === 1) this.#track();
    activeInProcess.messages += 1;
    this.#isSuspect = header !== undefined && header.crashes > 0;
    if (this.#isSuspect) activeInProcess.suspects += 1;
  }

  get context(): QueueContext {
    return this.session.context;
  }

  get queue(): string {
    return this.context.name;
  }

  get id(): string {
    return (this.#id ??= this.#envelope
      ? (this.#envelope.header?.id ?? this.#generatedId)
      : this.take.text(this.index).slice(1, 37));
  }

  /** When it was put, Unix ms; for a message of another program, when it was first taken. */
  get putAt(): number {
    return this.options.putAt ?? madeAt(this.id) ?? this.takenAt;
  }

  get schedule(): ScheduleOfJob | undefined {
    const found = this.options.scheduled === 1 ? scheduleInId(this.id) : undefined;
    return found && { name: found.name, dueAt: found.dueAt };
  }

  get trace(): TraceContext | undefined {
    return traceIn(this.#envelope?.header?.fields ?? '');
  }

  /** When its handler began, or else when it was taken, Unix ms, by the time of the queue. */
  get begunAt(): number {
    return Math.floor(this.take.queueTimeAt(this.startedAt ?? this.take.receivedAt));
  }

  /** How long its handler ran until it was settled, or until now, ms; 0 if none began. */
  get runMs(): number {
    return this.startedAt === undefined ? 0 : (this.state.endedAt ?? performance.now()) - this.startedAt;
  }

  /** How long it was ready before its handler began, ms, by the time of the queue. */
  get waitMs(): number {
    const { take, options } = this;
    const startedAt = take.takenAt - take.receivedAt + (this.startedAt ?? this.state.endedAt ?? performance.now());
    const header = this.#envelope?.header;
    const putAt = options.putAt ?? (this.#envelope ? header && madeAt(header.id) : take.madeAt(this.index));
    const readyAt = options.readyAt ?? putAt;
    return readyAt === undefined ? startedAt - take.takenAt : Math.max(0, startedAt - readyAt);
  }

  /** The list that it was taken from. */
  get lane(): Lane {
    return this.take.lane(this.index);
  }

  /** Whether one more crash of its worker buries it. */
  get isQuarantined(): boolean {
    return this.lane === 's';
  }

  /** The payload as it was stored. */
  get text(): string {
    if (this.state.job?.replacement !== undefined) return this.state.job.replacement;
    return this.#envelope ? this.#envelope.text : this.take.text(this.index, freshLength);
  }

  /** Whether its `ttl` had passed when it was taken, by the time of the queue; for a tracked one, when its job should begin. */
  get hasExpired(): boolean {
    return this.state.job?.hasExpired === true || this.take.takenAt >= (this.options.expiresAt ?? Infinity);
  }

  /** Whether its job has a record. */
  get isTracked(): boolean {
    return this.state.job?.isTracked === true;
  }

  /** Whether its job was cancelled while this process had the message. */
  get isCancelled(): boolean {
    return this.state.job !== undefined && this.state.controller?.signal.reason instanceof JobCancelledError;
  }

  /** Its handler must not begin. @param isSettled its job was cancelled, and Redis has settled the message; otherwise another worker has it */
  drop(isSettled: boolean): void {
    if (isSettled) this.take.confirm(this.index);
    this.state.settledBy = 'release';
    this.deactivate();
    this.session.forget(this);
  }

  /** Aborts the handler's signal. */
  abort(reason: unknown): void {
    this.state.controller ??= new AbortController();
    this.state.controller.abort(reason);
  }

  /** This process no longer works on it: it is settled or lost. */
  deactivate(): void {
    if (!this.#isActive) return;
    this.#isActive = false;
    if (this.state.job) forgetRunning(this);
    activeInProcess.messages -= 1;
    if (this.#isSuspect && --activeInProcess.suspects === 0) endAttribution();
  }

  /** Emits an event of this message, if it has a listener. */
  emit<V extends DeliveryVerb>(verb: V, more?: Omit<QueueEvents[V][0], keyof SettledEvent>): void {
    const { events } = this.session.context;
    if (events.listenerCount(verb) === 0) return;
    const { queue, id, attempt, worker } = this;
    const times = verb !== 'take' && { tookMs: Math.round(this.runMs), waitedMs: Math.round(this.waitMs) };
    emit(events, verb, { queue, id, attempt, worker, ...times, ...more });
  }

  /** Logs a failed settlement that no caller waits for. */
  warnUnsettled(error: unknown): void {
    const { queue, id, attempt, worker } = this;
    const { logger } = this.context;
    const fields = { id, attempt, worker, ...errorFields(error) };
    // After a lost lease another worker has the message, so nothing is lost.
    if (error instanceof LeaseLostError) logger.warn({ queue, event: 'lost', ...fields }, error.message);
    else
      logger.warn(
        { queue, ...fields, settledBy: this.state.settledBy },
        `message ${id} of queue "${queue}" was not settled (${wordsOf(error).message}): it will be handled again`,
      );
  }

  /** Acknowledges the message. No caller waits for the reply: a promise for each message would dominate its cost. */
  acknowledge(result = ''): undefined {
    this.state.settledBy = 'ack';
    this.deactivate();
    if (settleChannel.hasSubscribers) this.#publishAck();
    if (this.state.job) this.#acknowledgeJob(this.state.job, result);
    else this.session.settler.add(this);
  }

  ack(): Promise<void> {
    return this.#settle('ack', undefined, () => {
      if (this.state.job) this.#acknowledgeJob(this.state.job, '');
      else this.session.settler.add(this);
      return new Promise((resolve, reject) => {
        this.#onAckReply = (reply) => (reply instanceof Error ? reject(reply) : resolve(reply));
      });
    });
  }

  /** Redis has answered the acknowledgement, or did not in time. */
  onAckReply(reply: SettleReply | Error): void {
    // Also for `already`: an earlier, identical call of this process arrived, and its reply was lost.
    const isDone = (reply === 'done' || reply === 'already') && this.state.job?.isContinued !== true;
    if (isDone) {
      const runMs = this.startedAt === undefined ? 0 : (this.state.endedAt ?? performance.now()) - this.startedAt;
      this.session.tally.ended('handled', runMs, this.waitMs);
      if (this.session.context.events.listenerCount('ack') > 0) this.emit('ack');
    }
    if (this.#acking) this.#publishAckReply(this.#acking, reply);
    if (this.#onAckReply) return this.#onAckReply(reply);
    if (reply instanceof Error) this.session.settleLater(this);
    else this.session.forget(this);
    if (reply === 'lost') this.#endedLate();
    if (reply === 'lost' || reply instanceof Error) this.warnUnsettled(reply === 'lost' ? this.#leaseLost() : reply);
  }

  retryIn(askedMs: number, error?: unknown): Promise<void> {
    const delayMs = Math.min(askedMs, longestDelayMs);
    return this.#settle('retry', error, async () => {
      const { broker } = this.context;
      const lane = this.#laneWithHeader;
      const readyAt = Math.round(this.take.queueTimeAt(this.state.endedAt!) + delayMs);
      const message = withFailure(this.#message, this.#envelope, this, error, readyAt);
      const reply = this.state.job
        ? await this.state.job.retry(lane, delayMs, message, error)
        : await broker.retry(this.take.worker, this, { id: this.id, lane, delayMs, message }, this.session.settling);
      if (reply === 'ended') return 'done';
      if (reply === 'lost') return reply;
      if (delayMs > 0) this.context.maintenance.observe({ nextDueMs: delayMs });
      if (this.options.continued !== 1) this.session.tally.ended('retried', this.runMs, this.waitMs);
      this.emit('retry', { delayMs, error });
      return reply;
    });
  }

  bury(reason: string): Promise<void> {
    return this.buryAs({ reason });
  }

  /** As `bury`, with the error. A handler may replace the public methods of its delivery, so the library calls only its own. */
  buryAs(burial: Burial): Promise<void> {
    return this.#settle('bury', burial.error, async () => {
      const { error } = burial;
      const reason = reasonText(burial.reason);
      const record = writeDeadLetterRecord({ ...burial, reason }, this);
      const reply = this.state.job
        ? await this.state.job.bury(record, this.#message, reason, error)
        : await this.context.broker.bury(this.take.worker, this, this.id, record, this.session.settling);
      if (reply === 'ended') return 'done';
      if (reply === 'lost') return reply;
      if (reason === 'expired') this.session.tally.expired();
      else this.session.tally.ended('dead', this.startedAt === undefined ? undefined : this.runMs, this.waitMs);
      this.emit('bury', { reason, error });
      return reply;
    });
  }

  release(): Promise<void> {
    return this.#settle('release', undefined, async () => {
      this.beforeRelease?.();
      const reply = await this.context.broker.release(this.take.worker, [this], this.session.settling);
      if (reply !== 'lost') this.emit('release');
      return reply;
    });
  }

  /**
   * Gives the message back because its loop ended. A loop that threw looks like one that ended with `break`, so Redis counts both.
   *
   * A bare message of a plain queue stays as it is: a header would break Python's reader, so nothing is counted.
   *
   * @returns whether it did so. Not the sixth time: then the message counts as failed
   */
  async leaveBehind(): Promise<boolean> {
    if (this.context.wire === 'plain' && !this.#envelope?.header) {
      await this.release();
      return true;
    }
    if (timesLeft(this.#envelope) + 1 >= mostTimesLeft) return false;
    const { broker } = this.context;
    const message = withTimesLeft(this.#message, this.#envelope, this.id);
    const take = { number: this.take.number, lane: () => this.#laneWithHeader, message: () => message };
    await this.#settle('release', undefined, async () => {
      this.beforeRelease?.();
      const reply = await broker.release(this.take.worker, [{ take, index: this.index }], this.session.settling);
      if (reply !== 'lost') this.emit('release');
      return reply;
    });
    return true;
  }

  async progress(value: unknown): Promise<void> {
    await this.#jobFor('progress()').progress(value);
  }

  async log(line: string): Promise<void> {
    await this.#jobFor('log()').log(line);
  }

  /** The message as it is stored again if its job has the result of another one. */
  get continued(): Buffer {
    return withContinuation(this.#message, this.#envelope);
  }

  continueWith(job: unknown): void {
    if (this.state.settledBy) throw new AlreadySettledError(this.id, this.state.settledBy, 'continueWith');
    this.#jobFor('continueWith()').continueWith(job);
  }

  async parents<R>(): Promise<ParentOfJob<R>[]> {
    return this.state.job ? ((await this.state.job.parents()) as ParentOfJob<R>[]) : [];
  }

  async next(queue: object, payload: unknown, options?: PutOptions): Promise<JobFields> {
    if (this.state.settledBy) throw new AlreadySettledError(this.id, this.state.settledBy, 'next');
    this.state.job ??= new ClaimJob(this, this.session, false);
    return this.state.job.next(queue, payload, options);
  }

  get worker(): string {
    return this.take.worker;
  }

  protected backoffMs(): number {
    return this.policy ? delayAfter(this.attempt, this.policy.backoff) : 0;
  }

  /** The list for the message once it has a header. In the base list, a header would break Python's reader of a plain queue. */
  get #laneWithHeader(): Lane {
    return this.context.wire === 'plain' && !this.isQuarantined ? 'a' : this.lane;
  }

  #track(): void {
    this.state.job = new ClaimJob(this, this.session, true);
    noteRunning(this);
  }

  /** @throws NotTrackedError */
  #jobFor(call: string): ClaimJob {
    if (this.state.job) return this.state.job;
    throw new NotTrackedError(this.queue, this.id, call);
  }

  #acknowledgeJob(job: ClaimJob, result: string): void {
    job.acknowledge(result, (reply) => {
      if (!(reply instanceof Error) && reply !== 'lost') this.take.confirm(this.index);
      this.onAckReply(reply === 'ended' ? 'done' : reply);
    });
  }

  /** The message as it is stored again, with the payload that it has now. */
  get #message(): Buffer {
    const message = this.take.message(this.index);
    const replacement = this.state.job?.replacement;
    if (replacement === undefined) return message;
    const length = this.#envelope ? this.#envelope.headerLength : freshLength;
    return Buffer.concat([message.subarray(0, length), Buffer.from(replacement)]);
  }

  /** Id of a message without a header. Worker, take and index are never used twice together, and `recover.lua` makes the same id. */
  get #generatedId(): string {
    return `${this.take.worker}.${this.lane}${this.take.number}.${this.index}`;
  }

  /** @param cause why it is retried or buried */
  #settle(verb: SettleVerb, cause: unknown, send: () => Promise<SettleReply>): Promise<void> {
    if (this.state.settledBy !== undefined && this.state.settledBy !== verb)
      return Promise.reject(new AlreadySettledError(this.id, this.state.settledBy, verb));
    if (this.state.settledBy === verb) return this.#settling ?? Promise.resolve();
    this.state.settledBy = verb;
    this.state.endedAt = performance.now();
    this.deactivate();
    this.#settling = settleChannel.hasSubscribers
      ? traced(settleChannel, this.#settleTrace(verb, cause), () => this.#send(send))
      : this.#send(send);
    return this.#settling;
  }

  #settleTrace(verb: SettleVerb, cause?: unknown): SettleTrace {
    return { queue: this.queue, redis: this.context.broker.connection.label, verb, message: this, cause };
  }

  /** The events of {@link traced}, for an acknowledgement without a promise. */
  #publishAck(): void {
    const trace = (this.#acking = this.#settleTrace('ack'));
    settleChannel.start.publish(trace);
    settleChannel.end.publish(trace);
  }

  #publishAckReply(trace: SettleTrace, reply: SettleReply | Error): void {
    this.#acking = undefined;
    const error = reply === 'lost' ? this.#leaseLost() : reply;
    if (error instanceof Error) settleChannel.error.publish(Object.assign(trace, { error }));
    settleChannel.asyncStart.publish(trace);
    settleChannel.asyncEnd.publish(trace);
  }

  async #send(send: () => Promise<SettleReply>): Promise<void> {
    const reply = await send().catch((error: unknown) => {
      this.session.settleLater(this);
      throw error;
    });
    if (reply !== 'lost' && this.state.settledBy !== 'ack') this.take.confirm(this.index);
    this.session.forget(this);
    if (reply !== 'lost') return;
    this.emit('lost');
    throw this.#leaseLost();
  }

  /** Its handler ended well, but its lease had ended: the crash that recovery counted was none. */
  #endedLate(): void {
    this.emit('lost');
    const { session, context, take, index, worker } = this;
    session.follow(context.broker.uncountCrash(this.id, worker, `${take.number}.${index}`, session.settling));
  }

  #leaseLost(): LeaseLostError {
    return new LeaseLostError(this.context.name, this.id);
  }
}
