// Longer than 250 lines: one attempt from start to end is one file, in the order in which its steps happen.
import { type InvalidPayloadError, LeaseLostError, TimedOutError } from '../core/errors.js';
import { errorFields } from '../core/logger.js';
import { parentOf } from '../jobs/parent.js';
import type { PayloadType } from '../payload/payload-type.js';
import { processChannel, traced } from '../telemetry/channels.js';
import { noOptions } from '../wire/envelope.js';
import { errorLine, errorOf, errorRecord } from '../wire/error-record.js';
import type { Claim } from './claim.js';
import { attributed } from './attribution.js';
import type { Delivery } from './delivery.js';
import { activeInProcess } from './process.js';
import { curveOf, delayAfter, type RetryPolicy } from './retry-policy.js';
import { isA, promiseOf, thenOf, unreadError, verdictIn } from './returned.js';
import { withTimeout } from './timeout.js';
import { encodeResult } from './tracked.js';

/** What one worker calls for each message, and how it treats failures. */
export interface HandlerCall<T = unknown> {
  readonly payload: PayloadType<T>;
  handle(this: void, payload: T, delivery: Delivery<T>): unknown;
  /** The options of the worker, or the defaults, where a message has none of its own. */
  readonly retry: RetryPolicy;
  /** Called when an attempt ends that did not end at once. */
  onOver(claim: Claim): void;
  /** Slots that wait for no promise now, to be used again. */
  readonly freeSlots: PromiseSlot[];
}

/** Why no handler was called. */
export type Unadmitted =
  | { readonly kind: 'expired' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'invalid'; readonly error: InvalidPayloadError };

