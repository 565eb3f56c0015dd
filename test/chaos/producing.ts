import type { Cluster, Redis } from 'ioredis';
import { type HotQueue, HotQueueError, type Job } from '../../src/index.js';
import { type History, type Load, sumOf } from './history.js';
import type { Waits } from './jobs.js';

const unknown = new Set(['OUTCOME_UNKNOWN', 'REDIS_UNREACHABLE']);

/**
 * Puts messages, and writes an entry before and after. The type is `ok`, `info` (the outcome is unknown) or `fail` (refused).
 *
 * @returns the code of the error, or `undefined`
 */
export async function putLogged(
  queue: Pick<HotQueue<Load>, 'put'>,
  history: History,
  loads: readonly Load[],
  waits?: Waits,
): Promise<string | undefined> {
  const jobs = loads.map((load) => [load.key, sumOf(load)] as const);
  history.write('put', { type: 'invoke', jobs });
  try {
    const stored = [(await queue.put(...loads)) as Job | Job[]].flat();
    const isNew = (_: unknown, index: number): boolean => stored[index]!.isDuplicate !== true;
    const [fresh, others] = [jobs.filter(isNew), jobs.filter((_, index) => stored[index]!.isDuplicate === true)];
    if (fresh.length > 0)
      history.write('put', { type: 'ok', jobs: fresh, ids: stored.filter(isNew).map(({ id }) => id) });
    if (others.length > 0) history.write('put', { type: 'info', jobs: others, text: 'a duplicate' });
    waits?.follow(stored, loads);
    return undefined;
  } catch (error) {
    const code = error instanceof HotQueueError ? error.code : 'UNTYPED';
    history.write('put', { type: unknown.has(code) ? 'info' : 'fail', jobs, text: String(error) });
    if (code === 'UNTYPED')
      history.write('broken', { text: `put rejected with an error that is not ours: ${String(error)}` });
    return code;
  }
}

/** Ms to wait for replicas. */
const waitMs = 500;

/**
 * Puts messages, and waits for `replicas` replicas. If they have the put, it writes the entry `confirmed`. `WAIT` only covers
 * writes of its own connection, so this connection writes once after the put. The same server must be master before and
 * after the put, because another server would confirm a put that it never had.
 */
export async function confirm(
  queue: HotQueue<Load>,
  asking: Redis | Cluster,
  replicas: number,
  history: History,
  loads: readonly Load[],
  waits?: Waits,
): Promise<void> {
  const fence = `{${queue.key}}:fence:${history.proc}`;
  const ask = async (): Promise<{ server: string; have: number }> => {
    await asking.set(fence, 1); // a pipeline does not follow a slot that has moved, so a single call goes first
    const replies = await asking.pipeline().set(fence, 1).wait(replicas, waitMs).info('server').exec();
    const [[, stored], [, have], [, info]] = replies as [[unknown, string], [unknown, number], [unknown, string]];
    return { server: /run_id:(\w+)/.exec(String(info))?.[1] ?? '', have: stored === 'OK' ? have : 0 };
  };
  const none = { server: '', have: 0 };
  const before = await ask().catch(() => none);
  if ((await putLogged(queue, history, loads, waits)) !== undefined) return;
  const after = await ask().catch(() => none);
  if (after.server === '' || after.server !== before.server || after.have < replicas) return;
  history.write('confirmed', { jobs: loads.map(({ key }) => [key, '']) });
}
