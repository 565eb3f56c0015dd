import type { WorkerInfo } from 'hotqueue';
import { age } from './output.js';
import { table } from './table.js';

const workerHeading = ['queue', 'worker', 'process', 'status', 'active', 'done', 'failed', 'up', 'id'];

/** A row for each worker. Its texts come from other programs: `table` escapes control characters. */
function workerRows(workers: readonly WorkerInfo[], now: number): string[][] {
  return workers.map(
    ({ id, queue, name, host, pid, process, startedAt, concurrency, status, done, failed, active, activeMessages }) => {
      const oldest = activeMessages[0];
      const runs = `${active}/${concurrency}${oldest ? ` for ${age(Math.max(0, now - Math.min(...activeMessages.map(({ since }) => since))))}` : ''}`;
      const where = pid === 0 ? '-' : `${process === '' ? '' : `${process} `}${host}:${pid}`;
      return [
        queue,
        name,
        where,
        status,
        runs,
        String(done),
        String(failed),
        startedAt === 0 ? '-' : age(Math.max(0, now - startedAt)),
        id,
      ];
    },
  );
}

/** A table with a row for each worker. */
export const workersAsTable = (workers: readonly WorkerInfo[], now: number): string =>
  table(workerHeading, workerRows(workers, now));
