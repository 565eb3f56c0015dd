/** A worker process for the queues of flows. Its task is in the environment variable `CHAOS`, as JSON. */
import { setTimeout as pause } from 'node:timers/promises';
import { group, HotQueue, run } from '../../src/index.js';
import { History } from './history.js';
import { connect, type Road } from './road.js';

export interface FlowTask {
  readonly folder: string;
  readonly proc: string;
  readonly road: Road;
  readonly queues: readonly string[];
}

const task = JSON.parse(process.env.CHAOS!) as FlowTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => history.write('uncaught', { text: String(error.stack ?? error) }));
const { options, close } = connect(task.road);
const queues = task.queues.map(
  (name) => new HotQueue(name, { ...options, lease: 2_000, logger: false, backoff: 50, attempts: 100 }),
);
const workers = queues.map((queue) => {
  queue.events.on('ack', ({ id }) => history.write('acked', { id }));
  return queue.worker(
    async (payload, job) => {
      const { flow } = (payload ?? {}) as { flow?: string };
      history.write('ran', { id: job.id, ...(flow !== undefined && { key: flow }) });
      await pause(Number((payload as { ms?: number } | null)?.ms ?? 5));
      const parents = await job.parents();
      if (parents.some(({ status }) => status !== 'done'))
        history.write('broken', { text: `${job.id} runs too early` });
      const { fan, isCircle } = (payload ?? {}) as { fan?: number; isCircle?: boolean };
      const [first = queue, second = queue] = queues;
      if (isCircle) {
        job.continueWith(await first.with({ id: `${job.id}-behind`, after: queue.job(job.id) }).put({ ms: 1 }));
        return undefined;
      }
      if (fan === undefined) return { ms: 5 };
      const tasks = Array.from({ length: fan }, (_, n) => first.task({ ms: n }));
      job.continueWith(await group(tasks, { then: second.task({ ms: 1 }) }));
      return undefined;
    },
    { concurrency: 10 },
  );
});
history.write('up');
await run(workers, { shutdownTimeout: 5_000, waitForRedis: true });
await Promise.all(queues.map((queue) => queue.close()));
close();
