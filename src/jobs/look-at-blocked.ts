// What maintenance does for jobs that wait for others.
import type { Broker } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import { awaitParent, lookMs } from './after.js';
import { brokerOf, refIn, refOf } from './job-ref.js';
import { awaitContinuation } from './continuation.js';
import { lookAtUnstarted } from './flow-start.js';

/** So long after its put a job may be without a message before maintenance deletes what it waits for. */
const unputMs = 60_000;
const idsPerLook = 20;
const parentsPerLook = 200;

/**
 * Looks at jobs that wait for others, in case a notice was lost: a parent that its dead workers have buried ends late, and a process may
 * have died between its steps.
 */
export async function lookAtBlocked(broker: Broker, patience: Patience): Promise<void> {
  const { flows } = broker;
  const now = await broker.reader.now(patience);
  for (const id of await flows.blockedBefore(now - lookMs, now, idsPerLook, patience))
    await lookAtOne(broker, id, now, patience).catch(() => undefined); // what fails for one must not stop the others
}

async function lookAtOne(broker: Broker, id: string, now: number, patience: Patience): Promise<void> {
  const { connection, keys, flows } = broker;
  const status = await broker.jobs.mend(id, patience);
  if (status === undefined && (await flows.blockedSince(id, patience)) > now - unputMs) return; // its put may be on its way
  if (status !== 'delayed') return flows.forget(id, patience);
  const start = await flows.startOf(id, patience);
  if (start) return lookAtUnstarted(broker, id, start, now, patience);
  const child = refOf(keys, id);
  const pending = (await flows.parents(id, patience)).filter(({ how }) => how === '').slice(0, parentsPerLook);
  if (pending.length === 0) await flows.goOn(id, patience);
  const isContinued = pending.length === 1 && (await flows.isContinued(id, patience));
  for (const { text } of pending) {
    const parent = refIn(text);
    await brokerOf(connection, parent).jobs.mend(parent.id, patience);
    await (isContinued ? awaitContinuation : awaitParent)(broker, child, parent, patience);
  }
}
