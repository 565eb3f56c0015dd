import { InvalidOptionError } from '../core/errors.js';
import { hasEnded, type JobStatus } from '../core/job.js';
import type { ResolvedPutOptions } from '../core/options/put.js';
import { afterParents, lookMs, putAfter, type AfterTerms } from '../jobs/after.js';
import { refIn, refText, type JobRef } from '../jobs/job-ref.js';
import type { PutStep } from '../jobs/flow-start.js';
import type { Job } from '../jobs/job.js';
import { placeOfJob } from '../jobs/job-objects.js';
import { putFollowUp, type FollowUp } from '../jobs/outbox.js';
import { dueText, type Due } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { PutTarget } from './put-request.js';
import { dueFrom } from './tracking.js';

const patience = { withinMs: 30_000 };

/**
 * Stores a message that waits for the ends of the jobs in `after`.
 *
 * @param input see `parent-ended.lua`
 * @returns whether it is stored; false if a job has the id that the caller chose
 * @throws NotTrackedError, UnknownParentError, InvalidOptionError; RedisUnreachableError and what else a put throws
 */
export async function putDependent(
  { context, lane, uniqueForMs, tracking }: PutTarget,
  options: ResolvedPutOptions,
  id: string,
  message: string,
  input: string,
): Promise<boolean> {
  const { broker, name: queue, events } = context;
  const parents = options.after!.map((job) => parentIn(context, job));
  // What an open job with this id waits for must stay as it is.
  if (options.id !== undefined && isOpen(await broker.jobs.mend(id, patience))) return false;
  const due = dueFrom(options);
  const child = { queue, prefix: broker.keys.names, id };
  const followUp: FollowUp = {
    ...{ ...child, message, lane, uniqueForMs, due: { at: afterParents } },
    tracking: { ...tracking!, unique: '' },
  };
  const terms: AfterTerms = { parents, onFailure: options.onFailure ?? 'cancel', input, due: due ? dueText(due) : '' };
  const put = (): Promise<boolean> => putFollowUp(broker, followUp, uniqueForMs, patience);
  const isStored = await putAfter(broker, child, terms, put, patience);
  if (isStored && events.listenerCount('put') > 0) events.emit('put', { queue, ids: [id] });
  return isStored;
}

/**
 * Stores the first message of a flow, which waits for the start of the flow.
 *
 * @param send hands the message to the batcher, so that the limit of the queue and unique keys hold
 * @returns its job, or the one that has its id or unique key, and for which start that waits
 */
export async function putHeld(
  { context, lane, uniqueForMs, tracking }: PutTarget,
  options: ResolvedPutOptions,
  id: string,
  start: JobRef,
  send: (target: PutTarget, due: Due) => Promise<Job>,
): Promise<PutStep> {
  const { broker, name: queue } = context;
  const waitsFor = async (other: string): Promise<JobRef | undefined> => {
    const held = await broker.flows.startOf(other, patience);
    return held && refIn(held.text);
  };
  if (!tracking) throw new InvalidOptionError('track', 'a step of a flow has a job record: remove track: false');
  if (options.replace)
    throw new InvalidOptionError('replace', 'a step of a flow cannot replace a waiting message: remove replace');
  if (options.id !== undefined && isOpen(await broker.jobs.mend(id, patience))) {
    const job = context.makeJob({ id, queue, payload: undefined, putAt: Date.now() }, true, true) as Job;
    return { job, waitsFor: await waitsFor(id) };
  }
  const due = dueFrom(options);
  const terms = { parents: [refText(start)], onFailure: 'start', input: 'own', due: due ? dueText(due) : '' };
  await broker.flows.block(id, lookMs, terms, patience);
  const job = await send({ context, lane, uniqueForMs, tracking, hasTtl: false }, { at: afterParents });
  if (!job.isDuplicate) return { job, waitsFor: start };
  await broker.flows.forget(id, patience);
  return { job, waitsFor: await waitsFor(job.id) };
}

const isOpen = (status: JobStatus | undefined): boolean => status !== undefined && !hasEnded(status);

function parentIn({ broker, name }: QueueContext, job: unknown): JobRef {
  const { ref, connection } = placeOfJob(job, 'after');
  if (connection === broker.connection) return ref;
  throw new InvalidOptionError(
    'after',
    `invalid after: job ${JSON.stringify(ref.id)} of queue "${ref.queue}" is on another Redis than queue "${name}"`,
  );
}
