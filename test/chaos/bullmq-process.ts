/** A BullMQ worker or producer that writes the same history as our processes. Its task is in the environment variable `CHAOS`, as JSON. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Job, Queue, Worker } from 'bullmq';
import { Dice } from './dice.js';
import { History, type Load, sumOf } from './history.js';

export interface BullTask {
  readonly role: 'worker' | 'producer';
  readonly folder: string;
  readonly proc: string;
  readonly socket: string;
  readonly lockMs: number;
  readonly stalledMs: number;
  readonly mostStalls: number;
  readonly concurrency: number;
  readonly seed: number;
  readonly count: number;
  readonly batch: number;
  readonly mostMs: number;
  readonly perSecond: number;
}

const task = JSON.parse(process.env.CHAOS!) as BullTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => history.write('uncaught', { text: String(error.stack ?? error) }));
const path = task.socket;
if (task.role === 'worker') work();
else await produce();

function work(): void {
  const { lockMs: lockDuration, stalledMs: stalledInterval, mostStalls: maxStalledCount, concurrency } = task;
  const mark = (job: Job) => ({ key: (job.data as Load).key, id: job.id, attempt: job.attemptsStarted });
  const worker = new Worker(
    'jobs',
    async (job: Job) => {
      const load = job.data as Load;
      history.write('start', { ...mark(job), sum: sumOf(load) });
      await pause(load.ms);
      history.write('end', mark(job));
    },
    { connection: { path, maxRetriesPerRequest: null }, concurrency, lockDuration, stalledInterval, maxStalledCount },
  );
  worker.on('completed', (job) => history.write('ack', mark(job)));
  worker.on('error', (error) => history.write('warn', { text: String(error) }));
  process.once('SIGTERM', () => void worker.close().then(() => process.exit(0)));
}

/** Puts the same batch sizes in the same order as `producer-process.ts` with the same seed. */
async function produce(): Promise<void> {
  const queue = new Queue<Load>('jobs', { connection: { path } });
  queue.on('error', (error) => history.write('warn', { text: String(error) }));
  const dice = new Dice(task.seed);
  const beganAt = performance.now();
  for (let put = 0; put < task.count;) {
    const size = Math.min(dice.whole(1, task.batch), task.count - put);
    const loads = Array.from({ length: size }, (_, index): Load => ({
      key: `${task.proc}-${put + index}`,
      ms: dice.whole(0, task.mostMs),
    }));
    await add(queue, loads);
    put += size;
    const aheadMs = (put / task.perSecond) * 1_000 - (performance.now() - beganAt);
    if (aheadMs > 5) await pause(aheadMs);
  }
  history.write('down');
  await queue.close();
}

async function add(queue: Queue<Load>, loads: readonly Load[]): Promise<void> {
  const jobs = loads.map((load) => [load.key, sumOf(load)] as const);
  history.write('put', { type: 'invoke', jobs });
  try {
    const stored = await queue.addBulk(loads.map((data) => ({ name: 'job', data, opts: { removeOnComplete: true } })));
    history.write('put', { type: 'ok', jobs, ids: stored.map(({ id }) => id) });
  } catch (error) {
    history.write('put', { type: 'info', jobs, text: String(error) });
  }
}
