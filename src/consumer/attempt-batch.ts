import { errorFields } from '../core/logger.js';
import type { PayloadType } from '../payload/payload-type.js';
import { processChannel } from '../telemetry/channels.js';
import {
  admit,
  carryOut,
  decide,
  ended,
  errorText,
  failed,
  handleTraced,
  policyFor,
  settle,
  timedOut,
  type Outcome,
  type Performed,
} from './attempt.js';
import { attributed } from './attribution.js';
import type { Claim } from './claim.js';
import type { Delivery } from './delivery.js';
import { activeInProcess } from './process.js';
import { unreadError } from './returned.js';
import type { RetryPolicy } from './retry-policy.js';
import { withTimeout } from './timeout.js';

/** What a worker calls that handles many messages in one run, and how it treats failures. */
export interface BatchHandlerCall {
  readonly payload: PayloadType<unknown>;
  readonly retry: RetryPolicy;
  handle(this: void, payloads: unknown[], deliveries: Delivery[]): unknown;
}

/** What the handler threw, or what it returned. */
type Ending = { readonly error: unknown } | { readonly result: unknown };

/**
 * Runs one attempt of several messages together. Each is validated before, and settled after, as if it had been alone: by its own
 * attempts, backoff and timeout. Never throws.
 */
export async function attemptBatch(claims: readonly Claim[], call: BatchHandlerCall): Promise<void> {
  const admitted: Claim[] = [];
  const burying: Promise<void>[] = [];
  for (const claim of claims) {
    claim.policy = policyFor(claim, call.retry);
    const refusing = admit(claim, call.payload);
    const refused = refusing instanceof Promise ? await refusing : refusing;
    if (refused) claim.startedAt = undefined; // no handler runs
    if (refused) burying.push(Promise.resolve(settle(claim, decide(refused, claim.attempt, claim.policy))));
    else admitted.push(claim);
  }
  if (admitted.length > 0) await handle(admitted, call);
  await Promise.all(burying);
}

async function handle(claims: readonly Claim[], call: BatchHandlerCall): Promise<void> {
  const now = performance.now(); // the rules of a class may have taken a while
  for (const claim of claims) {
    claim.startedAt = now;
    claim.emit('take');
  }
  const running = run(claims, call);
  const batch = new Batch(claims);
  const untimed = claims.filter(({ policy }) => policy!.timeoutMs === undefined);
  const timed = claims.filter(({ policy }) => policy!.timeoutMs !== undefined);
  // A message whose time is up does not wait for the others. When all have a timeout, nothing waits for the handler.
  const ends = timed.map(async (claim) => batch.conclude([claim], await endingInTime(claim, running)));
  if (untimed.length > 0) await batch.conclude(untimed, await endingOf(running));
  await Promise.all(ends);
  batch.logFailures();
}

function run(claims: readonly Claim[], { handle: handleAll }: BatchHandlerCall): Promise<unknown> {
  const payloads = claims.map(({ payload }) => payload);
  const plain = (): unknown => handleAll(payloads, [...claims]);
  const handle = processChannel.hasSubscribers ? (): unknown => handleTraced(claims, plain) : plain;
  return new Promise((resolve) => resolve(activeInProcess.suspects > 0 ? attributed(claims, handle) : handle()));
}

function endingInTime(claim: Claim, running: Promise<unknown>): Promise<Ending> {
  const { timeoutMs = Infinity } = claim.policy!;
  return endingOf(
    withTimeout(
      timeoutMs,
      () => running,
      () => timedOut(claim, timeoutMs),
    ),
  );
}

function endingOf(running: Promise<unknown>): Promise<Ending> {
  return running.then(
    (result) => {
      const error = unreadError(result);
      return error ? { error } : { result };
    },
    (error: unknown) => ({ error }),
  );
}

/** Settles the messages of one run. A failure of one message is logged alone; what the handler threw concerns them all, and is logged once. */
class Batch {
  readonly #failedTogether: Outcome[] = [];

  constructor(private readonly claims: readonly Claim[]) {}

  async conclude(claims: readonly Claim[], ending: Ending): Promise<void> {
    const settling: Promise<void>[] = [];
    for (const claim of claims) {
      const settled = this.#settle(claim, ending);
      if (settled) settling.push(settled);
    }
    await Promise.all(settling);
  }

  logFailures(): void {
    const failed = this.#failedTogether;
    const [first] = failed;
    if (!first || first.verb === 'ack') return;
    const { logger, name } = this.claims[0]!.context;
    const buried = failed.filter(({ verb }) => verb === 'bury').length;
    const retried = failed.length - buried;
    const level = first.isAsked ? 'info' : 'warn';
    logger[level](
      // Each message emits an event of its own, and `first` has the verb of at least one of them.
      { queue: name, event: first.verb, retried, buried, ...errorFields(first.error) },
      `${failed.length} messages of queue "${name}" failed together (${retried} will be retried, ${buried} buried): ${errorText(first.error)}`,
    );
  }

  /** A handler that returns an array with one entry for each message returns their results. */
  #resultOf(claim: Claim, ending: Ending): unknown {
    if (!claim.isTracked || !('result' in ending) || !Array.isArray(ending.result)) return undefined;
    return ending.result.length === this.claims.length
      ? (ending.result[this.claims.indexOf(claim)] as unknown)
      : undefined;
  }

  #settle(claim: Claim, ending: Ending): Promise<void> | undefined {
    const performed: Performed =
      'error' in ending && !claim.state.failure ? failed(ending.error) : ended(claim, this.#resultOf(claim, ending));
    const outcome = claim.isCancelled ? ({ verb: 'ack' } as const) : decide(performed, claim.attempt, claim.policy!);
    if (outcome.verb === 'ack' || claim.state.failure || this.claims.length === 1) return settle(claim, outcome);
    if (!claim.state.settledBy) this.#failedTogether.push(outcome);
    return carryOut(claim, outcome);
  }
}
