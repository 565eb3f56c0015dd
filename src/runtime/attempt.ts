import { doubling } from '../contract/backoff.js';
import { type InvalidPayloadError, LeaseLostError, TimedOutError } from '../contract/errors.js';
import { Bury, RetryIn } from '../contract/verdicts.js';
import type { PayloadType } from '../message/payload.js';
import type { Claim } from './claim.js';
import { abort, deliver, Delivery } from './delivery.js';
import { defaultPolicy, delayAfter, type RetryPolicy, type RetryRules } from './retry-policy.js';
import { inTime } from './time-limit.js';

/** How one worker works: with what, and what happens when it fails. */
export interface Way<T = unknown> {
  readonly payload: PayloadType<T>;
  handle(payload: T, delivery: Delivery<T>): unknown;
  /** The worker's own words on retrying; a message's own come first, the defaults last. */
  readonly retry: RetryRules;
}

/** Why nobody was asked to handle it. */
export type Refused = { readonly kind: 'expired' } | { readonly kind: 'invalid'; readonly error: InvalidPayloadError };

/** What happened. */
export type Performed = Refused | { readonly kind: 'handled' } | { readonly kind: 'failed'; readonly error: unknown };

/** What follows from it. */
export type Outcome =
  | { readonly verb: 'ack' }
  | { readonly verb: 'retry'; readonly delayMs: number; readonly error: unknown; readonly isAsked?: true }
  /** `attempts`: how often it was tried. `isAsked`, here and above: the handler wanted it so. */
  | { readonly verb: 'bury'; readonly reason: string; readonly attempts: number; readonly error?: unknown; readonly isAsked?: true };

/** One delivery, start to end. Never throws for what the handler did, nor for a lease that was lost meanwhile. */
export async function attempt<T>(claim: Claim, way: Way<T>): Promise<void> {
  const policy = policyFor(claim, way.retry);
  const performed = await perform(claim, way, policy);
  const outcome = decide(performed, claim.attempt, policy);
  await settle(claim, outcome);
}

/** Open, check, handle. */
async function perform<T>(claim: Claim, way: Way<T>, policy: RetryPolicy): Promise<Performed> {
  const delivery = await admit(claim, way.payload, policy);
  if (!(delivery instanceof Delivery)) return delivery;
  try {
    claim.channel.events.emit('take', claim.event);
    if (policy.timeoutMs === undefined) await way.handle(delivery.payload, delivery);
    else await inTime(policy.timeoutMs, () => way.handle(delivery.payload, delivery), () => timeIsUp(claim, policy.timeoutMs!));
    return { kind: 'handled' };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/** The delivery of a claim, its payload checked; else why there is none. */
export async function admit<T>(claim: Claim, payload: PayloadType<T>, policy: RetryPolicy): Promise<Delivery<T> | Refused> {
  if (claim.hasExpired) return { kind: 'expired' };
  const { id, attempt, putAt, channel } = claim;
  try {
    const delivery = deliver({
      id,
      attempt,
      putAt,
      queue: channel.name,
      payload: await payload.decode(claim.text),
      settler: claim,
      backoffMs: () => delayAfter(attempt, policy.backoff),
    });
    claim.onAbort((reason) => abort(delivery, reason));
    return delivery;
  } catch (error) {
    return { kind: 'invalid', error: error as InvalidPayloadError };
  }
}

function timeIsUp(claim: Claim, timeoutMs: number): TimedOutError {
  const error = new TimedOutError(claim.channel.name, claim.id, timeoutMs);
  claim.abort(error);
  return error;
}

/** The producer's word for this message, else the worker's, else the default. */
export function policyFor(claim: Claim, worker: Way['retry']): RetryPolicy {
  const message = claim.options;
  const timeoutMs = message.timeoutMs ?? worker.timeoutMs;
  return {
    attempts: message.attempts ?? worker.attempts ?? defaultPolicy.attempts,
    backoff: message.backoffMs === undefined ? (worker.backoff ?? defaultPolicy.backoff) : doubling(message.backoffMs),
    ...(worker.retryIf && { retryIf: worker.retryIf }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** Pure: a message that is invalid or late will not get better; one that failed may. */
export function decide(performed: Performed, attempt: number, policy: RetryPolicy, random?: () => number): Outcome {
  switch (performed.kind) {
    case 'handled':
      return { verb: 'ack' };
    case 'expired':
      return { verb: 'bury', reason: 'expired', attempts: attempt - 1 };
    case 'invalid':
      return { verb: 'bury', reason: 'invalid payload', attempts: attempt, error: performed.error };
    case 'failed':
      return afterFailure(performed.error, attempt, policy, random);
  }
}

/** The handler's own verdict first, then the number of attempts, then the filter. */
function afterFailure(error: unknown, attempt: number, policy: RetryPolicy, random?: () => number): Outcome {
  if (error instanceof Bury) return { verb: 'bury', reason: error.reason, attempts: attempt, error: error.cause ?? error, isAsked: true };
  const failed = `failed ${attempt} of ${policy.attempts} attempts`;
  if (attempt >= policy.attempts) return { verb: 'bury', reason: failed, attempts: attempt, error };
  if (error instanceof RetryIn) return { verb: 'retry', delayMs: error.delayMs, error, isAsked: true };
  if (policy.retryIf?.(error, attempt) === false) return { verb: 'bury', reason: `${failed}, and retryIf refused another`, attempts: attempt, error };
  return { verb: 'retry', delayMs: delayAfter(attempt, policy.backoff, error, random), error };
}

/** Carries an outcome out, unless the handler settled the message itself. */
export async function settle(claim: Claim, outcome: Outcome): Promise<void> {
  const { logger, name } = claim.channel;
  tell(claim, outcome);
  if (claim.settledBy) return;
  try {
    if (outcome.verb === 'ack') await claim.ack();
    else if (outcome.verb === 'retry') await claim.retry(outcome.delayMs, outcome.error);
    else await claim.bury(outcome);
  } catch (error) {
    // Given back at a deadline, or recovered by somebody: the message is safe, and it is not ours any more.
    if (error instanceof LeaseLostError) logger.warn(error.message);
    else logger.warn(`message ${claim.id} of queue "${name}" was not settled (${sentence(error)}): it will be handled again`);
  }
}

function tell({ channel, id, attempt, settledBy }: Claim, outcome: Outcome): void {
  if (outcome.verb === 'ack') return;
  const what = `message ${id} of queue "${channel.name}"`;
  const why = outcome.error === undefined ? '' : `: ${sentence(outcome.error)}`;
  // What a handler asked for is no surprise to anybody.
  const level = outcome.isAsked ? 'info' : 'warn';
  if (settledBy) channel.logger.warn(`${what} was settled by ${settledBy}(), then its handler threw${why}`);
  else if (outcome.verb === 'bury') channel.logger[level](`${what} buried, ${outcome.reason}${why}`);
  else channel.logger[level](`${what} failed attempt ${attempt}, again in ${outcome.delayMs} ms${why}`);
}

function sentence(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
