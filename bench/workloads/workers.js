import { Books } from '../books.js';
import { nowMs, sleep, until } from '../clock.js';
import { Meter } from '../meter.js';

/**
 * Runs several worker processes on one filled queue. All are loaded before the first one starts. The clock runs from the first
 * handled job until the queue is empty in Redis.
 *
 * @param {import('../measuring.js').Context} context
 */
export async function consumedByProcesses(context) {
  const { system, address, meter, params } = context;
  const { count, workers } = params;
  await context.start('fill', { queue: 'jobs', count }).result;
  const processes = await loaded(context, workers, { count, concurrency: params.concurrency });
  const left = await system.left(address, 'jobs');
  await left();
  const before = await meter.read();
  for (const worker of processes) worker.tell('go');
  await until(async () => (await left()) === 0, 120_000, 2);
  const endedAt = nowMs();
  const used = Meter.perJob(before, await meter.read(), count);
  const reports = await reportsOf(processes);
  const ms = endedAt - Math.min(...reports.map(({ firstAt }) => firstAt));
  return {
    jobs: count,
    ms,
    perSecond: (count / ms) * 1_000,
    ...used,
    clientUsPerJob: undefined,
    shares: reports.map(({ distinct }) => distinct),
    ...judged(count, reports),
  };
}

/** Starts worker processes. They have loaded everything and wait for 'go'. */
export async function loaded({ start }, workers, given) {
  const processes = Array.from({ length: workers }, () => start('work', { queue: 'jobs', ...given }));
  for (const worker of processes) await heard(worker);
  return processes;
}

/** Starts worker processes that consume an empty queue. */
export async function idling(context, workers, given) {
  const processes = await loaded(context, workers, given);
  for (const worker of processes) worker.tell('go');
  for (const worker of processes) await heard(worker);
  await sleep(500);
  return processes;
}

async function heard(worker) {
  if ((await worker.hear()) === undefined) await worker.result; // the process has ended, and its result throws the reason
}

export function reportsOf(processes) {
  for (const worker of processes) worker.tell('report');
  return Promise.all(processes.map((worker) => worker.result));
}

export function judged(count, reports) {
  const books = new Books(count);
  for (const { times } of reports) books.add(times);
  return books.judge();
}
