import { inspect } from 'node:util';
import { toMs, type Duration } from '../contract/durations.js';
import { AlreadySettledError } from '../contract/errors.js';
import type { Job } from '../contract/job.js';
import { newId } from '../message/ids.js';
import type { Verb } from './claim.js';

/** What a delivery settles: a claim, or a stand-in for unit tests. */
export interface Settler {
  readonly id: string;
  readonly queue: string;
  readonly putAt: number;
  readonly attempt: number;
  readonly settledBy: Verb | undefined;
  ack(): Promise<void>;
  retry(delayMs: number): Promise<void>;
  /** Ms before the next attempt if the caller names no delay. */
  backoffMs(): number;
  bury(burial: { readonly reason: string }): Promise<void>;
  release(): Promise<void>;
}


/** Create and abort deliveries. Only the runtime uses these, so that a caller cannot create a delivery without a claim. */
export let deliver: <T>(settler: Settler, payload: T) => Delivery<T>;
export let abort: (delivery: Delivery, reason: unknown) => void;

/**
 * A message that a worker has taken: a {@link Job} that can be settled.
 *
 * A handler that returns acknowledges its message. If it throws, the message is retried or buried. Call `ack`, `retry`,
 * `bury` or `release` only to decide otherwise. A message is settled once.
 *
 * @example
 * ```ts
 * for await (const job of emails.deliveries({ limit: 1 })) {
 *   if (job.attempt > 3) await job.bury('too many attempts');
 *   else console.log(job.id, job.payload);
 * }
 * ```
 */
export class Delivery<T = unknown> implements Job<T> {
  // Most handlers only read the payload, so everything else is created when it is needed.
  readonly #settler: Settler;
  #controller: AbortController | undefined;
  #failure: { readonly error: unknown } | undefined;

  private constructor(
    settler: Settler,
    /** The payload, checked. */
    readonly payload: T,
  ) {
    this.#settler = settler;
  }

  static {
    deliver = (settler, payload) => new Delivery(settler, payload);
    abort = (delivery, reason) => {
      delivery.#controller ??= new AbortController();
      delivery.#controller.abort(reason);
    };
  }

  /**
   * A delivery for unit tests, without a queue. It only records how it was settled.
   *
   * @param as `id`: a new one by default; `attempt`: 1 by default; `signal`: one that never aborts by default
   * @example
   * ```ts
   * const job = Delivery.of(image, { attempt: 3 });
   * await new Studio().resize(image, job);
   * console.log(job.settledBy); // 'bury', if the handler called job.bury()
   * ```
   */
  static of<T>(payload: T, as: { id?: string; attempt?: number; signal?: AbortSignal } = {}): Delivery<T> {
    const delivery = new Delivery(new NoQueue(as.id ?? newId(), as.attempt ?? 1), payload);
    if (as.signal) delivery.#controller = controllerOf(as.signal);
    return delivery;
  }

  /** Id of the message. Use it to do an effect only once. */
  get id(): string {
    return this.#settler.id;
  }

  /** Name of the queue; `'none'` for {@link of}. */
  get queue(): string {
    return this.#settler.queue;
  }

  /** Number of this attempt, from 1. */
  get attempt(): number {
    return this.#settler.attempt;
  }

  /** When the message was put, in Unix ms; for a message from another program, when it was taken. */
  get putAt(): number {
    return this.#settler.putAt;
  }

  /**
   * Aborts when the lease was lost, when the deadline of the runner passed, or when the attempt took longer than its
   * `timeout`.
   *
   * @example
   * ```ts
   * const response = await fetch(url, { signal: job.signal });
   * ```
   */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** How the message was settled, by the handler or after it; `undefined` before that. */
  get settledBy(): Verb | undefined {
    return this.#settler.settledBy;
  }

  /**
   * Acknowledges the message: it is done, and Redis drops it.
   *
   * @throws LeaseLostError if another worker may have the message
   * @throws AlreadySettledError if it was settled in another way
   * @example
   * ```ts
   * await job.ack();
   * ```
   */
  ack(): Promise<void> {
    return this.#settler.ack();
  }

  /**
   * Gives the message back for another attempt, even beyond `attempts`.
   *
   * @param options `delay` before the next attempt, in ms or such as `'30s'`; by default the backoff of the message
   * @throws LeaseLostError if another worker may have the message
   * @throws AlreadySettledError if it was settled in another way
   * @throws InvalidOptionError if `delay` is not a duration
   * @example
   * ```ts
   * await job.retry({ delay: '10m' });
   * ```
   */
  async retry({ delay }: { delay?: Duration } = {}): Promise<void> {
    await this.#settler.retry(delay === undefined ? this.#settler.backoffMs() : toMs(delay, 'delay'));
  }

  /**
   * Gives up on the message: moves it to the dead letters, with `reason`.
   *
   * @throws LeaseLostError if another worker may have the message
   * @throws AlreadySettledError if it was settled in another way
   * @example
   * ```ts
   * await job.bury('account closed');
   * ```
   */
  bury(reason: string): Promise<void> {
    return this.#settler.bury({ reason });
  }

  /**
   * Marks this message as failed, as if its handler had thrown `error` for it alone. When the handler ends, the message is
   * retried or buried by the usual rules, also by those of `Bury` and `RetryIn`. Use it for single messages of a batch.
   *
   * @throws AlreadySettledError if the message was settled before
   * @example
   * ```ts
   * for (const job of jobs) if (rejected.has(job.id)) job.fail(new Error('rejected by the archive'));
   * ```
   */
  fail(error: unknown): void {
    if (this.settledBy) throw new AlreadySettledError(this.id, this.settledBy, 'fail');
    this.#failure = { error };
  }

  /** The error of the last {@link fail}; `undefined` before the first. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** What `JSON.stringify` and `console.log` show: `{ id, queue, payload, attempt, putAt }`. */
  toJSON(): object {
    const { id, queue, payload, attempt, putAt } = this;
    return { id, queue, payload, attempt, putAt };
  }

  [inspect.custom](): object {
    return Object.assign(Object.create({ constructor: Delivery }) as object, this.toJSON());
  }

  /**
   * Gives the message back to the head of the queue, as if it had not been taken: the attempt does not count.
   *
   * @throws LeaseLostError if another worker may have the message
   * @throws AlreadySettledError if it was settled in another way
   * @example
   * ```ts
   * if (!(await mailServer.isUp())) await job.release();
   * ```
   */
  release(): Promise<void> {
    return this.#settler.release();
  }
}

/** A controller around a signal that the caller aborts. */
function controllerOf(signal: AbortSignal): AbortController {
  return { signal, abort: () => undefined };
}

/** Records how it was settled, so that a unit test can check it. */
class NoQueue implements Settler {
  readonly queue = 'none';
  readonly putAt = Date.now();
  settledBy: Verb | undefined;

  constructor(
    readonly id: string,
    readonly attempt: number,
  ) {}

  backoffMs = () => 0;
  ack = () => this.#settle('ack');
  retry = () => this.#settle('retry');
  bury = () => this.#settle('bury');
  release = () => this.#settle('release');

  #settle(verb: Verb): Promise<void> {
    this.settledBy ??= verb;
    return Promise.resolve();
  }
}
