import { payloadMaker } from '../payloads.js';
import { bare, nodePeers, ours } from '../systems/index.js';

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'bytes-waiting',
    group: 'memory',
    title: 'memory of Redis for a waiting job of 100 bytes, without its payload',
    systems: [ours, ...nodePeers, bare],
    rounds: 1,
    params: { count: 100_000 },
    smoke: { count: 2_000 },
    run,
  },
];

/**
 * The process that puts has ended before memory is read, so its buffers do not count. Its scripts do not count either: a first
 * fill has loaded them.
 */
async function run({ start, system, address, meter, params }) {
  const { count } = params;
  await start('fill', { queue: 'warm', count: 100 }).result;
  const before = await meter.memory();
  await start('fill', { queue: 'jobs', count }).result;
  const used = (await meter.memory()) - before;
  const make = payloadMaker(params);
  let payload = 0;
  for (let n = 0; n < count; n += 1) payload += JSON.stringify(make(n)).length;
  const stored = await (await system.left(address, 'jobs'))();
  return {
    jobs: count,
    bytesPerJob: used / count,
    payloadBytes: payload / count,
    bytesBeyond: (used - payload) / count,
    lost: Math.max(0, count - stored),
    duplicates: Math.max(0, stored - count),
  };
}
