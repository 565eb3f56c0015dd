// Notices: that a job has ended for which others wait. A notice lies in the outbox of the job's queue, from the step that ends the job until those
// that wait for it know. They may be in other queues. A job that is done needs no notice if its header names the only one that waits for it: see
// `settle.lua`.
import type { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import type { EndedParents, ParentEnd } from '../redis/flow-transitions.js';
import { baseOf, brokerOf, refIn, refOf, refText, type JobRef } from './job-ref.js';

/** A job has ended, and these others wait for it, see `refText`. */
export interface EndNotice {
  readonly id: string;
  readonly end: ParentEnd;
  readonly children: readonly string[];
}

/** A parent without a record. */
export const gone: ParentEnd = { status: 'gone', result: '', failure: '' };

/** Name of a notice in the outbox, as `noteInOutbox` in `_jobs.lua` writes it. */
const nameOf = (id: string): string => `end:${id}`;

/**
 * Notifies the jobs that wait for jobs of a queue of their ends, and removes the notices from its outbox. May be called by several processes at
 * once. Jobs of the same queue are notified, and the notices removed, in one step.
 */
export async function deliverNotices(source: Broker, notices: readonly EndNotice[], patience: Patience): Promise<void> {
  const { connection, keys } = source;
  const names = notices.map(({ id }) => nameOf(id));
  const ends = notices.map(({ id, end, children }) => ({ parent: refText(refOf(keys, id)), end, children }));
  const queues = childrenByQueue(ends, (child) => (baseOf(child) === keys.base ? source : brokerOf(connection, child)));
  if (queues.length === 1 && queues[0]!.broker === source)
    return notifyChildren(source, queues[0]!.children, names, patience);
  await notifyAll(queues, patience);
  await connection.call((client) => client.hdel(keys.outbox, ...names), patience);
}

/** Notifies first jobs of flows of the start for which each waits, or that it does not come. A start is no job, and has no notice. */
export async function notifyHeld(
  connection: Connection,
  held: readonly { readonly job: JobRef; readonly start: JobRef }[],
  end: ParentEnd,
  patience: Patience,
): Promise<void> {
  const ends = held.map(({ job, start }) => ({ parent: refText(start), end, children: [refText(job)] }));
  await notifyAll(
    childrenByQueue(ends, (child) => brokerOf(connection, child)),
    patience,
  );
}

async function notifyAll(queues: readonly ChildrenOfQueue[], patience: Patience): Promise<void> {
  await Promise.all(queues.map(({ broker, children }) => notifyChildren(broker, children, [], patience)));
}

/** Notifies a job that one of its parents has ended. */
export function notifyChild(
  broker: Broker,
  id: string,
  parent: JobRef,
  end: ParentEnd,
  patience: Patience,
): Promise<void> {
  return notifyChildren(broker, [{ id, ends: new Map([[refText(parent), end]]) }], [], patience);
}

/** Notifies jobs of one queue, and those that wait for a job that is cancelled because of that. @param notices see `parentsEnded` */
export async function notifyChildren(
  broker: Broker,
  children: readonly EndedParents[],
  notices: readonly string[],
  patience: Patience,
): Promise<void> {
  const replies = await broker.flows.parentsEnded(children, notices, patience);
  const cancelled = children.filter((_, at) => replies[at] === 'cancelled');
  await Promise.all(cancelled.map(({ id }) => deliverEnd(broker, id, patience)));
}

/** A notice as it is stored. */
interface StoredNotice {
  readonly ended: string;
  readonly children: readonly string[];
}

/** Delivers the notice of one job, if there is one. */
export async function deliverEnd(source: Broker, id: string, patience: Patience): Promise<void> {
  const entry = await source.connection.call((client) => client.hget(source.keys.outbox, nameOf(id)), patience);
  const notice = entry === null ? undefined : noticeIn(entry);
  if (notice) await deliverStored(source, notice, patience);
}

/** Delivers a notice from the outbox. */
export async function deliverStored(source: Broker, notice: StoredNotice, patience: Patience): Promise<void> {
  const { ended: id, children } = notice;
  const end = await source.flows.endOf(id, patience);
  if (end) return deliverNotices(source, [{ id, end, children }], patience);
  // It was revived meanwhile.
  await source.connection.call((client) => client.hdel(source.keys.outbox, nameOf(id)), patience);
}

/** @returns `undefined` for an entry of another kind */
export function noticeIn(entry: string): StoredNotice | undefined {
  if (!entry.startsWith('{"ended":')) return undefined;
  return JSON.parse(entry) as StoredNotice;
}

interface ChildrenOfQueue {
  readonly broker: Broker;
  readonly children: EndedParents[];
}

/** The end of a parent, by its name, and the names of those that wait for it. */
interface NamedEnd {
  readonly parent: string;
  readonly end: ParentEnd;
  readonly children: readonly string[];
}

/** Each job that waits is there once, with the ends of all its parents: so a parent of it counts once. */
function childrenByQueue(ends: readonly NamedEnd[], brokerFor: (child: JobRef) => Broker): ChildrenOfQueue[] {
  const queues = new Map<string, ChildrenOfQueue>();
  const jobs = new Map<string, Map<string, ParentEnd>>();
  for (const { parent, end, children } of ends) {
    for (const text of children) {
      const known = jobs.get(text);
      if (known) {
        known.set(parent, end);
        continue;
      }
      const own = new Map([[parent, end]]);
      jobs.set(text, own);
      const child = refIn(text);
      const queue = queues.get(baseOf(child)) ?? { broker: brokerFor(child), children: [] };
      queues.set(baseOf(child), queue);
      queue.children.push({ id: child.id, ends: own });
    }
  }
  return [...queues.values()];
}
