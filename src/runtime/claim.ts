import { AlreadySettledError, InvalidPayloadError, LeaseLostError } from '../contract/errors.js';
import type { EventEmitter } from 'node:events';
import type { DeliveryEvent, QueueEvents } from '../contract/events.js';
import { madeAt } from '../message/ids.js';
import { failureOf, readFailures, wordsOf, writeFailures } from '../message/failures.js';
import { freshLength, headerAnd, headerLine, noOptions, open, optionsOf, type Envelope, type MessageOptions } from '../message/envelope.js';
import type { Place, Retry, Settled } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { Lane, Take } from '../redis/take.js';
import type { Acks } from './acks.js';
import type { Channel } from './channel.js';
import { abort, type Delivery } from './delivery.js';
import { inHand } from './process.js';
import { delayAfter, type RetryPolicy } from './retry-policy.js';

export type Verb = 'ack' | 'retry' | 'bury' | 'release';

/** What a claim needs from the fetcher that took it. */
export interface Keeper {
  readonly channel: Channel;
  /** How long settling may wait for Redis. */
  readonly settling: Patience;
  readonly acks: Acks;
  /** Removes a claim that is settled, or lost with its lease. */
  forget(claim: Claim): void;
  /** Removes a claim that may be settled: Redis did not answer in time. */
  abandon(claim: Claim): void;
}

/** Why a message was buried. It is stored beside the message as one line of JSON. */
export interface Burial {
  readonly reason: string;
  /** Number of attempts; up to and including this one if absent. */
  readonly attempts?: number;
  readonly error?: unknown;
}

/** A message of a take that a worker has not settled yet. It is settled once. */
export class Claim implements Place {
  /** When its handler started, in monotonic ms; absent while it waits for a slot. */
  beganAt: number | undefined;
  /** Gives back the claims that were taken later, before this one goes back, so that it ends in front of them. */
  beforeRelease: (() => void) | undefined;
  /** Index in the list of its keeper. */
  place = -1;
  /** Absent for a message of this library before its first attempt, as most are: its header need not be read. */
  readonly #envelope: Envelope | undefined;
  #id: string | undefined;
  #settled: Verb | undefined;
  #isInHand = true;
  /** The result of settling, for a second call. */
  #settling: Promise<void> | undefined;
  #acked: ((outcome: Settled | Error) => void) | undefined;
  /** What its handler gets, and by which rules; absent before that. */
  delivery: Delivery | undefined;
  policy: RetryPolicy | undefined;

  constructor(
    private readonly keeper: Keeper,
    readonly worker: string,
    readonly take: Take,
    /** Position in the take, from 1. */
    readonly index: number,
    /** Unix ms, by the clock of this machine. */
    readonly takenAt: number,
  ) {
    this.#envelope = take.isFresh(index) ? undefined : open(take.text(index));
    inHand.messages += 1;
  }

  get id(): string {
    return (this.#id ??= this.#envelope ? (this.#envelope.header?.id ?? this.#ownId) : this.take.message(this.index).toString('latin1', 1, 37));
  }

  /** Number of this attempt, from 1. */
  get attempt(): number {
    return (this.#envelope?.header?.attempts ?? 0) + 1;
  }

  /** Options that the message was put with. */
  get options(): MessageOptions {
    const header = this.#envelope?.header;
    return header ? optionsOf(header) : noOptions;
  }

  get channel(): Channel {
    return this.keeper.channel;
  }

  get queue(): string {
    return this.channel.name;
  }

  /** Unix ms; for a message from another program, when it was taken. */
  get putAt(): number {
    return this.options.putAt ?? madeAt(this.id) ?? this.takenAt;
  }

  /** The list that the message was taken from. */
  get lane(): Lane {
    return this.take.lane(this.index);
  }

  /** Whether it is a quarantined message, which is buried with its next crash. */
  get isSuspect(): boolean {
    return this.lane === 's';
  }

  /** The payload, as it was stored. */
  get text(): string {
    return this.#envelope ? this.#envelope.text : this.take.text(this.index, freshLength);
  }

  /** Whether its `ttl` has passed, by the clock of this machine. */
  get hasExpired(): boolean {
    return this.takenAt >= (this.options.expiresAt ?? Infinity);
  }

  get settledBy(): Verb | undefined {
    return this.#settled;
  }

  /** Emits an event for this message if it has a listener. */
  tell<V extends Exclude<keyof QueueEvents, 'put'>>(verb: V, more?: Omit<QueueEvents[V][0], keyof DeliveryEvent>): void {
    if (!this.#isListenedTo(verb)) return;
    const { events, name } = this.channel;
    (events as EventEmitter).emit(verb, { queue: name, id: this.id, attempt: this.attempt, ...more });
  }

  /** Logs that settling failed: no caller waits for it. */
  warnUnsettled(error: unknown): void {
    const { logger, name } = this.channel;
    // It was given back at a deadline, or recovered by another process. It is safe, and belongs to this worker no more.
    if (error instanceof LeaseLostError) logger.warn(error.message);
    else logger.warn(`message ${this.id} of queue "${name}" was not settled (${wordsOf(error).message}): it will be handled again`);
  }

  /** Aborts the signal of the delivery: the lease was lost, or the time is up. */
  abort(reason: unknown): void {
    if (this.delivery) abort(this.delivery, reason);
  }

  backoffMs(): number {
    return this.policy ? delayAfter(this.attempt, this.policy.backoff) : 0;
  }

  /** Stops counting the message as active in this process: it is settled or abandoned. */
  letGo(): void {
    if (this.#isInHand) inHand.messages -= 1;
    this.#isInHand = false;
  }

  /** Acknowledges without a promise. */
  done(): undefined {
    this.#settled = 'ack';
    this.letGo();
    this.keeper.acks.add(this);
  }

  ack(): Promise<void> {
    return this.#settle('ack', () => {
      this.keeper.acks.add(this);
      return new Promise((resolve, reject) => {
        this.#acked = (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome));
      });
    });
  }

  /** Gets the result of an acknowledgement that was sent together with others. */
  onAcked(outcome: Settled | Error): void {
    if (outcome === 'done' && this.#isListenedTo('ack')) this.tell('ack', { tookMs: Date.now() - this.takenAt });
    if (this.#acked) return this.#acked(outcome);
    if (outcome instanceof Error) this.keeper.abandon(this);
    else this.keeper.forget(this);
    if (outcome === 'lost') this.tell('lost');
    if (outcome === 'lost' || outcome instanceof Error) this.warnUnsettled(outcome === 'lost' ? this.#lost() : outcome);
  }

  retry(askedMs: number, error?: unknown): Promise<void> {
    const delayMs = Math.min(askedMs, longestDelayMs);
    return this.#settle('retry', async () => {
      const settled = await this.channel.broker.retry(this.worker, this, this.#comingBack(delayMs, error), this.keeper.settling);
      if (settled === 'done') this.tell('retry', { delayMs, error });
      return settled;
    });
  }

  bury(burial: Burial): Promise<void> {
    return this.#settle('bury', async () => {
      const { reason, error } = burial;
      const settled = await this.channel.broker.bury(this.worker, this, this.id, recordOf(burial, this), this.keeper.settling);
      if (settled === 'done') this.tell('bury', { reason, error });
      return settled;
    });
  }

  release(): Promise<void> {
    return this.#settle('release', async () => {
      this.beforeRelease?.();
      const settled = await this.channel.broker.release(this.worker, [this], this.keeper.settling);
      if (settled === 'done') this.tell('release');
      return settled;
    });
  }

