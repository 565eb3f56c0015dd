import { nowMs, until } from '../clock.js';
import { payloadMaker } from '../payloads.js';
import { nodeWorkers, ours } from '../systems/index.js';
import { fillWith } from '../tasks.js';
import { idling, judged, reportsOf } from './workers.js';

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'slow-jobs',
    group: 'slow',
    title: '200 jobs of 100 ms, two workers of concurrency 5',
    systems: [ours, ...nodeWorkers],
    params: { count: 200, handlerMs: 100, workers: 2, concurrency: 5 },
    smoke: { count: 20 },
    run,
  },
];

/** If one worker claims more jobs than it can start, the other has none, and the run takes longer than the ideal time. */
async function run(context) {
  const { system, address, params } = context;
  const { count, handlerMs, workers, concurrency } = params;
  const left = await system.left(address, 'jobs');
  const processes = await idling(context, workers, { count, concurrency, handlerMs });
  const producer = await system.producer(address, 'jobs', {});
  const startedAt = nowMs();
  await fillWith(producer, count, payloadMaker(params));
  await until(async () => (await left()) === 0, 120_000, 5);
  const reports = await reportsOf(processes);
  const ms = Math.max(...reports.map(({ lastAt }) => lastAt)) - startedAt;
  const idealMs = (count * handlerMs) / (workers * concurrency);
  return {
    jobs: count,
    ms,
    idealMs,
    timesIdeal: ms / idealMs,
    shares: reports.map(({ distinct }) => distinct),
    ...judged(count, reports),
  };
}
