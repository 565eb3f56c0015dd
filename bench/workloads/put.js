import { nowMs, within } from '../clock.js';
import { Meter } from '../meter.js';
import { payloadMaker } from '../payloads.js';
import { bare, nodePeers, ours, pythonPeers } from '../systems/index.js';

const everybody = [ours, ...nodePeers, bare];
/** Factors for `count`: a system that is ten times as fast gets ten times as many jobs, so that all runs take about as long. */
const slowPythons = { 'python-rq': 0.1, 'python-celery': 0.1 };
const scale = { [ours]: 10, [bare]: 10, ...slowPythons };
const few = [ours, 'bullmq', 'bullmq-remove', 'bee-queue', bare];
export const inFlight = { way: 'in flight', lanes: 1_000 };

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'put-awaited',
    title: 'put, one by one, awaited',
    systems: [...everybody, ...pythonPeers],
    scale: slowPythons,
    params: { way: 'awaited', count: 10_000 },
  },
  {
    name: 'put-1000',
    title: 'put, 1,000 in flight',
    systems: everybody,
    scale,
    everybodySmokes: true,
    params: { ...inFlight, count: 30_000 },
  },
  {
    name: 'put-bulk',
    title: 'put, 1,000 in one call',
    systems: [...everybody.filter((name) => !['groupmq', 'rsmq'].includes(name)), 'python-hotqueue', 'python-rq'],
    scale,
    params: { way: 'bulk', count: 30_000 },
  },
  {
    name: 'put-validated',
    title: 'put, 1,000 in flight, five-field class (hotqueue validates it)',
    systems: few,
    scale,
    params: { ...inFlight, validated: true, count: 20_000 },
  },
  {
    name: 'put-10kb',
    title: 'put, 1,000 in flight, 10 KB',
    systems: few,
    scale: { [ours]: 5, [bare]: 5 },
    params: { ...inFlight, bytes: 10_240, count: 5_000 },
  },
  {
    name: 'put-awaited+1ms',
    title: 'put, one by one, 1 ms added latency',
    systems: few,
    delayMs: 1,
    params: { way: 'awaited', count: 1_000 },
  },
  {
    name: 'put-1000+1ms',
    title: 'put, 1,000 in flight, 1 ms added latency',
    systems: few,
    delayMs: 1,
    scale,
    params: { ...inFlight, count: 20_000 },
  },
  {
    name: 'put-1000-aof-everysec',
    title: 'put, 1,000 in flight, AOF everysec',
    systems: few,
    server: 'aof-everysec',
    scale,
    params: { ...inFlight, count: 30_000 },
  },
  {
    name: 'put-awaited-aof-always',
    title: 'put, one by one, AOF always',
    systems: few,
    server: 'aof-always',
    params: { way: 'awaited', count: 1_000 },
  },
  {
    name: 'put-1000-aof-always',
    title: 'put, 1,000 in flight, AOF always',
    systems: few,
    server: 'aof-always',
    scale,
    params: { ...inFlight, count: 10_000 },
  },
].map((workload) => ({ group: 'put', smoke: { count: 300, lanes: 100 }, run: putting, ...workload }));

/** @param {import('../measuring.js').Context} context */
async function putting({ system, address, meter, params }) {
  if (system.measure) return system.measure(address, meter, params);
  const { count, warmup } = params;
  const make = payloadMaker(params);
  const producer = await system.producer(address, 'jobs', params);
  const warm = await system.producer(address, 'warm', params);
  await putAll(warm, warmup, make, params);
  await within(warm.close(), 5_000);
  await producer.put(make(0)); // one-time costs, which are not measured: connect, load scripts, store a first message

  const left = await system.left(address, 'jobs');
  const already = await left();
  const before = await meter.read();
  const startedAt = nowMs();
  await putAll(producer, count, make, params);
  const ms = nowMs() - startedAt;
  const used = Meter.perJob(before, await meter.read(), count);

  const stored = (await left()) - already;
  return {
    jobs: count,
    ms,
    perSecond: (count / ms) * 1_000,
    ...used,
    lost: Math.max(0, count - stored) + (1 - already),
    duplicates: Math.max(0, stored - count),
  };
}

/** Puts all jobs in the way of the workload. Each promise of `put` is awaited by its caller. */
async function putAll(producer, count, make, { way, lanes }) {
  if (way === 'awaited') return lane(producer, { next: 0, count }, make);
  if (way === 'bulk') return bulk(producer, count, make);
  if (producer.putInFlight) return producer.putInFlight(count, make, lanes);
  const work = { next: 0, count };
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, () => lane(producer, work, make)));
}

async function lane(producer, work, make) {
  while (work.next < work.count) await producer.put(make(work.next++));
}

async function bulk(producer, count, make) {
  for (let from = 0; from < count; from += 1_000) {
    await producer.putMany(Array.from({ length: Math.min(1_000, count - from) }, (_, index) => make(from + index)));
  }
}
