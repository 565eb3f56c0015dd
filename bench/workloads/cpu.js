import { emptyRedis } from '../empty-redis.js';
import { bare, ours } from '../systems/index.js';
import { bareBatch } from './consume.js';
import { inFlight } from './put.js';

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'cpu',
    group: 'cpu',
    title: 'CPU per job, put (1,000 in flight) to ack (concurrency 50)',
    systems: [ours, 'bullmq-remove', 'bee-queue', bare],
    scale: { [ours]: 10, [bare]: 10 },
    params: { ...inFlight, concurrency: 50, batch: bareBatch, count: 40_000 },
    smoke: { count: 300, lanes: 100 },
    run,
  },
  {
    name: 'history',
    group: 'history',
    title:
      'CPU per job with a history of 100,000 entries, put (1,000 in flight) to ack (concurrency 50); `cpu` is the same without one',
    systems: [ours],
    params: { ...inFlight, concurrency: 50, batch: bareBatch, history: { max: 100_000 }, count: 400_000 },
    smoke: { count: 300, lanes: 100 },
    run,
  },
];

/**
 * Runs the workloads `put-1000` and `consume-50` with so many jobs that one-time costs do not matter. Each runs in a separate
 * process: in one process, garbage of the puts would be collected while the handlers are measured.
 */
async function run({ start, address, params }) {
  const phase = (workload) => start('measure', { workload, direct: address, params }).result;
  const put = await phase('put-1000');
  await emptyRedis(address);
  const consume = await phase('consume-50');
  return {
    jobs: params.count,
    putClientUsPerJob: put.clientUsPerJob,
    consumeClientUsPerJob: consume.clientUsPerJob,
    clientUsPerJob: put.clientUsPerJob + consume.clientUsPerJob,
    putRedisUsPerJob: put.redisUsPerJob,
    consumeRedisUsPerJob: consume.redisUsPerJob,
    redisUsPerJob: put.redisUsPerJob + consume.redisUsPerJob,
    lost: put.lost + consume.lost,
    duplicates: put.duplicates + consume.duplicates,
  };
}
