import { consumed } from '../draining.js';
import { nowMs } from '../clock.js';
import { payloadMaker } from '../payloads.js';
import { bare, ours } from '../systems/index.js';
import { consumedByProcesses } from './workers.js';

const peer = 'bullmq-remove';
const common = { group: 'growth', systems: [ours, peer], scale: { [ours]: 10, [bare]: 10 }, timeoutMs: 400_000 };

/** Growth of cost with the backlog, the number of workers, and the payload size. @type {import('./index.js').Workload[]} */
export const workloads = [
  ...[1_000, 100_000, 1_000_000].map((backlog) => ({
    ...common,
    name: `backlog-${backlog}`,
    title: `${backlog.toLocaleString('en')} waiting: consume, concurrency 50`,
    scale: {},
    rounds: 1,
    params: { concurrency: 50, count: backlog, measured: 20_000 },
    smoke: { count: Math.min(backlog / 10, 2_000), measured: 200 },
    run: fromBacklog,
  })),
  ...[1, 2, 8, 32].map((workers) => ({
    ...common,
    name: `workers-${workers}`,
    title: `${workers} worker process${workers === 1 ? '' : 'es'} of concurrency 10`,
    rounds: 1,
    params: { concurrency: 10, workers, count: 20_000 },
    smoke: { count: 200, workers: Math.min(workers, 2) },
    run: consumedByProcesses,
  })),
  ...[100, 1_024, 10_240, 102_400].map((bytes) => ({
    ...common,
    name: `payload-${bytes}`,
    title: `payload of ${bytes.toLocaleString('en')} bytes: consume, concurrency 50`,
    systems: [ours, peer, bare],
    scale: { [ours]: bytes > 10_240 ? 1 : 5, [bare]: bytes > 10_240 ? 1 : 5 },
    rounds: 2,
    params: { concurrency: 50, bytes, count: bytes > 10_240 ? 3_000 : 10_000 },
    smoke: { count: 100 },
    run: (context) => consumed(context),
  })),
];

/** Consumes some jobs from the head of a large backlog, then puts as many at its end. */
async function fromBacklog(context) {
  const { system, address, params } = context;
  const measured = Math.min(params.measured, params.count);
  const taken = await consumed(context, { stopAfter: measured });
  const producer = await system.producer(address, 'jobs', {});
  const make = payloadMaker(params);
  await producer.put(make(0));
  const startedAt = nowMs();
  let next = 0;
  const lane = async () => {
    while (next < measured) await producer.put(make(next++));
  };
  await Promise.all(Array.from({ length: 1_000 }, lane));
  return { ...taken, putPerSecond: (measured / (nowMs() - startedAt)) * 1_000 };
}
