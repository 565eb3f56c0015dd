// Jobs that wait for the ends of others. A parent knows its children, and a child its parents: each lies in the slot of its own queue. The
// end of a parent is stored in the outbox of its queue, in the step that ends it, until its children are notified; or they are notified in that step,
// see `settle.lua`.
import { UnknownParentError } from '../core/errors.js';
import type { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import type { ParentEnd } from '../redis/flow-transitions.js';
import { brokerOf, refText, type JobRef } from './job-ref.js';
import { gone, notifyChild } from './notices.js';

/** What a job waits for, and what happens then. */
export interface AfterTerms {
  readonly parents: readonly JobRef[];
  readonly onFailure: 'cancel' | 'run';
  /** See `parent-ended.lua`. */
  readonly input: string;
  /** When it is due after its parents, as the broker writes it: `+<ms>`, Unix ms, or `''`. */
  readonly due: string;
}

/** The due time of a job that waits for others: no clock comes there. 31 December 9999. */
export const afterParents = 253_402_214_400_000;

/** Between two looks of maintenance at a job that waits for others. */
export const lookMs = 5_000;

/**
 * Puts a job that waits for others. What fails after its put, maintenance does.
 *
 * @param put stores its message, due {@link afterParents}. @returns false if its id was known
 * @returns whether it is stored
 * @throws UnknownParentError; what `put` throws
 */
export async function putAfter(
  broker: Broker,
  child: JobRef,
  terms: AfterTerms,
  put: () => Promise<boolean>,
  patience: Patience,
): Promise<boolean> {
  const { flows } = broker;
  await flows.block(child.id, lookMs, { ...terms, parents: terms.parents.map(refText) }, patience);
  if (!(await put())) {
    await flows.forget(child.id, patience);
    return false;
  }
  await linkToParents(broker, child, terms.parents, patience);
  return true;
}

/**
 * Notes at jobs that another one waits for them, which is put. If they have ended, that one is notified.
 *
 * @throws UnknownParentError if one has no record: the other job is cancelled
 */
export async function linkToParents(
  broker: Broker,
  child: JobRef,
  parents: readonly JobRef[],
  patience: Patience,
): Promise<void> {
  const { connection, flows } = broker;
  const ends = await Promise.all(
    parents.map((parent) => addChild(connection, parent, child, patience).catch(() => undefined)),
  );
  const unknown = parents.find((_, index) => ends[index] === 'gone');
  if (unknown) {
    await broker.jobs.cancel(child.id, `unblock-${child.id}`, patience);
    await flows.forget(child.id, patience);
    throw new UnknownParentError(child.queue, unknown.queue, unknown.id);
  }
  for (const [index, end] of ends.entries())
    if (typeof end === 'object')
      await notifyChild(broker, child.id, parents[index]!, end, patience).catch(() => undefined);
}

/** Notes at a job that another one waits for it. @returns how it has ended; `undefined` if it has not, `'gone'` if it has no record */
export async function addChild(
  connection: Connection,
  parent: JobRef,
  child: JobRef,
  patience: Patience,
): Promise<ParentEnd | 'gone' | undefined> {
  return brokerOf(connection, parent).flows.addChild(parent.id, refText(child), patience);
}

/** Notes at a job that `child` waits for it, and notifies `child` if it has ended. @returns whether it has */
export async function awaitParent(broker: Broker, child: JobRef, parent: JobRef, patience: Patience): Promise<boolean> {
  const end = await addChild(broker.connection, parent, child, patience);
  if (end !== undefined) await notifyChild(broker, child.id, parent, end === 'gone' ? gone : end, patience);
  return end !== undefined;
}
