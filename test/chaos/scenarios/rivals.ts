import { setTimeout as pause } from 'node:timers/promises';
import { BullRival } from '../bullmq.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

const leaseMs = 2_000;
const concurrency = 10;

/** Counters of a verdict that `docs/guarantees.md` shows for both libraries. */
const compared = [
  'acked',
  'unknown',
  'runs',
  'lost',
  'duplicated',
  'allowed',
  'unexplained',
  'dead',
  'still',
  'in flight at kills',
] as const;

/** Waits until nothing is pending. @returns ms since `fromMs` */
async function drainMs(world: World, pending: () => Promise<number>, fromMs: number): Promise<number> {
  await world.until(async () => (await pending()) === 0, 90_000);
  return Math.round(world.now() - fromMs);
}

/**
 * Runs hotqueue and BullMQ at the same time on one Redis. Both have the same jobs, the same rate, the same number of
 * workers, the same concurrency and the same lease. Both give a message up after the same number of deaths. Each kill hits
 * a worker of both at the same instant. The scenario asserts the guarantees of hotqueue, and counts with the same checker
 * what BullMQ kept.
 */
const versus: Scenario = {
  id: 'VS',
  name: 'hotqueue and BullMQ under the same kills, appendfsync always',
  durability: 'always',
  withinMs: { short: 150_000, long: 600_000 },
  async run(world) {
    const { kills, redisKills, count, perSecond } = world.isLong
      ? { kills: 40, redisKills: 4, count: 20_000, perSecond: 150 }
      : { kills: 4, redisKills: 1, count: 1_000, perSecond: 150 };
    // BullMQ may stall a job twice, as hotqueue allows two crashes: the third one gives up. BullMQ checks for stalled jobs
    // twice in each lock duration, so both notice the death of a worker about equally soon.
    const rival = new BullRival(world, { lockMs: leaseMs, stalledMs: leaseMs / 2, mostStalls: 2, concurrency });
    const ours = Array.from({ length: 3 }, () => world.worker({ leaseMs, concurrency }));
    const theirs = ours.map(() => rival.worker());
    const task = { count, batch: 20, mostMs: 100, perSecond };
    const seed = world.dice.whole(1, 1e9);
    const producers = [world.producer(task), rival.producer({ ...task, seed })];
    const atWork = (index: number): boolean => world.count('start', ours[index]!.proc) > 0 && theirs[index]!.hasBegun();
    for (let index = 1; index <= kills; index++) {
      const victim = world.dice.whole(0, ours.length - 1);
      await world.until(() => atWork(victim), 15_000);
      await pause(world.dice.whole(0, 300));
      await Promise.all([ours[victim]!.kill(), theirs[victim]!.kill()]);
      [ours[victim], theirs[victim]] = [world.worker({ leaseMs, concurrency }), rival.worker()];
      if (index % Math.floor(kills / redisKills) !== 0) continue;
      await world.until(() => ours.every((_, one) => atWork(one)), 15_000);
      rival.history.write('fault', { kind: 'redis-kill' });
      await world.redis.kill();
      await pause(world.dice.whole(100, 1_500));
      await world.redis.start();
    }
    await Promise.all(producers.map(({ ended }) => ended));
    const fromMs = world.now();
    const [us, them] = await Promise.all([
      drainMs(world, () => world.pending(), fromMs),
      drainMs(world, () => rival.pending(), fromMs),
    ]);
    await Promise.all(theirs.map((worker) => worker.kill()));
    const verdict = await rival.verdict();
    world.figures['drained after, ms'] = us;
    for (const name of compared) world.figures[`BullMQ: ${name}`] = verdict.counters[name] ?? 0;
    world.figures['BullMQ: drained after, ms'] = them;
    for (const { rule } of verdict.violations)
      world.figures[`BullMQ: violations of "${rule}"`] = (world.figures[`BullMQ: violations of "${rule}"`] ?? 0) + 1;
  },
};

export const rivalScenarios = [versus];
