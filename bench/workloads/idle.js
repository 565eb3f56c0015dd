import { sleep } from '../clock.js';
import { Meter } from '../meter.js';
import { nodeWorkers, ours } from '../systems/index.js';
import { idling, reportsOf } from './workers.js';

/** @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'idle',
    group: 'idle',
    title: 'an idle worker',
    systems: [ours, ...nodeWorkers],
    rounds: 1,
    params: { seconds: 60, concurrency: 50 },
    smoke: { seconds: 1 },
    run,
  },
];

/** Counts the connections and commands of one worker on an empty queue, after it has handled one job. */
async function run(context) {
  const { system, address, meter, params } = context;
  const producer = await system.producer(address, 'jobs', {});
  await producer.put({ n: 0 });
  const connectionsBefore = await meter.connections();
  const processes = await idling(context, 1, { count: 1, concurrency: params.concurrency });
  await sleep(1_000);
  const connections = (await meter.connections()) - connectionsBefore;
  const before = await meter.read();
  await sleep(params.seconds * 1_000);
  const after = await meter.read();
  const { commandsPerJob, scriptCallsPerJob, calls } = Meter.perJob(before, after, params.seconds / 60);
  const [{ distinct }] = await reportsOf(processes);
  return {
    jobs: 1,
    connections,
    commandsPerMinute: commandsPerJob + scriptCallsPerJob,
    calls,
    lost: 1 - distinct,
    duplicates: 0,
  };
}
