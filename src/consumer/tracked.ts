// What happens to tracked messages beside their delivery: their jobs are running, their results are stored, their work can be cancelled.
import { InvalidPayloadError, InvalidResultError, JobCancelledError, ResultTooLargeError } from '../core/errors.js';
import type { Patience } from '../redis/connection.js';
import type { QueueContext } from '../redis/queue-context.js';
import { tenSeconds } from '../redis/reading.js';
import type { JobClaim } from './claim-job.js';

/** A claim, as far as its job needs it. */
export interface TrackedClaim extends JobClaim {
  readonly isTracked: boolean;
  readonly state: {
    readonly job: { replacement: string | undefined; hasBegun: boolean; hasExpired: boolean } | undefined;
  };
  drop(isSettled: boolean): void;
  abort(reason: unknown): void;
}

/** The session of tracked messages, as far as they need it. */
export interface TrackedHolder<C> {
  readonly context: QueueContext;
  readonly name: string;
  giveBack(claims: readonly C[]): Promise<void>;
}

/**
 * Marks the jobs of a take as running before their handlers begin, in one trip. Messages whose jobs were cancelled are settled with it.
 *
 * @returns the claims whose handlers may begin, in order
 */
export async function beginJobs<C extends TrackedClaim>(
  session: TrackedHolder<C>,
  claims: readonly C[],
  patience: Patience,
): Promise<readonly C[]> {
  const tracked = claims.filter(({ isTracked }) => isTracked);
  if (tracked.length === 0) return claims;
  const { broker, results } = session.context;
  const { worker, take } = tracked[0]!;
  const dropped = new Set<C>();
  try {
    const replies = await broker.jobs.begin(worker, session.name, take.number, tracked, results.tracking, patience);
    for (const [index, reply] of replies.entries()) {
      const claim = tracked[index]!;
      if (reply.kind === 'begun') {
        claim.state.job!.replacement = reply.replacement;
        claim.state.job!.hasBegun = true;
        continue;
      }
      if (reply.kind === 'expired') {
        claim.state.job!.hasExpired = true;
        continue;
      }
      dropped.add(claim);
      claim.drop(reply.kind === 'ended');
    }
  } catch {
    await session.giveBack(claims); // the worker stops, and Redis is away
    return [];
  }
  watchCancellations(session.context);
  return dropped.size === 0 ? claims : claims.filter((claim) => !dropped.has(claim));
}

/** Writes into the record of a job that it runs: its handler has begun. @throws RedisUnreachableError */
export async function noteBegun<C extends TrackedClaim>({ context, name }: TrackedHolder<C>, claim: C): Promise<void> {
  const { broker, results } = context;
  const have = { ...results.tracking, begun: true };
  const [reply] = await broker.jobs.begin(claim.worker, name, claim.take.number, [claim], have, tenSeconds);
  if (reply?.kind === 'begun') claim.state.job!.hasBegun = true;
}

/**
 * The text of what a handler returned, as its queue stores results; `''` for nothing.
 *
 * @throws InvalidResultError, ResultTooLargeError
 */
export function encodeResult(claim: TrackedClaim, result: unknown): string | Promise<string> {
  if (result === undefined) return '';
  const { type, tracking } = claim.context.results;
  try {
    const encoded = type.encode(result);
    if (!(encoded instanceof Promise)) return bounded(claim, encoded.text, tracking.maxResultBytes);
    return encoded.then(
      ({ text }) => bounded(claim, text, tracking.maxResultBytes),
      (error: unknown) => {
        throw invalidResult(claim, error);
      },
    );
  } catch (error) {
    throw error instanceof ResultTooLargeError ? error : invalidResult(claim, error);
  }
}

function bounded({ queue, id }: TrackedClaim, text: string, mostBytes: number): string {
  const bytes = text.length * 3 <= mostBytes ? 0 : Buffer.byteLength(text);
  if (bytes > mostBytes) throw new ResultTooLargeError(queue, id, bytes, mostBytes);
  return text;
}

function invalidResult({ queue, id }: TrackedClaim, cause: unknown): InvalidResultError {
  const reason =
    cause instanceof InvalidPayloadError
      ? cause.violations.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
      : cause instanceof Error
        ? cause.message
        : String(cause);
  return new InvalidResultError(queue, id, reason, { cause });
}

/** Claims of tracked messages in this process, by queue and id. */
const running = new WeakMap<QueueContext, Map<string, TrackedClaim>>();

/** Ids of the last jobs that were cancelled while they ran, and not here. */
const unknown = new WeakMap<QueueContext, Set<string>>();
const mostUnknown = 1_000;

/** A tracked message is active in this process: its signal aborts when it is cancelled. */
export function noteRunning(claim: TrackedClaim): void {
  const { context } = claim;
  const claims = running.get(context) ?? new Map<string, TrackedClaim>();
  running.set(context, claims);
  claims.set(claim.id, claim);
  if (unknown.get(context)?.delete(claim.id)) void lookForCancelled(context);
}

/** It is not active any more. */
export function forgetRunning(claim: TrackedClaim): void {
  const claims = running.get(claim.context);
  if (claims?.get(claim.id) === claim) claims.delete(claim.id);
}

/** Ends the subscriptions of queues that have taken tracked messages. */
const watching = new WeakMap<QueueContext, () => void>();

/** The queue is closed. */
export function ignoreCancellations(context: QueueContext): void {
  watching.get(context)?.();
}

/** Aborts the signals of jobs of this queue that are cancelled while they run. The subscription lasts as long as the queue is open. */
function watchCancellations(context: QueueContext): void {
  if (watching.has(context)) return;
  const { connection, keys } = context.broker;
  const unlisten = connection.notifier.listen(keys.cancellations, {
    onMessage: (id) => cancel(context, id),
    onBegin: () => void lookForCancelled(context),
  });
  watching.set(context, unlisten);
}

/** What was cancelled while no notification could arrive. */
async function lookForCancelled(context: QueueContext): Promise<void> {
  const ids = [...(running.get(context)?.keys() ?? [])];
  if (ids.length === 0) return;
  const ends = await context.broker.jobs.ends(ids, { withinMs: 0 }).catch(() => []); // the next begin of the subscription looks again
  for (const [index, { status }] of ends.entries()) if (status === 'cancelled') cancel(context, ids[index]!);
}

function cancel(context: QueueContext, id: string): void {
  const claim = running.get(context)?.get(id);
  if (claim) return claim.abort(new JobCancelledError(context.name, id));
  // The reply to the take may be on its way that brings its message.
  const ids = unknown.get(context) ?? new Set<string>();
  unknown.set(context, ids);
  ids.add(id);
  if (ids.size > mostUnknown) ids.delete(ids.values().next().value!);
}
