/** A producer that is a process of its own: what it is to do stands in `CHAOS`. */
import { HotQueue } from '../../src/index.js';
import { Dice } from './dice.js';
import { loggerInto } from './handler.js';
import { History, type Load } from './history.js';
import { confirm, putLogged } from './producing.js';
import { clientFor, connect, type Road } from './road.js';

export interface ProducerTask {
  readonly folder: string;
  readonly proc: string;
  readonly road: Road;
  readonly queue: string;
  readonly seed: number;
  readonly count: number;
  readonly batch: number;
  /** Ms of a handler, at most. */
  readonly mostMs: number;
  /** No more than so many messages in a second. */
  readonly perSecond: number;
  /** So many replicas are asked, after each put, whether they have it. */
  readonly replicas?: number;
}

const task = JSON.parse(process.env.CHAOS!) as ProducerTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => history.write('uncaught', { text: String(error.stack ?? error) }));
const { options, close } = connect(task.road);
const asking = task.replicas !== undefined && !('url' in task.road) ? clientFor(task.road) : undefined;
const queue = new HotQueue(task.queue, { ...options, logger: loggerInto(history) }) as unknown as HotQueue<Load>;
const dice = new Dice(task.seed);
const beganAt = performance.now();
let isStopping = false;
process.once('SIGTERM', () => (isStopping = true));
for (let put = 0; put < task.count && !isStopping; ) {
  const size = Math.min(dice.whole(1, task.batch), task.count - put);
  const loads = Array.from({ length: size }, (_, index): Load => ({ key: `${task.proc}-${put + index}`, ms: dice.whole(0, task.mostMs) }));
  await (asking ? confirm(queue, asking, task.replicas!, history, loads) : putLogged(queue, history, loads));
  put += size;
  const aheadMs = (put / task.perSecond) * 1_000 - (performance.now() - beganAt);
  if (aheadMs > 5) await new Promise((resolve) => setTimeout(resolve, aheadMs));
}
history.write('down');
await queue.close();
asking?.disconnect();
close();
asking?.disconnect();
