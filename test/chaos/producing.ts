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