/** How an attempt ended. */
export type Performed =
  | Unadmitted
  | { readonly kind: 'handled'; readonly result?: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

/** How the message is settled. `isAsked`: the handler asked for it, with `RetryIn` or `Bury`. */
export type Outcome =
  | { readonly verb: 'ack'; readonly result?: unknown }
  | { readonly verb: 'retry'; readonly delayMs: number; readonly error: unknown; readonly isAsked?: true }
  | {
      readonly verb: 'bury';
      readonly reason: string;
      readonly attempts: number;
      readonly error?: unknown;
      readonly isAsked?: true;
    };

/**
 * Runs one attempt from start to end: validate, call the handler, decide, settle. Never throws for what the handler did, nor for
 * a lease that is lost meanwhile.
 *
 * @returns whether it has ended. Otherwise `call.onOver` is called later: a promise for each step would cost more than the steps
 */
export function attempt<T>(claim: Claim<T>, call: HandlerCall<T>): boolean {
  claim.policy = claim.options === noOptions ? call.retry : policyFor(claim, call.retry);
  if (claim.options.continued === 1 && claim.state.job) {
    void endAsContinuation(claim).finally(() => call.onOver(claim));
    return false;
  }
  const refused = admit(claim, call.payload);
  if (!(refused instanceof Promise)) return perform(claim, call, refused);
  void refused.then((reason) => {
    claim.startedAt = performance.now(); // the handler begins only now
    if (perform(claim, call, reason)) call.onOver(claim);
  });
  return false;
}

/**
 * Decodes and validates the payload of a claim.
 *
 * @returns why it must not be handled; `undefined` when it may be
 */
export function admit<T>(
  claim: Claim<T>,
  payload: PayloadType<T>,
): Unadmitted | undefined | Promise<Unadmitted | undefined> {
  if (claim.hasExpired) return { kind: 'expired' };
  if (claim.state.job && claim.isCancelled) return { kind: 'cancelled' };
  try {
    const decoded = payload.decode(claim.text);
    if (decoded instanceof Promise) return decoded.then((checked) => void (claim.payload = checked), invalid);
    claim.payload = decoded;
    return undefined;
  } catch (error) {
    return invalid(error);
  }
}

/** The options of a message come before those of its worker. */
export function policyFor({ options }: Claim, worker: RetryPolicy): RetryPolicy {
  const { attempts = worker.attempts, timeoutMs } = options;
  const backoff = curveOf(options);
  if (attempts === worker.attempts && !backoff && timeoutMs === undefined) return worker; // one object for most messages
  return {
    ...worker,
    attempts,
    ...(backoff && { backoff }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** How an attempt ended whose handler did not throw. @param result what the handler returned */
export function ended({ state: { failure, job } }: Claim, result?: unknown): Performed {
  if (failure) return failed(failure.error);
  if (result === undefined) return handled;
  const error = unreadError(result);
  if (error) return failed(error);
  return job?.isTracked ? { kind: 'handled', result } : handled;
}

/** How an attempt ended whose handler threw. What is `undefined` would look like no error at all. */
export function failed(error: unknown): Performed {
  return { kind: 'failed', error: error === undefined ? new Error('the handler threw undefined') : error };
}

/** Decides how a message is settled. Pure. An invalid or expired message cannot get better; one that failed may. */
export function decide(performed: Performed, attempt: number, policy: RetryPolicy, random?: () => number): Outcome {
  switch (performed.kind) {
    case 'handled':
      return performed.result === undefined ? acknowledged : { verb: 'ack', result: performed.result };
    case 'cancelled':
      return acknowledged; // Redis knows that it was cancelled
    case 'expired':
      return { verb: 'bury', reason: 'expired', attempts: attempt - 1 };
    case 'invalid':
      return { verb: 'bury', reason: 'invalid payload', attempts: attempt, error: performed.error };
    case 'failed':
      return afterFailure(performed.error, attempt, policy, random);
  }
}

/**
 * Logs an outcome and carries it out, unless the handler settled the message itself.
 *
 * @returns nothing for an acknowledgement: it travels with others, and leaving waits for it
 */
export function settle(claim: Claim, outcome: Outcome): Promise<void> | undefined {
  if (outcome === acknowledged) return claim.state.settledBy ? undefined : claim.acknowledge();
  if (outcome.verb === 'ack') return claim.state.settledBy ? undefined : acknowledge(claim, outcome.result);
  log(claim, outcome);
  return carryOut(claim, outcome);
}

/** Stores the result of a tracked message with its acknowledgement. A result that its queue refuses is a failed attempt. */
function acknowledge(claim: Claim, result: unknown): Promise<void> | undefined {
  if (result === undefined || !claim.isTracked) return claim.acknowledge();
  const refuse = (error: unknown): Promise<void> | undefined =>
    settle(claim, decide(failed(error), claim.attempt, claim.policy!));
  try {
    const text = encodeResult(claim, result);
    if (typeof text === 'string') return claim.acknowledge(text);
    return text.then((encoded) => claim.acknowledge(encoded), refuse);
  } catch (error) {
    return refuse(error);
  }
}

/** {@link settle} without a log line. */
export function carryOut(claim: Claim, outcome: Outcome): Promise<void> | undefined {
  if (claim.state.settledBy) return undefined;
  if (outcome.verb === 'ack') return acknowledge(claim, outcome.result);
  const settling = outcome.verb === 'retry' ? claim.retryIn(outcome.delayMs, outcome.error) : claim.buryAs(outcome);
  return settling.catch((error: unknown) => claim.warnUnsettled(error));
}

/** Another job has continued this one: it ends as that one did. */
async function endAsContinuation(claim: Claim): Promise<void> {
  try {
    const end = await claim.state.job!.continuation();
    if (end === undefined) return await claim.retryIn(continuationLookMs); // someone has promoted it
    if (end.how === 'done') return claim.acknowledge(end.result); // the text as it is stored
    const { id, queue, status, error: cause } = parentOf(end);
    const reason = `job ${id} of queue "${queue}", which continued this job, is ${status}`;
    const error = cause ? errorOf(cause) : new Error(reason);
    return await claim.buryAs({ reason, attempts: claim.attempt, error });
  } catch (error) {
    claim.warnUnsettled(error);
  }
}

/** Aborts the handler's signal when its time is up. */
export function timedOut(claim: Claim, timeoutMs: number): TimedOutError {
  const error = new TimedOutError(claim.queue, claim.id, timeoutMs);
  claim.abort(error);
  return error;
}

/** `TypeError: fetch failed (cause: Error: connect ECONNREFUSED 127.0.0.1:9)` */
export function errorText(error: unknown): string {
  const record = errorRecord(error);
  return isA(error, Error) ? errorLine(record) : record.message;
}

const continuationLookMs = 5_000;
const handled: Performed = { kind: 'handled' };
const acknowledged: Outcome = { verb: 'ack' };
const invalid = (error: unknown): Unadmitted => ({ kind: 'invalid', error: error as InvalidPayloadError });

function perform<T>(claim: Claim<T>, call: HandlerCall<T>, refused: Unadmitted | undefined): boolean {
  if (refused) {
    claim.startedAt = undefined; // no handler runs
    return conclude(claim, call, refused);
  }
  claim.emit('take');
  const { timeoutMs } = claim.policy!;
  const { handle } = call;
  let result: unknown;
  try {
    result =
      timeoutMs === undefined && activeInProcess.suspects === 0 && !processChannel.hasSubscribers
        ? handle(claim.payload, claim)
        : handleGuarded(claim, call, timeoutMs);
    const then = result === undefined ? undefined : thenOf(result);
    if (then) {
      (call.freeSlots.pop() ?? new PromiseSlot(call)).wait(promiseOf(result, then), claim);
      return false;
    }
  } catch (error) {
    return conclude(claim, call, failed(error)); // also if the promise is of a class of its own, and cannot be waited for
  }
  return conclude(claim, call, ended(claim, result));
}

/** With a time limit, with attribution of a crash to its message, or traced. */
function handleGuarded<T>(claim: Claim<T>, call: HandlerCall<T>, timeoutMs: number | undefined): unknown {
  const plain = (): unknown => call.handle(claim.payload, claim);
  const seen = processChannel.hasSubscribers ? (): unknown => handleTraced([claim], plain) : plain;
  const handle = activeInProcess.suspects > 0 ? (): unknown => attributed([claim], seen) : seen;
  return timeoutMs === undefined ? handle() : withTimeout(timeoutMs, handle, () => timedOut(claim, timeoutMs));
}

/** Calls a handler, and publishes when it begins and ends. */
export function handleTraced(claims: readonly Claim[], handle: () => unknown): Promise<unknown> {
  const { queue, context } = claims[0]!;
  return traced(processChannel, { queue, redis: context.broker.connection.label, messages: claims }, handle);
}

/**
 * Never throws: the slot must be free again even if the handler has replaced the methods of its delivery.
 *
 * @returns whether the attempt has ended; otherwise `call.onOver` is called when Redis has answered
 */
function conclude<T>(claim: Claim<T>, call: HandlerCall<T>, performed: Performed): boolean {
  try {
    // An error given to `fail` counts also if the handler throws afterwards, as in a batch.
    const ending = claim.state.failure ? failed(claim.state.failure.error) : performed;
    const outcome = claim.state.job && claim.isCancelled ? acknowledged : decide(ending, claim.attempt, claim.policy!);
    const settling = settle(claim, outcome);
    if (!settling) return true;
    void settling.catch((error: unknown) => claim.warnUnsettled(error)).then(() => call.onOver(claim));
    return false;
  } catch (error) {
    claim.warnUnsettled(error);
    return true;
  }
}

/** Waits for the promises of handlers, one after the other. Two new functions for each message would be a quarter of its garbage. */
export class PromiseSlot {
  #claim: Claim | undefined;
  readonly #resolved = (result: unknown): void => this.#end(ended(this.#claim!, result));
  readonly #rejected = (error: unknown): void => this.#end(failed(error));

  constructor(private readonly call: HandlerCall) {}

  wait(result: Promise<unknown>, claim: Claim): void {
    this.#claim = claim;
    void result.then(this.#resolved, this.#rejected);
  }

  #end(performed: Performed): void {
    const { call } = this;
    const claim = this.#claim!;
    const isOver = conclude(claim, call, performed);
    this.#claim = undefined; // a free slot must not keep the bytes of a take alive
    call.freeSlots.push(this);
    if (isOver) call.onOver(claim);
  }
}

/** `Bury` comes first, then the number of attempts, then `RetryIn`, then `retryIf`, then the backoff. */
function afterFailure(error: unknown, attempt: number, policy: RetryPolicy, random?: () => number): Outcome {
  const asked = verdictIn(error);
  if (asked?.verb === 'bury')
    return { verb: 'bury', reason: asked.reason, attempts: attempt, error: asked.cause ?? error, isAsked: true };
  const reason = `failed ${attempt} of ${policy.attempts} attempts`;
  if (attempt >= policy.attempts) return { verb: 'bury', reason, attempts: attempt, error };
  if (asked) return { verb: 'retry', delayMs: asked.delayMs, error, isAsked: true };
  if (policy.retryIf?.(error, attempt) === false)
    return { verb: 'bury', reason: `${reason}, and retryIf returned false`, attempts: attempt, error };
  return { verb: 'retry', delayMs: delayAfter(attempt, policy.backoff, error, random), error };
}

function log(claim: Claim, outcome: Exclude<Outcome, { verb: 'ack' }>): void {
  const { context, id, queue, attempt, worker, settledBy } = claim;
  const { error } = outcome;
  if (settledBy && isA(error, LeaseLostError)) return claim.warnUnsettled(error); // its own settlement failed
  const message = `message ${id} of queue "${queue}"`;
  const why = error === undefined ? '' : `: ${errorText(error)}`;
  const about = { id, attempt, worker, ...(error !== undefined && errorFields(error)) };
  const level = outcome.isAsked ? 'info' : 'warn'; // what a handler asked for needs no warning
  if (settledBy)
    context.logger.warn(
      { queue, ...about, settledBy },
      `${message} was settled by ${settledBy}(), then its handler threw${why}`,
    );
  else if (outcome.verb === 'bury')
    context.logger[level](
      { queue, event: 'bury', ...about, reason: outcome.reason },
      `${message} was buried (${outcome.reason})${why}`,
    );
  else
    context.logger[level](
      { queue, event: 'retry', ...about, delayMs: outcome.delayMs },
      `${message} failed attempt ${attempt}, next attempt in ${outcome.delayMs} ms${why}`,
    );
}
