/** Where a job is, read off the queue: nothing is written down for it while it travels. */
import { answerTo, jobs } from './jobs.js';

export type Status =
  | { readonly status: 'waiting'; readonly ahead: number }
  | { readonly status: 'running'; readonly attempt: number; readonly since: Date }
  | { readonly status: 'retrying'; readonly attempts: number; readonly due: Date }
  | { readonly status: 'dead'; readonly reason: string }
  | { readonly status: 'done'; readonly answer: object }
  | { readonly status: 'unknown' };

/** How many of those that wait are looked through for each question. */
const inSight = 1_000;

/** @returns `undefined` when there is no such job */
export async function statusOf(id: string): Promise<Status | undefined> {
  // Once more when it is nowhere: one that a worker gives back while we ask has gone the other way, past us.
  return (await look(id)) ?? (await look(id));
}

/** Asks in the order in which a job moves on, so that it cannot slip through between two questions. */
async function look(id: string): Promise<Status | undefined> {
  await jobs.workers.watch(); // has workers tell what they do each second, not every ten
  const ahead = (await jobs.peek(inSight)).findIndex((job) => job.id === id);
  if (ahead >= 0) return { status: 'waiting', ahead };

  const running = (await jobs.workers.list()).flatMap((worker) => worker.running).find((job) => job.id === id);
  if (running) return { status: 'running', attempt: running.attempt, since: new Date(running.since) };
  const { waiting, claimed } = await jobs.counts();

  const delayed = await jobs.delayed.get(id);
  if (delayed) return { status: 'retrying', attempts: delayed.attempts, due: new Date(delayed.dueAt) };
  const letter = await jobs.dead.get(id);
  if (letter) return { status: 'dead', reason: letter.reason };
  const answer = await answerTo(id);
  if (answer) return { status: 'done', answer };

  // Taken by a worker that has not told of it yet, or further back than we look: ask again in a second.
  return claimed > 0 || waiting > inSight ? { status: 'unknown' } : undefined;
}
