import type { Cluster, Redis } from 'ioredis';
import { type HotQueue, HotQueueError } from '../../src/index.js';
import { type History, type Load, sumOf } from './history.js';

const unknown = new Set(['OUTCOME_UNKNOWN', 'REDIS_UNREACHABLE']);

/**
 * Puts, and writes down before and after: `info` when the outcome is unknown, `fail` when it was refused.
 *
 * @returns the code of the error, or `undefined`
 */
export async function putLogged(queue: Pick<HotQueue<Load>, 'put'>, history: History, loads: readonly Load[]): Promise<string | undefined> {
  const jobs = loads.map((load) => [load.key, sumOf(load)] as const);
  history.write('put', { type: 'invoke', jobs });
  try {
    const stored = (await queue.put(...loads)) as { id: string } | { id: string }[];
    history.write('put', { type: 'ok', jobs, ids: [stored].flat().map(({ id }) => id) });
    return undefined;
  } catch (error) {
    const code = error instanceof HotQueueError ? error.code : 'UNTYPED';
    history.write('put', { type: unknown.has(code) ? 'info' : 'fail', jobs, text: String(error) });
    if (code === 'UNTYPED') history.write('broken', { text: `put rejected with an error that is not ours: ${String(error)}` });
    return code;
  }
}

/** Ms for which a replica is waited for. */
const waitMs = 500;

/**
 * Puts, and asks so many replicas whether they have it: what they have is written down as `confirmed`. `WAIT` counts the
 * writes of its connection, so there is one behind the put; and it must be the server that was master before the put, or
 * another one would answer for what it never had.
 */
export async function confirm(queue: HotQueue<Load>, asking: Redis | Cluster, replicas: number, history: History, loads: readonly Load[]): Promise<void> {
  const fence = `{${queue.key}}:fence:${history.proc}`;
  const ask = async (): Promise<{ server: string; have: number }> => {
    await asking.set(fence, 1); // a pipeline does not learn that its slot has moved
    const replies = await asking.pipeline().set(fence, 1).wait(replicas, waitMs).info('server').exec();
    const [[, stored], [, have], [, info]] = replies as [[unknown, string], [unknown, number], [unknown, string]];
    return { server: /run_id:(\w+)/.exec(String(info))?.[1] ?? '', have: stored === 'OK' ? have : 0 };
  };
  const nobody = { server: '', have: 0 };
  const before = await ask().catch(() => nobody);
  if ((await putLogged(queue, history, loads)) !== undefined) return;
  const after = await ask().catch(() => nobody);
  if (after.server === '' || after.server !== before.server || after.have < replicas) return;
  history.write('confirmed', { jobs: loads.map(({ key }) => [key, '']) });
}
