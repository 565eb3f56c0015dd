import { nowMs, quantile, sleep, until } from '../clock.js';
import { payloadMaker } from '../payloads.js';
import { nodeWorkers, ours } from '../systems/index.js';
import { idling, judged, reportsOf } from './workers.js';

const systems = [ours, ...nodeWorkers];

/** Time from the call of `put` in one process to the handler in another. @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'latency-idle',
    title: 'put → handler, worker idle',
    params: { concurrency: 10, count: 300, pauseMs: 20, jitterMs: 20 },
    smoke: { count: 30 },
  },
  {
    name: 'latency-rate',
    title: 'put → handler, 1,000 jobs/s',
    params: { concurrency: 10, count: 8_000, ratePerSecond: 1_000 },
    smoke: { count: 300 },
  },
].map((workload) => ({ group: 'latency', systems, run, ...workload }));

/** @param {import('../measuring.js').Context} context */
async function run(context) {
  const { system, address, params } = context;
  const { count, concurrency } = params;
  const warm = Math.ceil(count / 5);
  const left = await system.left(address, 'jobs');
  const processes = await idling(context, 1, { count: warm + count, concurrency });
  const producer = await system.producer(address, 'jobs', {});
  const make = payloadMaker(params);
  const puts = [];
  const put = (n) => puts.push(producer.put({ ...make(n), at: nowMs() }));
  if (params.ratePerSecond) await atRate(params.ratePerSecond, warm + count, put);
  else await oneByOne(params, warm + count, put);
  await Promise.all(puts);
  await until(async () => (await left()) === 0, 20_000, 5);
  const reports = await reportsOf(processes);
  const latencies = reports[0].latencies.subarray(warm);
  return {
    jobs: count,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    ...judged(warm + count, reports),
  };
}

/** Puts at a constant rate: at each tick, all jobs that are due. Does not wait for the replies. */
async function atRate(perSecond, count, put) {
  const startedAt = nowMs();
  for (let n = 0; n < count;) {
    const due = Math.min(count, Math.floor(((nowMs() - startedAt) * perSecond) / 1_000));
    while (n < due) put(n++);
    await sleep(1);
  }
}

/** Puts jobs with pauses, so that the worker is idle at each put. */
async function oneByOne({ pauseMs, jitterMs }, count, put) {
  for (let n = 0; n < count; n += 1) {
    put(n);
    await sleep(pauseMs + Math.random() * jitterMs);
  }
}
