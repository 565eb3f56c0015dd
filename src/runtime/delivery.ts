import { inspect } from 'node:util';
import { toMs, type Duration } from '../contract/durations.js';
import { AlreadySettledError } from '../contract/errors.js';
import type { Job } from '../contract/job.js';
import { newId } from '../message/ids.js';
import type { Verb } from './claim.js';

/** What a delivery is of: a claim, or nothing at all in a unit test. */
export interface Settler {
  readonly id: string;
  readonly queue: string;
  readonly putAt: number;
  readonly attempt: number;
  readonly settledBy: Verb | undefined;
  ack(): Promise<void>;
  retry(delayMs: number): Promise<void>;
  /** Ms before the next attempt where nobody says otherwise. */
  backoffMs(): number;
  bury(burial: { readonly reason: string }): Promise<void>;
  release(): Promise<void>;
}


/** Makes deliveries and aborts them: for the runtime alone, so that no caller can make one that is held by no queue. */
export let deliver: <T>(settler: Settler, payload: T) => Delivery<T>;
export let abort: (delivery: Delivery, reason: unknown) => void;

/**
 * A message in a worker's hands: a {@link Job} that can be settled. A handler that returns settles it with `ack`, one
 * that throws with `retry` or `bury`; settle it yourself only to say otherwise.
 */
export class Delivery<T = unknown> implements Job<T> {
  // Most handlers look at their payload alone, so all else is made when it is asked for.
  readonly #settler: Settler;
  #controller: AbortController | undefined;
  #failure: { readonly error: unknown } | undefined;

  private constructor(
    settler: Settler,
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

  /** A delivery for unit tests, held by no queue: `studio.resize(image, Delivery.of(image))`. */
  static of<T>(payload: T, as: { id?: string; attempt?: number; signal?: AbortSignal } = {}): Delivery<T> {
    const delivery = new Delivery(new NoQueue(as.id ?? newId(), as.attempt ?? 1), payload);
    if (as.signal) delivery.#controller = controllerOf(as.signal);
    return delivery;
  }

  get id(): string {
    return this.#settler.id;
  }

  /** Name of the queue. */
  get queue(): string {
    return this.#settler.queue;
  }

  /** Number of this run, 1 for the first. */
  get attempt(): number {
    return this.#settler.attempt;
  }

  /** Unix ms. */
  get putAt(): number {
    return this.#settler.putAt;
  }

  /** Aborts when the message is no longer ours: its lease was lost, or the runner's deadline passed. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** How it was settled: by the handler, or by the library after it; `undefined` as long as it is not. */
  get settledBy(): Verb | undefined {
    return this.#settler.settledBy;
  }

  /** Done: drops the message. @throws LeaseLostError, AlreadySettledError */
  ack(): Promise<void> {
    return this.#settler.ack();
  }

  /**
   * Gives the message back for another attempt, also beyond `attempts`.
   *
   * @param options `delay` until then; the queue's backoff by default
   * @throws LeaseLostError, AlreadySettledError
   */
  async retry({ delay }: { delay?: Duration } = {}): Promise<void> {
    await this.#settler.retry(delay === undefined ? this.#settler.backoffMs() : toMs(delay, 'delay'));
  }

  /** Gives the message up: lays it among the dead letters. @throws LeaseLostError, AlreadySettledError */
  bury(reason: string): Promise<void> {
    return this.#settler.bury({ reason });
  }

  /**
   * Says that this message has failed, as if its handler had thrown `error` for it alone: once the handler is over it is
   * tried again or buried, by the ordinary rules. For single failures of a batch; `Bury` and `RetryIn` are heeded too.
   *
   * @throws AlreadySettledError
   */
  fail(error: unknown): void {
    if (this.settledBy) throw new AlreadySettledError(this.id, this.settledBy, 'fail');
    this.#failure = { error };
  }

  /** What {@link fail} was told; `undefined` as long as it was told nothing. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** What `JSON.stringify` and `console.log` show. */
  toJSON(): object {
    const { id, queue, payload, attempt, putAt } = this;
    return { id, queue, payload, attempt, putAt };
  }

  [inspect.custom](): object {
    return Object.assign(Object.create({ constructor: Delivery }) as object, this.toJSON());
  }

  /** Gives the message back to the head of the queue as if it had not been taken. @throws LeaseLostError, AlreadySettledError */
  release(): Promise<void> {
    return this.#settler.release();
  }
}

/** A controller for a signal that the caller aborts. */
function controllerOf(signal: AbortSignal): AbortController {
  return { signal, abort: () => undefined };
}

/** Remembers how it was settled, so that a unit test may ask. */
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
