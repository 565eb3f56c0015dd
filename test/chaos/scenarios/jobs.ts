import { setTimeout as pause } from 'node:timers/promises';
import { start, type Job } from '../../../src/index.js';
import { cancelLogged } from '../jobs.js';
import { losing } from '../losing.js';
import type { Load } from '../history.js';
import type { Scenario } from '../scenario.js';
import { connectionScenarios } from './connections.js';
import { failoverScenarios } from './failover.js';
import { poisonScenarios } from './poison.js';
import { processScenarios } from './processes.js';
import { serverScenarios } from './server.js';

/** The same faults, with tracked messages: the producers wait for all results. */
function tracked(id: string, rollsBack = false): Scenario {
  const all = [
    ...connectionScenarios,
    ...failoverScenarios,
    ...poisonScenarios,
    ...processScenarios,
    ...serverScenarios,
  ];
  const base = all.find((one) => one.id === id)!;
  return {
    ...base,
    id: `J${id.slice(1)}`,
    name: `tracked jobs: ${base.name}`,
    run: async (world) => {
      world.trackAll({ rollsBack });
      await base.run(world);
    },
  };
}

const jc: Scenario = {
  id: 'JC',
  name: 'jobs are cancelled while their workers are killed',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    world.trackAll();
    const queue = world.queue({ lease: 1_000 });
    const rounds = world.isLong ? 30 : 5;
    let worker = world.worker({ leaseMs: 1_000, concurrency: 5 });
    for (let round = 0; round < rounds; round++) {
      // The first one is always cancelled while it runs, and others perhaps.
      const loads = Array.from({ length: 40 }, (_, index) =>
        world.load(index === 0 ? 2_000 : world.dice.whole(0, 200)),
      );
      const begun = world.count('start', worker.proc);
      const jobs = await world.putJobs(queue, loads);
      await world.until(() => world.count('start', worker.proc) > begun);
      await pause(world.dice.whole(0, 100));
      await Promise.all(
        jobs.flatMap((job, index) =>
          index === 0 || world.dice.whole(0, 1) === 0
            ? [cancelLogged(queue, queue.lines, job.id, loads[index]!.key)]
            : [],
        ),
      );
      if (round % 2 === 0) {
        await pause(world.dice.whole(0, 300));
        await worker.kill();
        worker = world.worker({ leaseMs: 1_000, concurrency: 5 });
      }
    }
    await world.drained(60_000);
    await world.waitsEnded();
    // Once more while workers need not look at records: no job was cancelled that is still in the queue.
    const last = world.load(2_000);
    const said = (f: 'start' | 'aborted'): boolean =>
      world.entries().some((one) => one.f === f && one.key === last.key);
    const [job] = await world.putJobs(queue, [last]);
    await world.until(() => said('start'));
    await cancelLogged(queue, queue.lines, job!.id, last.key);
    world.claim('a running job gets to know that it was cancelled', await world.until(() => said('aborted')));
    await world.drained(60_000);
    await world.waitsEnded();
    world.figures['cancelled while they ran'] = world.count('aborted');
    world.claim('some were cancelled while they ran', world.count('aborted') > 0);
    for (const { f, type, id } of world.entries())
      if (f === 'cancel' && type === 'ok')
        world.claim('a cancelled job stays cancelled', (await queue.job(id!).status()) === 'cancelled');
  },
};

const ju: Scenario = {
  id: 'JU',
  name: 'unique jobs, while their workers are killed: one at a time for each key, and no key stays taken',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    world.trackAll();
    const queue = world.queue({ lease: 1_000 });
    const keys = ['a', 'b', 'c', 'd'];
    let worker = world.worker({ leaseMs: 1_000, concurrency: 4, attempts: 2 });
    const open = new Map<string, Job>();
    for (let put = 0; put < (world.isLong ? 600 : 80); put++) {
      const key = world.dice.pick(keys);
      const load = world.load(world.dice.whole(0, 150), world.dice.whole(0, 9) === 0 ? 'fail:9' : undefined);
      const [job] = (await world.putJobs(queue.with({ unique: key }), [load], queue.lines)) as [Job<Load>];
      const before = open.get(key);
      if (job.isDuplicate) {
        world.claim(`a duplicate of ${key} is the job that was put last`, before?.id === job.id);
      } else {
        // The one before must have ended: its key was free.
        const status = before ? await before.status() : 'done';
        world.claim(
          `the job before had ended, it was ${status}`,
          status !== 'waiting' && status !== 'running' && status !== 'retrying',
        );
        open.set(key, job);
      }
      if (put % 25 === 24) {
        await worker.kill();
        worker = world.worker({ leaseMs: 1_000, concurrency: 4, attempts: 2 });
      }
      await pause(world.dice.whole(0, 40));
    }
    await world.drained(60_000);
    await world.waitsEnded();
    for (const key of keys) {
      const load = world.load(1);
      const [job] = (await world.putJobs(queue.with({ unique: key }), [load], queue.lines)) as [Job<Load>];
      world.claim(`key ${key} is free again`, job.isDuplicate === false);
    }
    await world.drained(60_000);
    await world.waitsEnded();
  },
};

const jn: Scenario = {
  id: 'JN',
  name: 'handlers put follow-ups with next, while their processes are killed: each is put once',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    const first = world.queue({ lease: 1_000 });
    const proxy = await world.proxy();
    // A worker dies at a put from its outbox, or at the call that removes the entry: before the server has the call, or after it.
    proxy.rule = losing(world, proxy, { calls: ['put-with', 'hdel'], chance: 0.3, most: Infinity });
    const options = { url: proxy.url, leaseMs: 1_000, concurrency: 5, next: 'second' };
    let worker = world.worker(options);
    const loads: Load[] = [];
    for (let round = 0; round < (world.isLong ? 30 : 8); round++) {
      const faults = proxy.faults();
      const some = Array.from({ length: 30 }, () => world.load(world.dice.whole(0, 60)));
      loads.push(...some);
      await world.put(first, ...some);
      await world.until(() => proxy.faults() > faults, 10_000);
      await worker.kill();
      worker = world.worker(options);
    }
    proxy.rule = undefined;
    await world.drained(60_000);
    // What a killed process has left in the outbox is put when its lease has ended.
    const second = world.queue({ name: 'second', lease: 1_000 });
    const seen = new Map<string, number>();
    const runner = start(
      second.worker((load) => {
        const of = load.key.replace(/^next-/, '');
        seen.set(of, (seen.get(of) ?? 0) + 1);
      }),
    );
    // One whose worker died three times is a dead letter, and has no follow-up.
    const dead = new Set((await world.look()).dead);
    const missing = (): string[] => loads.map(({ key }) => key).filter((key) => !seen.has(key) && !dead.has(key));
    world.claim('every follow-up was put', await world.until(() => missing().length === 0, 30_000));
    await pause(500);
    world.claim(
      'no follow-up was put twice',
      [...seen.values()].every((count) => count === 1),
    );
    await runner.stop();
  },
};

export const jobScenarios: readonly Scenario[] = [
  tracked('F01'),
  tracked('F03'),
  tracked('F04'),
  tracked('F08a'),
  tracked('F11', true),
  tracked('F13', true),
  tracked('F18'),
  jc,
  ju,
  jn,
];
