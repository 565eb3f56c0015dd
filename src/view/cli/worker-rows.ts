import type { WorkerView } from 'hotqueue';
import { age, harmless } from './output.js';

export const workerHeading = ['queue', 'worker', 'process', 'status', 'active', 'done', 'failed', 'up', 'id'];

/** A row for each worker. Its texts come from other programs, so control characters are escaped. */
export function workerRows(workers: readonly WorkerView[], now: number): string[][] {
  return workers.map(({ id, queue, name, host, pid, process, startedAt, concurrency, status, handled, failed, claimed, running }) => {
    const oldest = running[0];
    const runs = `${claimed}/${concurrency}${oldest ? ` for ${age(Math.max(0, now - Math.min(...running.map(({ since }) => since))))}` : ''}`;
    const where = pid === 0 ? '-' : `${process === '' ? '' : `${process} `}${host}:${pid}`;
    return [queue, name, where, status, runs, String(handled), String(failed), startedAt === 0 ? '-' : age(Math.max(0, now - startedAt)), id].map(harmless);
  });
}
