import { nowMs, quantile, sleep, until } from '../clock.js';
import { payloadMaker } from '../payloads.js';
import { nodeWorkers, ours } from '../systems/index.js';
import { fillWith } from '../tasks.js';
import { idling, judged, reportsOf } from './workers.js';

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'delayed',
    group: 'delayed',
    title: '10,000 jobs due at once, concurrency 50: from due to done',
    systems: [ours, ...nodeWorkers],
    params: { concurrency: 50, count: 10_000, leadMs: 4_000 },
    smoke: { count: 200, leadMs: 1_500 },
    run: dueAtOnce,
  },
];

/** @param {import('../measuring.js').Context} context */
async function dueAtOnce(context) {
  const { system, address, params } = context;
  const { count, concurrency, leadMs } = params;
  const left = await system.left(address, 'jobs');
  await left();
  const processes = await idling(context, 1, { count, concurrency, payload: { delayed: true } });
  const dueAt = Date.now() + leadMs;
  const dueAtMs = nowMs() + leadMs;
  const producer = await system.producer(address, 'jobs', { dueAt });
  const make = payloadMaker(params);
  await fillWith(producer, count, (n) => ({ ...make(n), at: dueAtMs }));
  const wasInTime = nowMs() < dueAtMs;
  await sleep(Math.max(0, dueAtMs - nowMs()));
  await until(async () => (await left()) === 0, 60_000, 2);
  const ms = nowMs() - dueAtMs;
  const reports = await reportsOf(processes);
  const late = reports[0].latencies;
  const early = late.filter((latency) => latency < -2).length;
  return {
    jobs: count,
    ms,
    perSecond: (count / ms) * 1_000,
    wasInTime,
    early,
    p50Ms: quantile(late, 0.5),
    p99Ms: quantile(late, 0.99),
    ...judged(count, reports),
  };
}
