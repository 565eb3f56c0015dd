/**
 * A worker process whose user code throws wherever it can. What listeners and loggers throw is an uncaught exception or a warning,
 * which this process ignores. Its task is in the environment variable `CHAOS`, as JSON.
 */
import { HotQueue, run, type Delivery } from '../../src/index.js';
import { Dice } from './dice.js';
import { History, sumOf, type Load } from './history.js';
import { connect, type Road } from './road.js';

const task = JSON.parse(process.env.CHAOS!) as {
  folder: string;
  proc: string;
  road: Road;
  queue: string;
  seed: number;
};
const history = new History(task.folder, task.proc);
const dice = new Dice(task.seed);
const mine = new Error('thrown by user code');
const expected = new Set<unknown>([mine]);
process.on('uncaughtException', (error) => {
  if (!expected.has(error)) history.write('uncaught', { text: String(error.stack ?? error) });
});

const throwing = (): never => {
  throw mine;
};
/** Values that are hard to look at: a handler throws or returns one of them. */
const values: (() => unknown)[] = [
  () => mine,
  () => undefined,
  () => null,
  () => Symbol('x'),
  () => 10n,
  () => Object.create(null) as unknown,
  () => ({ toString: throwing, toJSON: throwing }),
  () => new Proxy({}, { get: throwing, has: throwing, getPrototypeOf: throwing, ownKeys: throwing }),
  () => Object.defineProperty({}, 'then', { get: throwing }),
  () =>
    Object.defineProperties(new Error('x'), {
      message: { get: throwing },
      stack: { get: throwing },
      code: { get: throwing },
    }),
  () => ({ then: throwing }),
  () => ({ then: (_resolve: unknown, reject: (reason: unknown) => void) => (reject(Object.create(null)), throwing()) }),
];

const { options, close } = connect(task.road);
const logger = { debug: throwing, info: throwing, warn: throwing, error: () => Promise.reject(mine) };
const queue = new HotQueue(task.queue, { ...options, lease: 2_000, logger }) as unknown as HotQueue<Load>;
for (const verb of ['take', 'ack', 'retry', 'bury', 'release', 'lost', 'recover', 'promote'] as const) {
  queue.events.on(verb, ({ id, attempt }: { id?: string; attempt?: number }) => {
    if (id !== undefined && attempt !== undefined && verb !== 'take') history.write(verb, { id, attempt });
  });
  queue.events.on(verb, throwing);
}

function handle(load: Load, job: Delivery<Load>): unknown {
  const mark = { key: load.key, id: job.id, attempt: job.attempt };
  history.write('start', { ...mark, sum: sumOf(load) });
  const value = dice.pick(values)();
  if (job.attempt < 3 && dice.chance(0.6)) {
    history.write('gives', { ...mark, kind: 'retry' });
    if (dice.chance(0.5)) throw value;
    return new Promise((_resolve, reject) => setTimeout(reject, load.ms, value));
  }
  history.write('end', mark);
  if (job.attempt === 3) return dice.chance(0.5) ? undefined : Promise.resolve();
  return new Promise((resolve) => setTimeout(resolve, load.ms));
}

const backoff = (attempt: number): number => (dice.chance(0.5) ? throwing() : dice.pick([NaN, -1, 5, attempt]));
const retryIf = (): boolean => {
  throw dice.pick(values)();
};
const workers = [
  queue.worker(handle, { concurrency: 5, attempts: 3, backoff }),
  queue.worker(handle, { concurrency: 5, attempts: 3, backoff: 5, retryIf }),
];
const running = run(workers, { shutdownTimeout: 5_000 });
history.write('up');
await running;
history.write('down');
await queue.close();
close();
