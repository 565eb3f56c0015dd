import { InvalidOptionError } from '../core/errors.js';
import type { ResolvedPutOptions } from '../core/options/put.js';
import { afterParents, putAfter, type JobRef } from '../jobs/after.js';
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
 * @throws NotTrackedError, UnknownParentError, InvalidOptionError; RedisUnreachableError and what else a put throws
 */
export async function putBehind(
  { context, lane, uniqueForMs, tracking }: PutTarget,
  options: ResolvedPutOptions,
  id: string,
  message: string,
  input: 'previous' | 'own',
): Promise<void> {
  const { broker, name: queue, events } = context;
  const parents = options.after!.map((job) => parentIn(context, job));
  const due = dueOf(options);
  const child = { queue, prefix: broker.keys.names, id };
  const followUp: FollowUp = {
    ...{ ...child, message, lane, uniqueForMs, due: { at: afterParents } },
    tracking: { ...tracking!, unique: '' },
  };
  const blockade = { parents, onFailure: options.onFailure ?? 'cancel', input, due: due ? dueText(due) : '' };
  await putAfter(broker, child, blockade, () => putFollowUp(broker, followUp, patience), patience);
  if (events.listenerCount('put') > 0) events.emit('put', { queue, ids: [id] });
}

function parentIn({ broker, name }: QueueContext, job: unknown): JobRef {
  const { ref, connection } = placeOfJob(job, 'after');
  if (connection === broker.connection) return ref;
  throw new InvalidOptionError(
    'after',
    `invalid after: job ${JSON.stringify(ref.id)} of queue "${ref.queue}" is on another Redis than queue "${name}"`,
  );
}