  #comingBack(delayMs: number, error: unknown): Retry {
    const { header, headerLength } = this.#header;
    const failures = this.#failuresWith(error);
    const next = { id: this.id, attempts: this.attempt, crashes: header?.crashes ?? 0, fields: header?.fields ?? '' };
    const text = this.take.message(this.index).subarray(headerLength);
    const message = Buffer.concat([Buffer.from(failures === '' ? headerLine(next) : headerAnd(failures, next)), text]);
    // A header in the list `base` would break Python's reader of a plain queue.
    const lane = this.channel.wire === 'plain' && !this.isSuspect ? 'a' : this.lane;
    return { id: this.id, lane, delayMs, message };
  }

  get #header(): Pick<Envelope, 'header' | 'headerLength' | 'failures'> {
    return this.#envelope ?? { header: undefined, headerLength: freshLength, failures: '' };
  }

  /** Id for a message without one. Worker, take and index are never used twice together, and recovery makes the same id. */
  get #ownId(): string {
    return `${this.worker}.${this.lane}${this.take.number}.${this.index}`;
  }

  #failuresWith(error: unknown): string {
    const { failures } = this.#header;
    if (error === undefined) return failures;
    return writeFailures([...readFailures(failures), failureOf(error, this.attempt, Date.now())]);
  }

  #settle(verb: Verb, send: () => Promise<Settled>): Promise<void> {
    if (this.#settled !== undefined && this.#settled !== verb) return Promise.reject(new AlreadySettledError(this.id, this.#settled, verb));
    if (this.#settled === verb) return this.#settling ?? Promise.resolve();
    this.#settled = verb;
    this.letGo();
    this.#settling = this.#send(send);
    return this.#settling;
  }

  async #send(send: () => Promise<Settled>): Promise<void> {
    const settled = await send().catch((error: unknown) => {
      this.keeper.abandon(this);
      throw error;
    });
    if (settled !== 'lost' && this.#settled !== 'ack') this.take.confirm(this.index);
    this.keeper.forget(this);
    if (settled !== 'lost') return;
    this.tell('lost');
    throw this.#lost();
  }

  #isListenedTo(verb: keyof QueueEvents): boolean {
    return this.channel.events.listenerCount(verb) > 0;
  }

  #lost(): LeaseLostError {
    return new LeaseLostError(this.channel.name, this.id);
  }
}

const longestStack = 8_192;
/** 100 years. Redis cannot store times that are much later. */
const longestDelayMs = 3_155_760_000_000;

/** `lane` must be the first field, because revive.lua reads it there. */
function recordOf({ reason, error, attempts }: Burial, { attempt, worker, lane }: Claim): string {
  return JSON.stringify({ lane, reason, attempts: attempts ?? attempt, worker, ...(error === undefined ? {} : { error: plainError(error) }) });
}

function plainError(error: unknown): object {
  const { stack, ...words } = wordsOf(error);
  const violations = error instanceof InvalidPayloadError ? { violations: error.violations } : {};
  return { ...words, ...(stack !== undefined && { stack: stack.slice(0, longestStack) }), ...violations };
}
