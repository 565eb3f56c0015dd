import { doubling } from '../contract/backoff.js';
import { type InvalidPayloadError, TimedOutError } from '../contract/errors.js';
import { Bury, RetryIn } from '../contract/verdicts.js';
import { noOptions } from '../message/envelope.js';
import { wordsOf } from '../message/failures.js';
import type { PayloadType } from '../message/payload.js';
import type { Claim } from './claim.js';
import { deliver, Delivery } from './delivery.js';
import { delayAfter, type RetryPolicy } from './retry-policy.js';
import { inTime } from './time-limit.js';

/** Configuration of one worker: its payload, its handler, and its retry policy. */
export interface Way<T = unknown> {
  /** Called when a delivery has ended that did not end at once. */
  onOver(claim: Claim): void;
  /** Free {@link Place} objects, for reuse. */
  readonly places: Place[];
  readonly payload: PayloadType<T>;
  handle(payload: T, delivery: Delivery<T>): unknown;
  /** Policy of the worker, defaults included. The options of a message take precedence. */
  readonly retry: RetryPolicy;
}

/** Why the handler is not called. */
export type Refused = { readonly kind: 'expired' } | { readonly kind: 'invalid'; readonly error: InvalidPayloadError };

/** What happened in an attempt. */
export type Performed = Refused | { readonly kind: 'handled' } | { readonly kind: 'failed'; readonly error: unknown };

/** What happens to the message next. */
export type Outcome =
  | { readonly verb: 'ack' }
  | { readonly verb: 'retry'; readonly delayMs: number; readonly error: unknown; readonly isAsked?: true }
  /** `attempts`: number of attempts so far. `isAsked`, here and above: the handler requested it. */
  | { readonly verb: 'bury'; readonly reason: string; readonly attempts: number; readonly error?: unknown; readonly isAsked?: true };

/**
 * Runs one delivery from start to end. Never throws for an error of the handler, nor for a lease that was lost meanwhile.
 *
 * @returns whether the delivery has ended; otherwise `way.onOver` is called later, as a promise for each step would cost more
 *   than the steps
 */
export function attempt<T>(claim: Claim, way: Way<T>): boolean {
  const policy = policyFor(claim, way.retry);
  const admitted = admit(claim, way.payload, policy);
  if (!(admitted instanceof Promise)) return handle(claim, way, admitted, policy);
  void admitted.then((one) => handle(claim, way, one, policy) && way.onOver(claim));
  return false;
}

const handled: Performed = { kind: 'handled' };
const acked: Outcome = { verb: 'ack' };
const invalid = (error: unknown): Refused => ({ kind: 'invalid', error: error as InvalidPayloadError });
const failed = (error: unknown): Performed => ({ kind: 'failed', error });

/** Result of a delivery whose handler ended without throwing. */
export function ended({ failure }: Delivery): Performed {
  return failure ? failed(failure.error) : handled;
}

function handle<T>(claim: Claim, way: Way<T>, delivery: Delivery<T> | Refused, policy: RetryPolicy): boolean {
  if (!(delivery instanceof Delivery)) return conclude(claim, way, delivery, policy);
  claim.tell('take');
  let result: unknown;
  try {
    result = run(claim, way, delivery, policy);
  } catch (error) {
    return conclude(claim, way, failed(error), policy);
  }
  if (!isThenable(result)) return conclude(claim, way, ended(delivery), policy);
  (way.places.pop() ?? new Place(way)).wait(result, claim, delivery, policy);
  return false;
}

/**
 * Waits for the promise of a handler. It is reused for one message after another: two new functions for each message would
 * be a quarter of its garbage.
 */
export class Place {
  #claim: Claim | undefined;
  #delivery: Delivery | undefined;
  #policy: RetryPolicy | undefined;
  readonly #resolved = (): void => this.#end(ended(this.#delivery!));
  readonly #rejected = (error: unknown): void => this.#end(failed(error));

  constructor(private readonly way: Way) {}

