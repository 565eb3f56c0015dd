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

/** What a claim needs of whoever took it. */
export interface Keeper {
  readonly channel: Channel;
  /** How long settling may wait for Redis. */
  readonly settling: Patience;
  readonly acks: Acks;
  /** The claim is settled, or lost with its lease. */
  forget(claim: Claim): void;
  /** Redis did not answer in time: the claim may be settled. */
  abandon(claim: Claim): void;
}

/** Why a message was buried, as it is kept beside its bytes: one line of JSON. */
export interface Burial {
  readonly reason: string;
  /** How often it was tried; this attempt included when absent. */
  readonly attempts?: number;
  readonly error?: unknown;
}

/** A message that a worker holds: one of a take. It is settled once. */
export class Claim implements Place {
  /** When its handler began, by the monotonic clock; absent as long as it waits for a place. */
  beganAt: number | undefined;
  /** What was claimed after it goes back before it does, so that it comes to stand before them. */
  beforeRelease: (() => void) | undefined;
  /** Among what its keeper holds. */
  place = -1;
  /** Absent for a message of ours before its first attempt, as most are: its header is known without being read. */
  readonly #envelope: Envelope | undefined;
  #id: string | undefined;
  #settled: Verb | undefined;
  #isInHand = true;
  /** Of the settling, where somebody may ask for it. */
  #settling: Promise<void> | undefined;
  #acked: ((outcome: Settled | Error) => void) | undefined;
  /** What its handler was given, and by what rules; absent before. */
  delivery: Delivery | undefined;
  policy: RetryPolicy | undefined;

  constructor(
    private readonly keeper: Keeper,
    readonly worker: string,
    readonly take: Take,
    /** Of the message in its take, from 1. */
    readonly index: number,
    /** Unix ms, by this machine's clock. */
    readonly takenAt: number,
  ) {
    this.#envelope = take.isFresh(index) ? undefined : open(take.text(index));
    inHand.messages += 1;
  }

  get id(): string {
    return (this.#id ??= this.#envelope ? (this.#envelope.header?.id ?? this.#ownId) : this.take.message(this.index).toString('latin1', 1, 37));
  }

  /** Number of this attempt, 1 for the first. */
  get attempt(): number {
    return (this.#envelope?.header?.attempts ?? 0) + 1;
  }

  /** What the producer asked for, for this message alone. */
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

  /** Unix ms; for a message from elsewhere, when it was first seen. */
  get putAt(): number {
    return this.options.putAt ?? madeAt(this.id) ?? this.takenAt;
  }

  /** Where the message was taken from. */
  get lane(): Lane {
    return this.take.lane(this.index);
  }

  /** Its worker died so often that one more death buries it. */
  get isSuspect(): boolean {
    return this.lane === 's';
  }

  /** The payload as it was stored. */
  get text(): string {
    return this.#envelope ? this.#envelope.text : this.take.text(this.index, freshLength);
  }

  /** Its `ttl` has passed, by this machine's clock. */
  get hasExpired(): boolean {
    return this.takenAt >= (this.options.expiresAt ?? Infinity);
  }

  get settledBy(): Verb | undefined {
    return this.#settled;
  }

  /** Emits what happened to this message, if anybody listens. */
  tell<V extends Exclude<keyof QueueEvents, 'put'>>(verb: V, more?: Omit<QueueEvents[V][0], keyof DeliveryEvent>): void {
    if (!this.#isListenedTo(verb)) return;
    const { events, name } = this.channel;
    (events as EventEmitter).emit(verb, { queue: name, id: this.id, attempt: this.attempt, ...more });
  }

  /** Nobody waits for it, but somebody should know. */
  warnUnsettled(error: unknown): void {
    const { logger, name } = this.channel;
    // Given back at a deadline, or recovered by somebody: the message is safe, and it is not ours any more.
    if (error instanceof LeaseLostError) logger.warn(error.message);
    else logger.warn(`message ${this.id} of queue "${name}" was not settled (${wordsOf(error).message}): it will be handled again`);
  }

  /** The message is no longer ours, or its time is up. */
  abort(reason: unknown): void {
    if (this.delivery) abort(this.delivery, reason);
  }

  backoffMs(): number {
    return this.policy ? delayAfter(this.attempt, this.policy.backoff) : 0;
  }

  /** It is settled, or given up: this process works on it no more. */
  letGo(): void {
    if (this.#isInHand) inHand.messages -= 1;
    this.#isInHand = false;
  }

  /** Handled: acknowledges without anybody waiting for it. */
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

  /** What came of an acknowledgement that travelled with others. */
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
    // A header in base would break Python's reader of a plain queue.
    const lane = this.channel.wire === 'plain' && !this.isSuspect ? 'a' : this.lane;
    return { id: this.id, lane, delayMs, message };
  }

  get #header(): Pick<Envelope, 'header' | 'headerLength' | 'failures'> {
    return this.#envelope ?? { header: undefined, headerLength: freshLength, failures: '' };
  }

  /** Of a message without one. Worker, take and index together are never used twice, and recovery makes the same id. */
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
/** A hundred years; much more than that is no time to Redis. */
const longestDelayMs = 3_155_760_000_000;

/** The lane stands first, where revive.lua looks for it. */
function recordOf({ reason, error, attempts }: Burial, { attempt, worker, lane }: Claim): string {
  return JSON.stringify({ lane, reason, attempts: attempts ?? attempt, worker, ...(error === undefined ? {} : { error: plainError(error) }) });
}

function plainError(error: unknown): object {
  const { stack, ...words } = wordsOf(error);
  const violations = error instanceof InvalidPayloadError ? { violations: error.violations } : {};
  return { ...words, ...(stack !== undefined && { stack: stack.slice(0, longestStack) }), ...violations };
}
