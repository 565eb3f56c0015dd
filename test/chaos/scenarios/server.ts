import { setTimeout as pause } from 'node:timers/promises';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';
import { underLoad } from './load.js';

const blockMs = 5_000;

/** Redis is killed and comes back, several times; says how soon work went on. */
async function restarts(world: World, outagesMs: readonly number[], perPut: number): Promise<void> {
  let longest = 0;
  await underLoad(world, { count: world.isLong ? 5_000 : 300, mostBatch: perPut, leaseMs: 30_000, concurrency: 20 }, async () => {
    for (const outageMs of outagesMs) {
      await pause(world.dice.whole(300, 900));
      await world.redis.kill();
      await pause(outageMs);
      await world.redis.start();
      world.fault('redis-start');
      const backAt = world.now();
      const before = world.count('start');
      const went = await world.until(() => world.count('start') > before, 20_000);
      longest = Math.max(longest, world.now() - backAt);
      world.claim(`workers went on within 5 s of the return of Redis (${Math.round(world.now() - backAt)} ms)`, went && world.now() - backAt < 5_000);
    }
  });
  world.figures['longest wait after a return, ms'] = Math.round(longest);
}

const outages = (world: World): number[] => (world.isLong ? [200, 5_000, 3 * blockMs, 200, 1_000, 200, 3_000, 200, 500, 200] : [200, 1_500]);

const f08always: Scenario = {
  id: 'F08a',
  name: 'Redis is killed and comes back, appendfsync always',
  durability: 'always',
  withinMs: { short: 120_000, long: 400_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    await restarts(world, outages(world), 10);
  },
};

const f08everysec: Scenario = {
  id: 'F08e',
  name: 'Redis is killed and comes back, appendfsync everysec',
  durability: 'everysec',
  withinMs: { short: 120_000, long: 400_000 },
  async run(world) {
    // What was acknowledged in the last two seconds may be forgotten: counted, and nothing beyond it.
    world.allowed = { forgetsMs: 2_500, losesLeases: true };
    await restarts(world, outages(world), 200);
  },
};

const f10: Scenario = {
  id: 'F10',
  name: 'Redis is frozen for longer than a lease',
  withinMs: { short: 120_000, long: 300_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const freezes = world.isLong ? [1_000, 5_000, 8_000, 2_500, 3_500] : [2_500];
    await underLoad(world, { count: 200, leaseMs: 1_000, mostMs: 30 }, async () => {
      for (const ms of freezes) {
        await pause(1_500); // beats have been seen
        world.redis.freeze();
        await pause(ms);
        world.redis.thaw();
      }
      await pause(500);
      world.fault('client-pause');
      await world.direct.client('PAUSE', 1_500, 'ALL');
      await pause(2_000);
    });
  },
};

const f12: Scenario = {
  id: 'F12',
  name: 'the master is demoted under its clients, and promoted again',
  async run(world) {
    world.allowed = { noRecovery: true };
    const rounds = world.isLong ? 10 : 2;
    await underLoad(world, { count: 200, leaseMs: 30_000 }, async () => {
      for (let round = 0; round < rounds; round++) {
        await pause(world.dice.whole(200, 500));
        world.fault('demoted');
        await world.direct.replicaof('127.0.0.1', 1);
        await pause(world.dice.whole(500, 2_000));
        await world.direct.replicaof('NO', 'ONE');
        const before = world.count('start');
        const backAt = world.now();
        const went = await world.until(() => world.count('start') > before, 20_000);
        world.claim(`workers went on within 5 s of the promotion (${Math.round(world.now() - backAt)} ms)`, went && world.now() - backAt < 5_000);
      }
    });
  },
};

const f15: Scenario = {
  id: 'F15',
  name: 'scripts vanish every 50 ms',
  async run(world) {
    world.allowed = { noRecovery: true };
    await underLoad(world, { count: world.isLong ? 5_000 : 500, leaseMs: 2_000, does: [undefined, 'fail:1', 'bury', 'release:1'] }, async (isEnough) => {
      for (let flushes = 0; flushes < (world.isLong ? 400 : 40) || !isEnough(); flushes++) {
        world.fault('script-flush');
        await world.direct.script('FLUSH');
        await pause(50);
      }
    });
  },
};

const f16: Scenario = {
  id: 'F16',
  name: 'memory is full',
  redisSettings: ['--maxmemory-policy', 'noeviction'],
  async run(world) {
    world.allowed = { noRecovery: true };
    const producer = world.queue({ lease: 2_000 });
    const pad = 'x'.repeat(2_000);
    for (let index = 0; index < 40; index++) await world.put(producer, ...Array.from({ length: 10 }, () => ({ ...world.load(1, world.dice.pick([undefined, 'fail:1', 'bury', 'release:1'])), pad })));
    world.fault('maxmemory');
    await world.direct.config('SET', 'maxmemory', 1);
    world.claim('a put is refused with a typed error', (await world.put(producer, { ...world.load(), pad })) === 'REDIS_FULL');
    world.crew({ leaseMs: 2_000, concurrency: 10, workers: 2 });
    await world.drained();
    const { pending, dead } = await world.look();
    world.figures['left while full'] = pending;
    world.figures['buried while full'] = dead.length;
    world.claim(`workers drained the backlog with memory still full (${pending} left)`, pending === 0);
    await world.direct.config('SET', 'maxmemory', 0);
    world.claim('puts work again', (await world.put(producer, world.load())) === undefined);
    await world.drained();
  },
};

const f22: Scenario = {
  id: 'F22',
  name: 'producers go on while Redis is away',
  durability: 'always',
  withinMs: { short: 120_000, long: 240_000 },
  async run(world) {
    const producer = world.queue();
    await world.put(producer, world.load());
    await world.redis.kill();
    const heapBefore = process.memoryUsage().heapUsed;
    const beganAt = world.now();
    const puts: Promise<string | undefined>[] = [];
    const forMs = world.isLong ? 30_000 : 2_000;
    while (world.now() - beganAt < forMs) {
      for (let index = 0; index < 50; index++) puts.push(world.put(producer, world.load()));
      await pause(5);
    }
    world.figures['heap growth, MiB'] = Math.round((process.memoryUsage().heapUsed - heapBefore) / 1_048_576);
    await world.redis.start();
    world.fault('redis-start');
    const codes = await Promise.all(puts);
    for (const code of new Set(codes)) world.figures[`puts: ${code ?? 'stored'}`] = codes.filter((one) => one === code).length;
    world.crew({ concurrency: 50 });
    await world.drained();
  },
};

export const serverScenarios = [f08always, f08everysec, f10, f12, f15, f16, f22];
