import { consumed } from '../draining.js';
import { nodeWorkers, ours } from '../systems/index.js';

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'retries',
    group: 'retries',
    title: 'each job fails once and is retried without delay, concurrency 50',
    systems: [ours, ...nodeWorkers],
    scale: { [ours]: 5 },
    params: { concurrency: 50, count: 10_000, delayed: true },
    smoke: { count: 100 },
    run: (context) => consumed(context, { attempts: 2, each: 2, handle: failOnce }),
  },
];

function failOnce(_payload, before) {
  if (before === 0) throw new Error('the first attempt fails on purpose');
}
