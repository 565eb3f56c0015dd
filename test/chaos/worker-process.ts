/** A worker process. Its task is in the environment variable `CHAOS`, as JSON. */
import { HotQueue, run } from '../../src/index.js';
import { askedForError, listen, loggerInto, scribe } from './handler.js';
import { History, type Load } from './history.js';
import { connect, type Road } from './road.js';

export interface WorkerTask {
  readonly folder: string;
  readonly proc: string;
  readonly road: Road;
  readonly queue: string;
  /** More queues that it takes from, each with the same concurrency. */
  readonly also?: readonly string[];
  readonly leaseMs: number;
  readonly concurrency: number;
  readonly deadlineMs: number;
  readonly attempts?: number;
  readonly backoff?: number;
  /** A queue on which each handler puts a follow-up. */
  readonly next?: string;
}

const task = JSON.parse(process.env.CHAOS!) as WorkerTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => {
  if (error.message !== askedForError) history.write('uncaught', { text: String(error.stack ?? error) });
});
const { options, close } = connect(task.road);
const queues = [task.queue, ...(task.also ?? [])].map(
  (name) =>
    new HotQueue(name, { ...options, lease: task.leaseMs, logger: loggerInto(history) }) as unknown as HotQueue<Load>,
);
for (const queue of queues) listen(queue, history);
const places = { concurrency: task.concurrency, attempts: task.attempts ?? 3, backoff: task.backoff ?? 50 };
const next = task.next === undefined ? undefined : (new HotQueue(task.next, options) as unknown as HotQueue<Load>);
const running = run(
  queues.map((queue) => scribe(queue, history, places, next)),
  { shutdownTimeout: task.deadlineMs },
);
history.write('up'); // its signal handlers are installed now
await running;
history.write('down');
await Promise.all(queues.map((queue) => queue.close()));
await next?.close();
close();
