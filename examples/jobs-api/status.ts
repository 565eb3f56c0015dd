/** Reads the status of a job from the queue. The service stores no status itself. */
import { answerTo, jobs } from './jobs.js';

export type Status =
  | { readonly status: 'waiting'; readonly ahead: number }
  | { readonly status: 'running'; readonly attempt: number; readonly since: Date }
  | { readonly status: 'retrying'; readonly attempts: number; readonly due: Date }
  | { readonly status: 'dead'; readonly reason: string }
  | { readonly status: 'done'; readonly answer: object }
  | { readonly status: 'unknown' };

/** Most waiting jobs that are searched for one request. */
const inSight = 1_000;

/** @returns the status, or `undefined` for an unknown job */
export async function statusOf(id: string): Promise<Status | undefined> {
  // If the job is not found, look again: a worker may have released it, so that it moved back to a list that was already checked.
  return (await look(id)) ?? (await look(id));
}

/** Checks the states in the order in which a job passes them, so that a job that moves on meanwhile is still found. */
async function look(id: string): Promise<Status | undefined> {
  await jobs.workers.watch(); // makes workers report their active messages each second instead of every ten
  const ahead = (await jobs.peek(inSight)).findIndex((job) => job.id === id);
  if (ahead >= 0) return { status: 'waiting', ahead };

  const running = (await jobs.workers.list()).flatMap((worker) => worker.activeMessages).find((job) => job.id === id);
  if (running) return { status: 'running', attempt: running.attempt, since: new Date(running.since) };
  const { waiting, active } = await jobs.counts();

  const delayed = await jobs.delayed.get(id);
  if (delayed) return { status: 'retrying', attempts: delayed.attempts, due: new Date(delayed.dueAt) };
  const letter = await jobs.dead.get(id);
  if (letter) return { status: 'dead', reason: letter.reason };
  const answer = await answerTo(id);
  if (answer) return { status: 'done', answer };

  // A worker has taken the job and not reported it yet, or too many jobs wait before it: ask again in a second.
  return active > 0 || waiting > inSight ? { status: 'unknown' } : undefined;
}
