import { drain } from '../draining.js';
import { ours } from '../systems/index.js';

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'drain',
    group: 'drain',
    title: 'drain of 1,000,000 jobs, concurrency 50',
    systems: [ours, 'bullmq-remove', 'bee-queue'],
    rounds: 1,
    timeoutMs: 900_000,
    params: { concurrency: 50, count: 1_000_000 },
    smoke: { count: 2_000 },
    run,
  },
];

/** This process is the worker. It samples its resident memory 20 times a second. */
async function run(context) {
  const { meter, params } = context;
  const empty = await meter.memory();
  await context.start('fill', { queue: 'jobs', count: params.count }).result;
  const filled = await meter.memory();
  let highest = 0;
  const timer = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 50);
  const drained = await drain(context, 'jobs', params.count);
  clearInterval(timer);
  return {
    ...drained,
    workerMegabytes: highest / 1e6,
    serverMegabytes: (filled - empty) / 1e6,
    serverMegabytesAfter: ((await meter.memory()) - empty) / 1e6,
  };
}
