import { type InvalidPayloadError, LeaseLostError } from '../contract/errors.js';
import type { PayloadType } from '../message/payload.js';
import type { Claim } from './claim.js';
import { abort, deliver, type Delivery } from './delivery.js';
import { defaultPolicy, delayAfter, type RetryPolicy } from './retry-policy.js';

/** How one worker works: with what, and what happens when it fails. */
export interface Way<T = unknown> {
  readonly payload: PayloadType<T>;
  handle(payload: T, delivery: Delivery<T>): unknown;
  /** The worker's own words on retrying; a message's own come first, the defaults last. */
  readonly retry: { readonly attempts?: number; readonly backoffMs?: number };
}

/** What happened. */
export type Performed =
  | { readonly kind: 'handled' }
  | { readonly kind: 'invalid'; readonly error: InvalidPayloadError }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What follows from it. */
export type Outcome =
  | { readonly verb: 'ack' }
  | { readonly verb: 'retry'; readonly delayMs: number; readonly error: unknown }
  | { readonly verb: 'bury'; readonly reason: string; readonly error: unknown };

/** One delivery, start to end. Never throws for what the handler did, nor for a lease that was lost meanwhile. */
export async function attempt<T>(claim: Claim, way: Way<T>): Promise<void> {
  const policy = policyFor(claim, way.retry);
  const performed = await perform(claim, way, policy);
  const outcome = decide(performed, claim.attempt, policy);
  await settle(claim, outcome);
}

/** Open, check, handle. */
async function perform<T>(claim: Claim, way: Way<T>, policy: RetryPolicy): Promise<Performed> {
  let delivery: Delivery<T>;
  try {
    delivery = await admit(claim, way.payload, policy);
  } catch (error) {
    return { kind: 'invalid', error: error as InvalidPayloadError };
  }
  try {
    claim.channel.events.emit('take', claim.event);
    await way.handle(delivery.payload, delivery);
    return { kind: 'handled' };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

/**
 * The delivery of a claim, its payload checked.
 *
 * @throws InvalidPayloadError and nothing else
 */
export async function admit<T>(claim: Claim, payload: PayloadType<T>, policy: RetryPolicy): Promise<Delivery<T>> {
  const { id, attempt, putAt, channel } = claim;
  const delivery = deliver({
    id,
    attempt,
    putAt,
    queue: channel.name,
    payload: await payload.decode(claim.text),
    settler: claim,
    backoffMs: () => delayAfter(attempt, policy),
  });
  claim.onAbort((reason) => abort(delivery, reason));
  return delivery;
}

/** The producer's word for this message, else the worker's, else the default. */
export function policyFor(claim: Claim, worker: Way['retry']): RetryPolicy {
  const message = claim.options;
  return {
    attempts: message.attempts ?? worker.attempts ?? defaultPolicy.attempts,
    backoffMs: message.backoffMs ?? worker.backoffMs ?? defaultPolicy.backoffMs,
  };
}

/** Pure: a message that is invalid will not get better; one that failed may. */
export function decide(performed: Performed, attempt: number, policy: RetryPolicy, random?: () => number): Outcome {
  switch (performed.kind) {
    case 'handled':
      return { verb: 'ack' };
    case 'invalid':
      return { verb: 'bury', reason: 'invalid payload', error: performed.error };
    case 'failed':
      if (attempt >= policy.attempts) return { verb: 'bury', reason: `failed ${attempt} of ${policy.attempts} attempts`, error: performed.error };
      return { verb: 'retry', delayMs: delayAfter(attempt, policy, random), error: performed.error };
  }
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
  if (settledBy) channel.logger.warn(`${what} was settled by ${settledBy}(), then its handler threw: ${sentence(outcome.error)}`);
  else if (outcome.verb === 'bury') channel.logger.warn(`${what} buried, ${outcome.reason}: ${sentence(outcome.error)}`);
  else channel.logger.warn(`${what} failed attempt ${attempt}, again in ${outcome.delayMs} ms: ${sentence(outcome.error)}`);
}

function sentence(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
