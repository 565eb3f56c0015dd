/** A producer process. Its task is in the environment variable `CHAOS`, as JSON. */
import { HotQueue } from '../../src/index.js';
import { Dice } from './dice.js';
import { loggerInto } from './handler.js';
import { History, type Load } from './history.js';
import { isTracked, Waits } from './jobs.js';
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
  /** Longest time that a handler takes, in ms. */
  readonly mostMs: number;
  /** Most messages per second. */
  readonly perSecond: number;
  /** After each put, wait for this many replicas to confirm it. */
  readonly replicas?: number;
}

const task = JSON.parse(process.env.CHAOS!) as ProducerTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => history.write('uncaught', { text: String(error.stack ?? error) }));
const { options, close } = connect(task.road);
const asking = task.replicas !== undefined && !('url' in task.road) ? clientFor(task.road) : undefined;
const queue = new HotQueue(task.queue, {
  ...options,
  track: isTracked(),
  logger: loggerInto(history),
}) as unknown as HotQueue<Load>;
const waits = isTracked() ? new Waits(history) : undefined;
const dice = new Dice(task.seed);
const beganAt = performance.now();
let isStopping = false;
process.once('SIGTERM', () => (isStopping = true));
for (let put = 0; put < task.count && !isStopping;) {
  const size = Math.min(dice.whole(1, task.batch), task.count - put);
  const loads = Array.from({ length: size }, (_, index): Load => ({
    key: `${task.proc}-${put + index}`,
    ms: dice.whole(0, task.mostMs),
  }));
  await (asking
    ? confirm(queue, asking, task.replicas!, history, loads, waits)
    : putLogged(queue, history, loads, waits));
  put += size;
  const aheadMs = (put / task.perSecond) * 1_000 - (performance.now() - beganAt);
  if (aheadMs > 5) await new Promise((resolve) => setTimeout(resolve, aheadMs));
}
await waits?.ended();
history.write('down');
await queue.close();
asking?.disconnect();
close();
asking?.disconnect();
