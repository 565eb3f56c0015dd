// Jobs that another job continues.
import { InvalidOptionError } from '../core/errors.js';
import type { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import type { ParentEnd } from '../redis/flow-transitions.js';
import { errorRecord } from '../wire/error-record.js';
import { awaitParent } from './after.js';
import { brokerOf, refIn, refText, type JobRef } from './job-ref.js';
import { notifyChild } from './notices.js';

/** A larger circle is not found. Most jobs have no job that waits for them. */
const mostJobs = 100_000;
const readAtOnce = 200;

/** Whether `waiting` waits for the end of `job`, also through other jobs. */
async function waitsFor(connection: Connection, waiting: JobRef, job: JobRef, patience: Patience): Promise<boolean> {
  const wanted = refText(waiting);
  const found = new Set([refText(job)]);
  const unread = [job];
  while (!found.has(wanted) && unread.length > 0 && found.size <= mostJobs) {
    const some = unread.splice(0, readAtOnce);
    const links = await Promise.all(some.map((one) => brokerOf(connection, one).flows.links(one.id, patience)));
    for (const child of links.flatMap(({ children }) => children)) {
      if (!found.has(child)) unread.push(refIn(child));
      found.add(child);
    }
  }
  return found.has(wanted);
}

/** A job may continue with one that waits for it. @returns how `job` ends if the job that continues it waits for it; `undefined` if that one does not */
async function endOfCircle(
  connection: Connection,
  job: JobRef,
  continuation: JobRef,
  patience: Patience,
): Promise<ParentEnd | undefined> {
  if (!(await waitsFor(connection, continuation, job, patience))) return undefined;
  const error = new InvalidOptionError(
    'job',
    `job ${job.id} of queue "${job.queue}" cannot continue with job ${continuation.id} of queue "${continuation.queue}", which waits for it: neither would ever end`,
  );
  return { status: 'failed', result: '', failure: JSON.stringify(errorRecord(error)) };
}

/** `child` continues with another job: notes that there, and ends `child` if neither would ever end. Maintenance does what fails here. */
export async function awaitContinuation(
  broker: Broker,
  child: JobRef,
  continuation: JobRef,
  patience: Patience,
): Promise<void> {
  if (await awaitParent(broker, child, continuation, patience)) return;
  const end = await endOfCircle(broker.connection, child, continuation, patience);
  if (end) await notifyChild(broker, child.id, continuation, end, patience);
}
