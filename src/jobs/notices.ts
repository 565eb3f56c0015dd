// Notices: that a job has ended for which others wait. A notice lies in the outbox of the job's queue, from the step that ends the job until those
// that wait for it know. They may be in other queues.
import type { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import type { EndedParents, ParentEnd } from '../redis/flow-transitions.js';
import { brokerOf, refIn, refOf, refText, type JobRef } from './job-ref.js';

/** A job has ended, and these others wait for it, see `refText`. */
export interface EndNotice {
  readonly id: string;
  readonly end: ParentEnd;
  readonly children: readonly string[];
}

/** A parent without a record. */
export const gone: ParentEnd = { status: 'gone', result: '', failure: '' };

/** Name of a notice in the outbox, as `noteEnd` in `_jobs.lua` writes it. */
const nameOf = (id: string): string => `end:${id}`;

/**
 * Notifies the jobs that wait for jobs of a queue of their ends, and removes the notices from its outbox. May be called by several processes at
 * once. Jobs of the same queue are notified, and the notices removed, in one step.
 */
export async function deliverNotices(source: Broker, notices: readonly EndNotice[], patience: Patience): Promise<void> {
  const { connection, keys } = source;
  const names = notices.map(({ id }) => nameOf(id));
  const queues = childrenByQueue(source, notices);
  if (queues.length === 1 && queues[0]!.broker === source)
    return notifyChildren(source, queues[0]!.children, names, patience);
  await notifyAll(queues, patience);
  await connection.call((client) => client.hdel(keys.outbox, ...names), patience);
}

/** Notifies jobs of the start of their flow, or that it does not start. It is no job, and has no notice. */
export async function notifyOfStart(
  connection: Connection,
  start: JobRef,
  end: ParentEnd,
  jobs: readonly JobRef[],
  patience: Patience,
): Promise<void> {
  const notice = { id: start.id, end, children: jobs.map(refText) };
  await notifyAll(childrenByQueue(brokerOf(connection, start), [notice]), patience);
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

/** Each job that waits is there once, with the ends of all its parents: so a parent of it counts once. */
function childrenByQueue(source: Broker, notices: readonly EndNotice[]): ChildrenOfQueue[] {
  const queues = new Map<string, ChildrenOfQueue>();
  const jobs = new Map<string, Map<string, ParentEnd>>();
  for (const { id, end, children } of notices) {
    const parent = refText(refOf(source.keys, id));
    for (const text of children) {
      const known = jobs.get(text);
      if (known) {
        known.set(parent, end);
        continue;
      }
      const ends = new Map([[parent, end]]);
      jobs.set(text, ends);
      const child = refIn(text);
      const base = `${child.prefix}:${child.queue}`;
      const queue = queues.get(base) ?? { broker: brokerIn(source, child), children: [] };
      queues.set(base, queue);
      queue.children.push({ id: child.id, ends });
    }
  }
  return [...queues.values()];
}

/** `source` itself for its own queue. */
function brokerIn(source: Broker, job: JobRef): Broker {
  return source.keys.base === `${job.prefix}:${job.queue}` ? source : brokerOf(source.connection, job);
}
