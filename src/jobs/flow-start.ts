// A flow starts as a whole or not at all. Its first jobs wait for its start as for a parent. Whether it starts is one key, in the slot of its
// first queue: it is written once, when all jobs are put, or by maintenance if that takes too long.
import { FlowNotStartedError } from '../core/errors.js';
import type { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import type { FlowJob, ParentEnd } from '../redis/flow-transitions.js';
import type { PutLane } from '../redis/transitions.js';
import { brokerOf, refIn, refText, type JobRef } from './job-ref.js';
import type { Job } from './job.js';
import { gone, notifyChild, notifyHeld } from './notices.js';

/** A flow that is not put as a whole after this time does not start. */
export const mostPutMs = 300_000;

/** A first job of a flow, and the start for which it waits. */
export interface HeldJob {
  readonly job: JobRef;
  readonly start: JobRef;
}

/** Where a step of a flow is: it waits for the start of the flow, or it is behind others and gets their results as `input` says. */
export type PlaceInFlow = { readonly start: JobRef } | { readonly input: string };

/** A step that is put. */
export interface PutStep {
  readonly job: Job;
  /** The start for which it waits; absent if it waits for none, as it was put before. */
  readonly waitsFor?: JobRef | undefined;
}

/** The message of a step that is put together with those of others. */
export interface PreparedStep {
  readonly job: Job;
  readonly message: string;
  readonly lane: PutLane;
  /** When it is due after its parents, as the broker writes it; `''` for at once. */
  readonly due: string;
  readonly tracking: FlowJob['tracking'];
  /** Id of the process that is notified of its end; `''` for none. */
  readonly processId: string;
}

/** What the message of such a step depends on. */
export interface PlaceTogether {
  /** It waits for no other one. */
  readonly isFirst: boolean;
  /** Its result is the result of the flow, or a part of it. */
  readonly isEnd: boolean;
  /** Resolves when Redis has the whole flow. */
  readonly stored: Promise<void>;
}

const started: ParentEnd = { status: 'done', result: '', failure: '' };
const ignore = (): void => undefined; // maintenance notifies the jobs

/**
 * Starts the jobs of a flow: all of them are put.
 *
 * @param held its first jobs. A job with an id of the caller may wait for the start of an earlier put of the same flow
 * @throws FlowNotStartedError if maintenance has given it up
 */
export async function startFlow(
  connection: Connection,
  start: JobRef,
  held: readonly HeldJob[],
  patience: Patience,
): Promise<void> {
  const others = held.filter((one) => one.start.id !== start.id);
  const isOwn = others.length < held.length;
  const starts = new Map(
    [...others.map((one) => one.start), ...(isOwn ? [start] : [])].map((one) => [refText(one), one]),
  );
  for (const { id, ...place } of starts.values())
    if (!(await brokerOf(connection, { id, ...place }).flows.decideStart(id, true, patience)))
      throw new FlowNotStartedError(start.queue, id, mostPutMs);
  await notifyHeld(connection, held, started, patience)
    .then(() => brokerOf(connection, start).flows.forgetStart(start.id, patience))
    .catch(ignore);
}

/** Cancels the jobs of a flow that could not be put as a whole. What fails is done by maintenance. */
export async function abandonFlow(
  connection: Connection,
  start: JobRef,
  held: readonly HeldJob[],
  patience: Patience,
): Promise<void> {
  if (held.length === 0) return;
  const { flows } = brokerOf(connection, start);
  if (await flows.decideStart(start.id, false, patience)) return;
  const own = held.filter((one) => one.start.id === start.id);
  await notifyHeld(connection, own, gone, patience);
}

/** Looks at a first job of a flow: its flow starts, or is given up, and the process that put it has not notified it. */
export async function lookAtUnstarted(
  broker: Broker,
  id: string,
  { text, since }: { readonly text: string; readonly since: number },
  now: number,
  patience: Patience,
): Promise<void> {
  const start = refIn(text);
  const { flows } = brokerOf(broker.connection, start);
  let starts = await flows.startDecision(start.id, patience);
  if (starts === undefined) {
    if (since > now - mostPutMs) return;
    starts = await flows.decideStart(start.id, false, patience);
  }
  await notifyChild(broker, id, start, starts ? started : gone, patience);
}
