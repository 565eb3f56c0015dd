// A flow starts as a whole or not at all. Its first jobs wait for its start as for a parent. Whether it starts is one key, in the slot of its
// first queue: it is written once, when all jobs are put, or by maintenance if that takes too long.
import { FlowNotStartedError } from '../core/errors.js';
import { inPortions } from '../core/in-portions.js';
import type { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import type { ParentEnd } from '../redis/flow-broker.js';
import { brokerOf, gone, refIn, refText, notifyChild, type JobRef } from './after.js';
import type { Job } from './job.js';

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
  await tellAll(connection, held, started, patience)
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
  await tellAll(connection, own, gone, patience);
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

async function tellAll(
  connection: Connection,
  held: readonly HeldJob[],
  end: ParentEnd,
  patience: Patience,
): Promise<void> {
  await inPortions(held, ({ job, start }) => notifyChild(brokerOf(connection, job), job.id, start, end, patience));
}
