import { setTimeout as pause } from 'node:timers/promises';
import type { Delivery } from '../../../src/index.js';
import { start } from '../../../src/index.js';
import { type History, type Load, sumOf } from '../history.js';
import type { Scenario } from '../scenario.js';
import type { LoggedQueue, World } from '../world.js';

const hostile: Scenario = {
  id: 'USER',
  name: 'user code throws everywhere: handlers, listeners, loggers, retryIf, backoff, getters, then',
  withinMs: { short: 120_000, long: 300_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const count = world.isLong ? 5_000 : 500;
    const child = world.spawn('user-code-process', {
      folder: world.folder,
      proc: world.name('user'),
      road: { url: world.redis.url },
      queue: 'jobs',
      seed: world.dice.whole(1, 1e9),
    });
    const producer = world.queue();
    for (let put = 0; put < count; put += 10) {
      await world.put(producer, ...Array.from({ length: 10 }, () => world.load(world.dice.whole(0, 3))));
      await pause(2);
    }
    await world.drained();
    world.claim('nothing is left: each message is done or dead', (await world.pending()) === 0);
    world.claim('the worker process lives', !child.isOver);
    child.signal('SIGTERM');
    world.claim('the worker process stops with exit code 0', (await child.ended) === 0);
  },
};

/** Runs the loop body once for each message that it gets, with its steps in the history. */
const step = async (history: History, load: Load, id: string, attempt: number, ms = load.ms): Promise<void> => {
  history.write('start', { key: load.key, id, attempt, sum: sumOf(load) });
  if (ms > 0) await pause(ms);
  history.write('end', { key: load.key, id, attempt });
};

/** One consumer of each kind, until `signal` aborts. */
const kinds: Record<string, (queue: LoggedQueue, signal: AbortSignal) => Promise<unknown>> = {
  deliveries: async (queue, signal) => {
    for await (const job of queue.deliveries({ signal })) await step(queue.lines, job.payload, job.id, job.attempt);
  },
  'batches of deliveries': async (queue, signal) => {
    for await (const jobs of queue.deliveries({ batch: 5, linger: 5, signal }))
      await Promise.all(jobs.map((job) => step(queue.lines, job.payload, job.id, job.attempt)));
  },
  consume: async (queue, signal) => {
    for await (const load of queue.consume({ signal })) await step(queue.lines, load, load.key, 1);
  },
  get: async (queue, signal) => {
    while (!signal.aborted) {
      const load = await queue.get({ block: true, signal });
      if (load) await step(queue.lines, load, load.key, 1, 0); // it is acknowledged already
    }
  },
  'a loop that is left again and again': async (queue, signal) => {
    while (!signal.aborted)
      for await (const job of queue.deliveries({ limit: 3, idleTimeout: 50, signal }))
        await step(queue.lines, job.payload, job.id, job.attempt);
  },
  worker: async (queue, signal) => {
    const handle = (load: Load, job: Delivery<Load>): Promise<void> => step(queue.lines, load, job.id, job.attempt);
    await untilAborted(start(queue.worker(handle, { concurrency: 4 })), signal);
  },
  'batch worker': async (queue, signal) => {
    const handle = async (loads: Load[], jobs: Delivery<Load>[]): Promise<void> => {
      await Promise.all(loads.map((load, index) => step(queue.lines, load, jobs[index]!.id, jobs[index]!.attempt)));
    };
    await untilAborted(start(queue.worker(handle, { batch: 8, linger: '10ms' })), signal);
  },
};

async function untilAborted(runner: { stop(): Promise<void> }, signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await runner.stop();
}

const mixed: Scenario = {
  id: 'MIX',
  name: 'get, consume, deliveries, batches and workers share one queue, and worker processes are killed',
  withinMs: { short: 120_000, long: 300_000 },
  async run(world) {
    const count = world.isLong ? 10_000 : 800;
    const over = new AbortController();
    const loops = Object.entries(kinds).map(([kind, consume]) => {
      const queue = world.queue({}, world.name('loop'));
      return consume(queue, over.signal).catch((error: unknown) =>
        world.claim(`${kind} ends without an error (${String(error)})`, false),
      );
    });
    const producer = world.queue();
    const kills = world.isLong ? 20 : 4;
    let isOver = false;
    const killing = (async () => {
      for (let index = 0; index < kills; index++) {
        const worker = world.worker({ concurrency: 5 });
        await world.until(() => world.count('start', worker.proc) > 5 || isOver, 20_000);
        await worker.kill();
      }
    })();
    for (let put = 0; put < count || !isOver; put++) {
      await putOne(world, producer);
      if (put % 5 === 0) await pause(2);
      if (put >= count) isOver ||= await Promise.race([killing.then(() => true), pause(1, false)]);
    }
    await killing;
    await world.drained();
    over.abort();
    await Promise.all(loops);
    for (const proc of world
      .entries()
      .flatMap(({ f, proc: by }) => (f === 'start' ? [by] : []))
      .filter((by, index, all) => all.indexOf(by) === index))
      world.figures[`run by ${proc}`] = world.count('start', proc);
  },
};

/** The id of a message is its key, so that loops that see only the payload know it. */
function putOne(world: World, producer: LoggedQueue): Promise<unknown> {
  const load = world.load(world.dice.whole(0, 8));
  const priority = world.dice.pick(['high', 'normal', 'low'] as const);
  const delay = world.dice.chance(0.2) ? world.dice.whole(1, 200) : 0;
  return world.putWith(producer, { id: load.key, priority, delay }, load);
}

export const userScenarios: readonly Scenario[] = [hostile, mixed];
