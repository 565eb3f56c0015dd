import type { HotQueue, JobStatus } from 'hotqueue';
import { answer, missing, refused, type RedisFlags } from '../command.js';
import { count } from '../output.js';

interface Unchanged {
  readonly id: string;
  /** Absent without a record. */
  readonly status: JobStatus | undefined;
}

/** What to do to one job. @returns its status if it was not done */
type Change = (id: string) => Promise<Unchanged | undefined>;

/** Cancels jobs, and prints which. */
export function cancelJobs(queue: HotQueue, ids: readonly string[], flags: RedisFlags): Promise<void> {
  const cancel: Change = async (id) => {
    const job = queue.job(id);
    return (await job.cancel()) ? undefined : { id, status: await job.status() };
  };
  return change(queue, ids, flags, 'cancelled', cancel, 'too late to cancel it');
}

/** Puts the dead letters of jobs back into the queue, and prints which. */
export function retryJobs(queue: HotQueue, ids: readonly string[], flags: RedisFlags): Promise<void> {
  const retry: Change = async (id) => {
    const status = await queue.job(id).status();
    const isOver = status === 'failed' || status === 'expired';
    return isOver && (await queue.dead.revive(id)) > 0 ? undefined : { id, status };
  };
  return change(
    queue,
    ids,
    flags,
    'retried',
    retry,
    'only a failed or expired job whose dead letter exists can be retried',
  );
}

async function change(
  queue: HotQueue,
  ids: readonly string[],
  flags: RedisFlags,
  past: string,
  changeOne: Change,
  why: string,
): Promise<void> {
  const done: string[] = [];
  const unchanged: Unchanged[] = [];
  for (const id of ids) {
    const left = await changeOne(id);
    if (left) unchanged.push(left);
    else done.push(id);
  }
  const ended = unchanged.filter(({ status }) => status !== undefined);
  const absent = unchanged.flatMap(({ id, status }) => (status === undefined ? [id] : []));
  answer(
    flags,
    { queue: queue.name, [past]: done, refused: ended, missing: absent },
    () => `${count(done.length, 'job')} of ${queue.name} ${past}`,
  );
  if (absent.length > 0)
    missing(`${queue.name} has no record of ${absent.map((id) => `job ${JSON.stringify(id)}`).join(', ')}`);
  for (const { id, status } of ended) refused(`job ${JSON.stringify(id)} is ${status}: ${why}`);
}
