// Jobs that another job continues.
import { InvalidOptionError } from '../core/errors.js';
import type { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import type { ParentEnd } from '../redis/flow-transitions.js';
import { errorRecord } from '../wire/error-record.js';
import { awaitParent } from './after.js';
import { brokerOf, refIn, refText, type JobRef } from './job-ref.js';
import { notifyChild } from './notices.js';

/** So many jobs are read at most. A larger circle is not found. Most jobs have no job that waits for them. */
const mostJobs = 1_000;

/** Whether `waiting` waits for the end of `job`, also through other jobs. */
async function waitsFor(connection: Connection, waiting: JobRef, job: JobRef, patience: Patience): Promise<boolean> {
  const wanted = refText(waiting);
  const found = new Set([refText(job)]);
  for (const text of found) {
    if (text === wanted) return true;
    if (found.size > mostJobs) return false;
    const one = refIn(text);
    for (const child of (await brokerOf(connection, one).flows.links(one.id, patience)).children) found.add(child);
  }
  return false;
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
