import { Agent, request } from 'node:http';
import { sleep } from '../clock.js';
import { consumed } from '../draining.js';
import { ours } from '../systems/index.js';

/** Asynchronous handlers, as in applications: they return to the event loop before they finish. @type {import('./index.js').Workload[]} */
export const workloads = [
  {
    name: 'async-microtask',
    title: 'consume, handler awaits one microtask, concurrency 50',
    scale: { [ours]: 10 },
    params: { concurrency: 50, count: 30_000 },
    run: (context) => consumedBy(context, microtask),
  },
  {
    name: 'async-timer',
    title: 'consume, handler awaits a timer of 1 ms, concurrency 100',
    scale: { [ours]: 5 },
    params: { concurrency: 100, count: 20_000 },
    run: (context) => consumedBy(context, () => sleep(1)),
  },
  {
    name: 'async-http',
    title: 'consume, handler awaits an HTTP call, concurrency 100',
    scale: { [ours]: 2 },
    params: { concurrency: 100, count: 20_000 },
    run: byHttp,
  },
].map((workload) => ({
  group: 'async',
  systems: [ours, 'bullmq-remove', 'bee-queue', 'bull'],
  smoke: { count: 200 },
  ...workload,
}));

function consumedBy(context, handle) {
  return consumed(context, { handle, warmHandle: handle });
}

async function microtask() {
  await undefined;
}

/** The HTTP server runs in a separate process. Each concurrency slot of the worker has a connection to it. */
async function byHttp(context) {
  const { concurrency } = context.params;
  const port = await context.start('http').hear();
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency, maxFreeSockets: concurrency });
  let failed = 0;
  const call = () =>
    called({ host: '127.0.0.1', port, agent }).catch((error) => {
      failed += 1;
      throw error;
    });
  const result = await consumedBy(context, call);
  if (failed > 0) throw new Error(`${failed} HTTP calls failed`); // a failed job also leaves the queue, so it does not count as lost
  return result;
}

/** Resolves with the end of the response. */
function called(options) {
  return new Promise((resolve, reject) => {
    request(options, (response) => response.resume().once('end', resolve).once('error', reject))
      .once('error', reject)
      .end();
  });
}
