/** A worker that is a process of its own: what it is to do stands in `CHAOS`. */
import { HotQueue, run } from '../../src/index.js';
import { listen, loggerInto, scribe } from './handler.js';
import { History, type Load } from './history.js';
import { connect, type Road } from './road.js';

export interface WorkerTask {
  readonly folder: string;
  readonly proc: string;
  readonly road: Road;
  readonly queue: string;
  readonly leaseMs: number;
  readonly concurrency: number;
  readonly deadlineMs: number;
  readonly attempts?: number;
  readonly backoff?: number;
}

const task = JSON.parse(process.env.CHAOS!) as WorkerTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => history.write('uncaught', { text: String(error.stack ?? error) }));
const { options, close } = connect(task.road);
const queue = new HotQueue(task.queue, { ...options, lease: task.leaseMs, logger: loggerInto(history) }) as unknown as HotQueue<Load>;
listen(queue, history);
const running = run(scribe(queue, history, { concurrency: task.concurrency, attempts: task.attempts ?? 3, backoff: task.backoff ?? 50 }), { deadline: task.deadlineMs });
history.write('up'); // from here on it listens to signals
await running;
history.write('down');
await queue.close();
close();
