import { nowMs, quantile, sleep } from '../clock.js';
import { Meter } from '../meter.js';
import { payloadMaker } from '../payloads.js';
import { bareRecords, ours } from '../systems/index.js';
import { idling, judged, reportsOf } from './workers.js';

/** Systems that give the result of a job back to the process that put it, and a hand-written loop that does this. */
const systems = [ours, 'bullmq', 'bee-queue', bareRecords];

/**
 * One process puts jobs and waits for the result of each, another one runs them.
 *
 * @type {import('./index.js').Workload[]}
 */
export const workloads = [
  {
    name: 'results',
    group: 'results',
    title: 'put, run, await the result, 1,000 in flight, concurrency 50',
    systems: [...systems, 'python-celery'],
    scale: { [ours]: 5, [bareRecords]: 5, 'python-celery': 0.2 },
    params: { concurrency: 50, lanes: 1_000, count: 40_000 },
    smoke: { count: 200 },
    run: manyResults,
  },
  {
    name: 'result-idle',
    group: 'results',
    title: 'put → result of one job, worker idle',
    systems,
    params: { concurrency: 10, count: 300, pauseMs: 20 },
    smoke: { count: 30 },
    run: singleResults,
  },
];

/** @param {import('../measuring.js').Context} context */
async function manyResults(context) {
  const { system, address, meter, params } = context;
  const { count, concurrency, lanes } = params;
  if (system.measure) return system.measure(address, meter, { way: 'results', count });
  const processes = await idling(context, 1, { count, concurrency, returns: true });
  const asker = await system.asker(address, 'jobs');
  const make = payloadMaker(params);
  const before = await meter.read();
  const memory = await meter.memory();
  const startedAt = nowMs();
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const n = next++;
      verify(n, await asker.ask(make(n)));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const ms = nowMs() - startedAt;
  const used = Meter.perJob(before, await meter.read(), count);
  const bytesPerJob = ((await meter.memory()) - memory) / count;
  const reports = await reportsOf(processes);
  return { jobs: count, ms, perSecond: (count / ms) * 1_000, bytesPerJob, ...used, ...judged(count, reports) };
}

/** @param {import('../measuring.js').Context} context */
async function singleResults(context) {
  const { system, address, params } = context;
  const { count, concurrency, pauseMs } = params;
  const warm = Math.ceil(count / 5);
  const processes = await idling(context, 1, { count: warm + count, concurrency, returns: true });
  const asker = await system.asker(address, 'jobs');
  const make = payloadMaker(params);
  const latencies = new Float64Array(warm + count);
  for (let n = 0; n < warm + count; n += 1) {
    const askedAt = nowMs();
    verify(n, await asker.ask(make(n)));
    latencies[n] = nowMs() - askedAt;
    await sleep(pauseMs);
  }
  const measured = latencies.subarray(warm);
  const reports = await reportsOf(processes);
  return {
    jobs: count,
    p50Ms: quantile(measured, 0.5),
    p99Ms: quantile(measured, 0.99),
    ...judged(warm + count, reports),
  };
}

function verify(n, result) {
  if (result?.n !== n) throw new Error(`job ${n} has the result ${JSON.stringify(result)}`);
}
