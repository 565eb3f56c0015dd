import type { PayloadType } from '../message/payload.js';
import { admit, carryOut, decide, ended, policyFor, sentence, settle, timeIsUp, type Outcome, type Performed } from './attempt.js';
import type { Claim } from './claim.js';
import { Delivery } from './delivery.js';
import type { RetryPolicy } from './retry-policy.js';
import { inTime } from './time-limit.js';

/** Configuration of a worker that takes several messages per call. */
export interface BatchWay {
  readonly payload: PayloadType<unknown>;
  readonly retry: RetryPolicy;
  handle(payloads: unknown[], deliveries: Delivery[]): unknown;
}

/** One message of a batch. */
interface Member {
  readonly claim: Claim;
  readonly policy: RetryPolicy;
  readonly delivery: Delivery;
}

/** What the handler threw: an error of all messages; `undefined` if it returned. */
type Thrown = { readonly error: unknown } | undefined;

/**
 * Runs several deliveries with one call of the handler, from start to end.
 *
 * Each message is checked before the call and settled after it as if it were alone, with its own attempts, backoff and
 * timeout. Never throws.
 */
export async function attemptBatch(claims: readonly Claim[], way: BatchWay): Promise<void> {
  const members: Member[] = [];
  const burying: Promise<void>[] = [];
  for (const claim of claims) {
    const policy = policyFor(claim, way.retry);
    const admitted = admit(claim, way.payload, policy);
    const delivery = admitted instanceof Promise ? await admitted : admitted;
    if (delivery instanceof Delivery) members.push({ claim, policy, delivery });
    else burying.push(Promise.resolve(settle(claim, decide(delivery, claim.attempt, policy))));
  }
  if (members.length > 0) await handle(members, way);
  await Promise.all(burying);
}

async function handle(members: readonly Member[], way: BatchWay): Promise<void> {
  for (const { claim } of members) claim.tell('take');
  const running = run(members, way);
  const batch = new Batch(members);
  const untimed = members.filter(({ policy }) => policy.timeoutMs === undefined);
  const timed = members.filter(({ policy }) => policy.timeoutMs !== undefined);
  // A message whose time is up does not wait for the others. If all messages have a timeout, the handler is not awaited.
  const ends = timed.map(async (member) => batch.conclude([member], await thrownInTime(member, running)));
  if (untimed.length > 0) await batch.conclude(untimed, await thrownBy(running));
  await Promise.all(ends);
  batch.tellTogether();
}

function run(members: readonly Member[], way: BatchWay): Promise<unknown> {
  const deliveries = members.map(({ delivery }) => delivery);
  const payloads = deliveries.map(({ payload }) => payload);
  return new Promise((resolve) => resolve(way.handle(payloads, deliveries)));
}

function thrownInTime({ claim, policy: { timeoutMs = Infinity } }: Member, running: Promise<unknown>): Promise<Thrown> {
  return thrownBy(inTime(timeoutMs, () => running, () => timeIsUp(claim, timeoutMs)));
}

function thrownBy(running: Promise<unknown>): Promise<Thrown> {
  return running.then(() => undefined, (error: unknown) => ({ error }));
}

/** Logs the failure of a single message on its own, and an error that the handler threw once for all messages. */
class Batch {
  readonly #failedTogether: Outcome[] = [];

  constructor(private readonly members: readonly Member[]) {}

  async conclude(members: readonly Member[], thrown: Thrown): Promise<void> {
    const settling: Promise<void>[] = [];
    for (const member of members) {
      const settled = this.#settle(member, thrown);
      if (settled) settling.push(settled);
    }
    await Promise.all(settling);
  }

  tellTogether(): void {
    const failed = this.#failedTogether;
    const [first] = failed;
    if (!first || first.verb === 'ack') return;
    const { logger, name } = this.members[0]!.claim.channel;
    const buried = failed.filter(({ verb }) => verb === 'bury').length;
    const level = first.isAsked ? 'info' : 'warn';
    logger[level](`${failed.length} messages of queue "${name}" failed together (${failed.length - buried} will be retried, ${buried} buried): ${sentence(first.error)}`);
  }

  #settle({ claim, policy, delivery }: Member, thrown: Thrown): Promise<void> | undefined {
    const performed: Performed = thrown && !delivery.failure ? { kind: 'failed', error: thrown.error } : ended(delivery);
    const outcome = decide(performed, claim.attempt, policy);
    if (outcome.verb === 'ack' || delivery.failure || this.members.length === 1) return settle(claim, outcome);
    if (!claim.settledBy) this.#failedTogether.push(outcome);
    return carryOut(claim, outcome);
  }
}