  wait(result: PromiseLike<unknown>, claim: Claim, delivery: Delivery, policy: RetryPolicy): void {
    this.#claim = claim;
    this.#delivery = delivery;
    this.#policy = policy;
    void Promise.resolve(result).then(this.#resolved, this.#rejected);
  }

  #end(performed: Performed): void {
    const { way } = this;
    const claim = this.#claim!;
    const isOver = conclude(claim, way, performed, this.#policy!);
    this.#claim = this.#delivery = this.#policy = undefined; // a free Place must not keep a take of 1 MiB in memory
    way.places.push(this);
    if (isOver) way.onOver(claim);
  }
}

function run<T>(claim: Claim, way: Way<T>, delivery: Delivery<T>, { timeoutMs }: RetryPolicy): unknown {
  if (timeoutMs === undefined) return way.handle(delivery.payload, delivery);
  return inTime(timeoutMs, () => way.handle(delivery.payload, delivery), () => timeIsUp(claim, timeoutMs));
}

/** @returns whether the delivery has ended; otherwise `way.onOver` is called when Redis has answered */
function conclude<T>(claim: Claim, way: Way<T>, performed: Performed, policy: RetryPolicy): boolean {
  const settling = settle(claim, decide(performed, claim.attempt, policy));
  if (!settling) return true;
  void settling.then(() => way.onOver(claim));
  return false;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** The delivery of a claim, with a valid payload, or the reason why there is none. */
export function admit<T>(claim: Claim, payload: PayloadType<T>, policy: RetryPolicy): Delivery<T> | Refused | Promise<Delivery<T> | Refused> {
  if (claim.hasExpired) return { kind: 'expired' };
  try {
    const decoded = payload.decode(claim.text);
    if (decoded instanceof Promise) return decoded.then((checked) => deliveryOf(claim, checked, policy), invalid);
    return deliveryOf(claim, decoded, policy);
  } catch (error) {
    return invalid(error);
  }
}

function deliveryOf<T>(claim: Claim, payload: T, policy: RetryPolicy): Delivery<T> {
  claim.policy = policy;
  claim.delivery = deliver(claim, payload);
  return claim.delivery as Delivery<T>;
}

export function timeIsUp(claim: Claim, timeoutMs: number): TimedOutError {
  const error = new TimedOutError(claim.channel.name, claim.id, timeoutMs);
  claim.abort(error);
  return error;
}

/** Policy of one message: its own options, else the worker's. */
export function policyFor({ options }: Claim, worker: RetryPolicy): RetryPolicy {
  if (options === noOptions) return worker;
  const { attempts = worker.attempts, backoffMs, timeoutMs } = options;
  return { ...worker, attempts, ...(backoffMs !== undefined && { backoff: doubling(backoffMs) }), ...(timeoutMs !== undefined && { timeoutMs }) };
}

/** Decides what happens next, without side effects. Retrying cannot help a message that is invalid or expired. */
export function decide(performed: Performed, attempt: number, policy: RetryPolicy, random?: () => number): Outcome {
  switch (performed.kind) {
    case 'handled':
      return acked;
    case 'expired':
      return { verb: 'bury', reason: 'expired', attempts: attempt - 1 };
    case 'invalid':
      return { verb: 'bury', reason: 'invalid payload', attempts: attempt, error: performed.error };
    case 'failed':
      return afterFailure(performed.error, attempt, policy, random);
  }
}

/** `Bury` comes first, then the number of attempts, then `RetryIn`, then `retryIf`. */
function afterFailure(error: unknown, attempt: number, policy: RetryPolicy, random?: () => number): Outcome {
  if (error instanceof Bury) return { verb: 'bury', reason: error.reason, attempts: attempt, error: error.cause ?? error, isAsked: true };
  const failed = `failed ${attempt} of ${policy.attempts} attempts`;
  if (attempt >= policy.attempts) return { verb: 'bury', reason: failed, attempts: attempt, error };
  if (error instanceof RetryIn) return { verb: 'retry', delayMs: error.delayMs, error, isAsked: true };
  if (policy.retryIf?.(error, attempt) === false) return { verb: 'bury', reason: `${failed}, and retryIf returned false`, attempts: attempt, error };
  return { verb: 'retry', delayMs: delayAfter(attempt, policy.backoff, error, random), error };
}

/**
 * Logs an outcome and applies it, unless the handler settled the message itself.
 *
 * @returns nothing for an ack: Redis gets it together with others, and the worker waits for it when it leaves
 */
export function settle(claim: Claim, outcome: Outcome): Promise<void> | undefined {
  tell(claim, outcome);
  return carryOut(claim, outcome);
}

/** {@link settle} without logging. */
export function carryOut(claim: Claim, outcome: Outcome): Promise<void> | undefined {
  if (claim.settledBy) return undefined;
  if (outcome.verb === 'ack') return claim.done();
  const settled = outcome.verb === 'retry' ? claim.retry(outcome.delayMs, outcome.error) : claim.bury(outcome);
  return settled.catch((error: unknown) => claim.warnUnsettled(error));
}

function tell(claim: Claim, outcome: Outcome): void {
  if (outcome.verb === 'ack') return;
  const { channel, id, attempt, settledBy } = claim;
  const what = `message ${id} of queue "${channel.name}"`;
  const why = outcome.error === undefined ? '' : `: ${sentence(outcome.error)}`;
  // The handler requested it, so it is not a problem.
  const level = outcome.isAsked ? 'info' : 'warn';
  if (settledBy) channel.logger.warn(`${what} was settled by ${settledBy}(), then its handler threw${why}`);
  else if (outcome.verb === 'bury') channel.logger[level](`${what} was buried (${outcome.reason})${why}`);
  else channel.logger[level](`${what} failed attempt ${attempt}, next attempt in ${outcome.delayMs} ms${why}`);
}

export function sentence(error: unknown): string {
  const { name, message } = wordsOf(error);
  return error instanceof Error ? `${name}: ${message}` : message;
}
