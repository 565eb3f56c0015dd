import { InvalidOptionError } from '../core/errors.js';
import { hasEnded, type JobStatus } from '../core/job.js';
import type { ResolvedPutOptions } from '../core/options/put.js';
import { afterParents, putAfter, type AfterTerms, type JobRef } from '../jobs/after.js';
import { placeOfJob } from '../jobs/job-objects.js';
import { putFollowUp, type FollowUp } from '../jobs/outbox.js';
import { dueText } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { PutTarget } from './put-request.js';
import { dueOf } from './tracking.js';

const patience = { withinMs: 30_000 };

/**
 * Stores a message that waits for the ends of the jobs in `after`.
 *
 * @param input `previous`: their results become its payload
 * @returns whether it is stored; false if a job has the id that the caller chose
 * @throws NotTrackedError, UnknownParentError, InvalidOptionError; RedisUnreachableError and what else a put throws
 */
export async function putBehind(
  { context, lane, uniqueForMs, tracking }: PutTarget,
  options: ResolvedPutOptions,
  id: string,
  message: string,
  input: 'previous' | 'own',
): Promise<boolean> {
  const { broker, name: queue, events } = context;
  const parents = options.after!.map((job) => parentIn(context, job));
  // What an open job with this id waits for must stay as it is.
  if (options.id !== undefined && isOpen(await broker.jobs.mend(id, patience))) return false;
  const due = dueOf(options);
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

const isOpen = (status: JobStatus | undefined): boolean => status !== undefined && !hasEnded(status);

function parentIn({ broker, name }: QueueContext, job: unknown): JobRef {
  const { ref, connection } = placeOfJob(job, 'after');
  if (connection === broker.connection) return ref;
  throw new InvalidOptionError(
    'after',
    `invalid after: job ${JSON.stringify(ref.id)} of queue "${ref.queue}" is on another Redis than queue "${name}"`,
  );
}
