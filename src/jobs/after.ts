// Jobs that wait for the ends of others. A parent knows its children, and a child its parents: each lies in the slot of its own queue. The
// end of a parent is stored in the outbox of its queue, in the step that ends it, until its children are notified.
import { UnknownParentError } from '../core/errors.js';
import { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import { Keys } from '../redis/keys.js';
import type { ParentEnd } from '../redis/flow-broker.js';

/** A job, in any queue of one Redis. */
export interface JobRef {
  readonly queue: string;
  readonly prefix: string;
  readonly id: string;
}

/** A job as it is written in Redis: no part of it has a space or a quote. */
export const refText = ({ prefix, queue, id }: JobRef): string => `${prefix} ${queue} ${id}`;

export function refIn(text: string): JobRef {
  const [prefix = '', queue = '', id = ''] = text.split(' ');
  return { prefix, queue, id };
}

/** A job of the queue with these keys. */
export function refOf({ names, base }: Keys, id: string): JobRef {
  return { prefix: names, queue: base.slice(names.length + 1), id };
}

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

/** Where a job is, as a broker of its own queue. */
export function brokerOf(connection: Connection, { queue, prefix }: JobRef): Broker {
  return new Broker(connection, new Keys(queue, prefix));
}

/**
 * Puts a job that waits for others. What fails after its put is done by maintenance.
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
  const { connection, flows } = broker;
  await flows.block(child.id, lookMs, { ...terms, parents: terms.parents.map(refText) }, patience);
  if (!(await put())) {
    await flows.forget(child.id, patience);
    return false;
  }
  const ends = await Promise.all(
    terms.parents.map((parent) => addChild(connection, parent, child, patience).catch(() => undefined)),
  );
  const unknown = terms.parents.find((_, index) => ends[index] === 'gone');
  if (unknown) {
    await broker.jobs.cancel(child.id, `unblock-${child.id}`, patience);
    await flows.forget(child.id, patience);
    throw new UnknownParentError(child.queue, unknown.queue, unknown.id);
  }
  for (const [index, end] of ends.entries())
    if (typeof end === 'object')
      await notifyChild(broker, child.id, terms.parents[index]!, end, patience).catch(() => undefined);
  return true;
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

/** Notifies a job that one of its parents has ended. */
export async function notifyChild(
  broker: Broker,
  id: string,
  parent: JobRef,
  end: ParentEnd,
  patience: Patience,
): Promise<void> {
  const what = await broker.flows.parentEnded(id, refText(parent), end, patience);
  if (what === 'cancelled') await deliverEnd(broker, id, patience);
}

/** An end of a job in the outbox, as `noteEnd` in `_jobs.lua` writes it. */
export interface EndNotice {
  readonly ended: string;
  readonly children: readonly string[];
}

/** Notifies the children of a job that it has ended, and removes the notice. May be called by several processes at once. */
export async function deliverNotice(
  source: Broker,
  name: string,
  notice: EndNotice,
  patience: Patience,
): Promise<void> {
  const { connection, keys } = source;
  const parent = refOf(keys, notice.ended);
  const end = await source.flows.endOf(notice.ended, patience); // none if it was revived meanwhile
  for (const child of end ? notice.children.map(refIn) : [])
    await notifyChild(brokerOf(connection, child), child.id, parent, end!, patience);
  await connection.call((client) => client.hdel(keys.outbox, name), patience);
}

/** Delivers the notice of one job, if there is one. */
export async function deliverEnd(source: Broker, id: string, patience: Patience): Promise<void> {
  const name = `end:${id}`;
  const entry = await source.connection.call((client) => client.hget(source.keys.outbox, name), patience);
  const notice = entry === null ? undefined : noticeIn(entry);
  if (notice) await deliverNotice(source, name, notice, patience);
}

/** @returns `undefined` for an entry of another kind */
export function noticeIn(entry: string): EndNotice | undefined {
  if (!entry.startsWith('{"ended":')) return undefined;
  return JSON.parse(entry) as EndNotice;
}

/** A parent without a record. */
export const gone: ParentEnd = { status: 'gone', result: '', failure: '' };
