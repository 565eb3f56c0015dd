import { nowMs } from '../clock.js';
import { Meter } from '../meter.js';
import { payloadMaker } from '../payloads.js';
import { ours } from '../systems/index.js';
import { idling, judged, reportsOf } from './workers.js';

const systems = [ours, 'bullmq'];

/**
 * One process puts flows and waits for the end of each, another one runs their jobs. Rates are of jobs.
 *
 * @type {import('./index.js').Workload[]}
 */
export const workloads = [
  {
    name: 'flow-chain',
    group: 'flows',
    title: 'chains of 5 jobs, 100 at a time, concurrency 50',
    systems,
    scale: { [ours]: 3 },
    params: { concurrency: 50, lanes: 100, length: 5, count: 25_000 },
    smoke: { count: 50, lanes: 5 },
    run: (context) => run(context, (flower, payloads) => flower.chain(payloads)),
  },
  {
    name: 'flow-group',
    group: 'flows',
    title: 'groups of 100 jobs and one that waits for them, 10 at a time, concurrency 50',
    systems,
    scale: { [ours]: 3 },
    params: { concurrency: 50, lanes: 10, length: 101, count: 50_500 },
    smoke: { count: 202, lanes: 2 },
    run: (context) => run(context, (flower, payloads) => flower.group(payloads.slice(0, -1), payloads.at(-1))),
  },
];

/** @param {import('../measuring.js').Context} context */
async function run(context, put) {
  const { system, address, meter, params } = context;
  const { concurrency, lanes, length } = params;
  const flows = Math.floor(params.count / length);
  const count = flows * length;
  const processes = await idling(context, 1, { count, concurrency, returns: true });
  const flower = await system.flower(address, 'jobs');
  const make = payloadMaker(params);
  const before = await meter.read();
  const startedAt = nowMs();
  let next = 0;
  const lane = async () => {
    while (next < flows) {
      const first = next++ * length;
      await put(
        flower,
        Array.from({ length }, (_, index) => make(first + index)),
      );
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const ms = nowMs() - startedAt;
  const used = Meter.perJob(before, await meter.read(), count);
  return { jobs: count, ms, perSecond: (count / ms) * 1_000, ...used, ...judged(count, await reportsOf(processes)) };
}
