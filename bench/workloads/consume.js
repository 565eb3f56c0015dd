import { consumed } from '../draining.js';
import { bare, nodePeers, ours, pythonPeers } from '../systems/index.js';
import { consumedByProcesses } from './workers.js';

const everybody = [ours, ...nodePeers, bare];
const few = [ours, 'bullmq', 'bullmq-remove', 'bee-queue', bare];
/** Batch size of the bare loop: about as many as hotqueue claims at once if jobs take no time (see `scriptCallsPerJob` in the results). */
export const bareBatch = 500;
const scale = { [ours]: 10, [bare]: 10, 'python-rq': 0.1, 'python-celery': 0.2 };

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'consume-1',
    title: 'consume, no-op, concurrency 1',
    systems: [...everybody, ...pythonPeers],
    params: { concurrency: 1, count: 10_000 },
  },
  {
    name: 'consume-50',
    title: 'consume, no-op, concurrency 50',
    systems: everybody,
    everybodySmokes: true,
    params: { concurrency: 50, count: 30_000 },
  },
  {
    name: 'consume-validated',
    title: 'consume, five-field class (hotqueue validates it), concurrency 50',
    systems: few,
    params: { concurrency: 50, validated: true, count: 20_000 },
  },
  {
    name: 'consume-validated-1',
    title: 'consume, five-field class (hotqueue validates it), concurrency 1',
    systems: few,
    params: { concurrency: 1, validated: true, count: 10_000 },
  },
  {
    name: 'consume-validated-500',
    title: 'consume, five-field class, 500 other classes in the process, concurrency 50',
    systems: [ours],
    params: { concurrency: 50, validated: true, otherClasses: 500, count: 10_000 },
  },
  {
    name: 'consume-10kb',
    title: 'consume, 10 KB, concurrency 50',
    systems: few,
    scale: { [ours]: 5, [bare]: 5 },
    params: { concurrency: 50, bytes: 10_240, count: 5_000 },
  },
  {
    name: 'consume-1+1ms',
    title: 'consume, concurrency 1, 1 ms added latency',
    systems: few,
    delayMs: 1,
    params: { concurrency: 1, count: 1_000 },
  },
  {
    name: 'consume-50+1ms',
    title: 'consume, concurrency 50, 1 ms added latency',
    systems: few,
    delayMs: 1,
    params: { concurrency: 50, count: 10_000 },
  },
  {
    name: 'consume-50-aof-everysec',
    title: 'consume, concurrency 50, AOF everysec',
    systems: few,
    server: 'aof-everysec',
    params: { concurrency: 50, count: 20_000 },
  },
  {
    name: 'consume-50-aof-always',
    title: 'consume, concurrency 50, AOF always',
    systems: few,
    server: 'aof-always',
    params: { concurrency: 50, count: 5_000 },
  },
  {
    name: 'consume-2-processes',
    title: 'consume, two worker processes of concurrency 50',
    systems: [ours, ...nodePeers],
    params: { workers: 2, concurrency: 50, count: 30_000 },
    run: consumedByProcesses,
  },
].map((workload) => ({
  group: 'consume',
  scale,
  smoke: { count: 200 },
  run,
  ...workload,
  params: { batch: bareBatch, ...workload.params },
}));

/** @param {import('../measuring.js').Context} context */
async function run(context) {
  const { system, address, meter, params } = context;
  if (system.measure) return system.measure(address, meter, { ...params, way: 'consume' });
  return consumed(context, { look: params.validated && system.title === 'hotqueue' ? isOrder : undefined });
}

/** Checks that payloads were validated: without validation, they are plain objects, and the numbers would be too good. */
function isOrder(payload) {
  if (payload.constructor.name !== 'Order') throw new Error('the payload is not an instance of its class');
}
