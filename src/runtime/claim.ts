import { AlreadySettledError, LeaseLostError } from '../contract/errors.js';
import type { DeliveryEvent } from '../contract/events.js';
import { madeAt } from '../message/ids.js';
import { failureOf, readFailures, writeFailures } from '../message/failures.js';
import { headerAnd, headerLine, open, optionsOf, type Envelope, type MessageOptions } from '../message/envelope.js';
import type { Held, Lane, Settled } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { Channel } from './channel.js';

export type Verb = 'ack' | 'retry' | 'bury' | 'release';

/** Why a message was buried, as it is kept beside its bytes: one line of JSON. */
export interface Burial {
  readonly reason: string;
  /** How often it was tried; this attempt included when absent. */
  readonly attempts?: number;
  readonly error?: unknown;
}

/** A message that a worker holds. It is settled once, by presenting its token. */
export class Claim {
  readonly id: string;
  /** Number of this attempt, 1 for the first. */
  readonly attempt: number;
  /** Unix ms; for a message from elsewhere, when it was first seen. */
  readonly putAt: number;
  /** What the producer asked for, for this message alone. */
  readonly options: MessageOptions;
  readonly #envelope: Envelope;
  readonly #takenAt = Date.now();
  #settled: { readonly verb: Verb; readonly done: Promise<void> } | undefined;
  #onAbort: ((reason: unknown) => void) | undefined;

  /** @param onSettled called when Redis has answered, or is asked no more */
  constructor(
    readonly channel: Channel,
    readonly worker: string,
    private readonly held: Held,
    private readonly patience: Patience,
    private readonly onSettled: (claim: Claim) => void,
  ) {
    this.#envelope = open(held.message);
    const { header } = this.#envelope;
    // Worker and token together are never used twice, and recovery, which sees no more than these, makes the same id.
    this.id = header?.id ?? `${worker}.${held.token}`;
    this.attempt = (header?.attempts ?? 0) + 1;
    this.options = header ? optionsOf(header) : {};
    this.putAt = this.options.putAt ?? madeAt(this.id) ?? this.#takenAt;
  }

  get token(): string {
    return this.held.token;
  }

  /** It killed its worker twice, and is held alone. */
  get isSuspect(): boolean {
    return this.held.token.startsWith('s');
  }

  /** The payload as it was stored. */
  get text(): string {
    return this.#envelope.text;
  }

  /** Its `ttl` has passed, by this machine's clock. */
  get hasExpired(): boolean {
    return this.#takenAt >= (this.options.expiresAt ?? Infinity);
  }

  get settledBy(): Verb | undefined {
    return this.#settled?.verb;
  }

  get event(): DeliveryEvent {
    return { queue: this.channel.name, id: this.id, attempt: this.attempt };
  }

  /** Called at most once, when the message is no longer ours. */
  onAbort(abort: (reason: unknown) => void): void {
    this.#onAbort = abort;
  }

  abort(reason: unknown): void {
    this.#onAbort?.(reason);
    this.#onAbort = undefined;
  }

  ack(): Promise<void> {
    return this.#settle('ack', async () => {
      const settled = await this.channel.broker.ack(this.worker, [this.held.token], this.patience);
      if (settled === 'done') this.channel.events.emit('ack', { ...this.event, tookMs: Date.now() - this.#takenAt });
      return settled;
    });
  }

  retry(delayMs: number, error?: unknown): Promise<void> {
    return this.#settle('retry', async () => {
      const settled = await this.channel.broker.retry(this.worker, this.#comingBack(delayMs, error), this.patience);
      if (settled === 'done') this.channel.events.emit('retry', { ...this.event, delayMs, error });
      return settled;
    });
  }

  bury(burial: Burial): Promise<void> {
    return this.#settle('bury', async () => {
      const { reason, error } = burial;
      const record = recordOf(burial, this);
      const settled = await this.channel.broker.bury(this.worker, this.held.token, this.id, record, this.patience);
      if (settled === 'done') this.channel.events.emit('bury', { ...this.event, reason, error });
      return settled;
    });
  }

  release(): Promise<void> {
    return this.#settle('release', async () => {
      const settled = await this.channel.broker.release(this.worker, [this.held.token], this.patience);
      if (settled === 'done') this.channel.events.emit('release', this.event);
      return settled;
    });
  }

  #comingBack(delayMs: number, error: unknown) {
    const { header, headerLength } = this.#envelope;
    const failures = this.#failuresWith(error);
    const next = { id: this.id, attempts: this.attempt, crashes: header?.crashes ?? 0, fields: header?.fields ?? '' };
    // A header in base would break Python's reader of a plain queue.
    const taken = this.held.token[0] as Lane;
    const lane = this.channel.wire === 'plain' && taken !== 's' ? 'a' : taken;
    return { token: this.held.token, id: this.id, lane, delayMs, header: failures === '' ? headerLine(next) : headerAnd(failures, next), oldHeaderLength: headerLength };
  }

  #failuresWith(error: unknown): string {
    const { failures } = this.#envelope;
    if (error === undefined) return failures;
    return writeFailures([...readFailures(failures), failureOf(error, this.attempt, Date.now())]);
  }

  #settle(verb: Verb, send: () => Promise<Settled>): Promise<void> {
    if (this.#settled?.verb === verb) return this.#settled.done;
    if (this.#settled) return Promise.reject(new AlreadySettledError(this.id, this.#settled.verb, verb));
    const done = this.#send(send);
    this.#settled = { verb, done };
    return done;
  }

  async #send(send: () => Promise<Settled>): Promise<void> {
    try {
      if ((await send()) !== 'lost') return;
    } finally {
      this.onSettled(this);
    }
    this.channel.events.emit('lost', this.event);
    throw new LeaseLostError(this.channel.name, this.id);
  }
}

const longestStack = 8_192;

/** The lane stands first, where revive.lua looks for it. */
function recordOf({ reason, error, attempts }: Burial, { attempt, worker, token }: Claim): string {
  return JSON.stringify({ lane: token[0], reason, attempts: attempts ?? attempt, worker, ...(error === undefined ? {} : { error: plainError(error) }) });
}

function plainError(error: unknown): object {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  const violations = 'violations' in error ? { violations: error.violations } : {};
  return { name, message, stack: stack?.slice(0, longestStack), ...violations };
}
