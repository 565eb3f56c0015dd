import { mkdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Scenario } from '../scenario.js';
import type { LoggedQueue, World } from '../world.js';
import { underLoad } from './load.js';

const blockMs = 5_000;

/** Kills and restarts Redis several times. Asserts that workers continue soon, and records the longest time. */
async function restarts(world: World, outagesMs: readonly number[], perPut: number): Promise<void> {
  await underLoad(
    world,
    { count: world.isLong ? 5_000 : 300, mostBatch: perPut, leaseMs: 30_000, concurrency: 20 },
    async () => {
      for (const outageMs of outagesMs) {
        await pause(world.dice.whole(300, 900));
        await world.redis.kill();
        await pause(outageMs);
        await world.redis.start();
        world.fault('redis-start');
        await world.workersContinue('Redis is back');
      }
    },
  );
}

const outages = (world: World): number[] =>
  world.isLong ? [200, 5_000, 3 * blockMs, 200, 1_000, 200, 3_000, 200, 500, 200] : [200, 1_500];

const f08always: Scenario = {
  id: 'F08a',
  name: 'Redis is killed and restarted, appendfsync always',
  durability: 'always',
  withinMs: { short: 120_000, long: 400_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    await restarts(world, outages(world), 10);
  },
};

const f08everysec: Scenario = {
  id: 'F08e',
  name: 'Redis is killed and restarted, appendfsync everysec',
  durability: 'everysec',
  withinMs: { short: 120_000, long: 400_000 },
  async run(world) {
    // Redis may lose the writes of the last two seconds before a kill. The checker counts these, and reports any other loss.
    world.allowed = { forgetsMs: 2_500, losesLeases: true };
    await restarts(world, outages(world), 200);
  },
};

const f08half: Scenario = {
  id: 'F08h',
  name: 'Redis is down for half a lease and for more than one: no worker loses its lease',
  durability: 'always',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const leaseMs = 6_000;
    // Each runner has its own connections, so its calls do not wait behind the calls of others.
    const join = (concurrency: number): void =>
      void world.startWorkers({ url: `${world.redis.url}?own=${world.name('c')}`, leaseMs, concurrency });
    for (let index = 0; index < 4; index++) join(5);
    await underLoad(world, { count: 300, leaseMs, mostMs: 300, everyMs: 20 }, async () => {
      for (let index = 0; index < (world.isLong ? 40 : 3); index++) {
        await pause(world.dice.whole(leaseMs / 3, (2 * leaseMs) / 3)); // heartbeats have arrived, at any phase of the interval
        await world.redis.kill();
        await pause(index % 3 === 2 ? 1.1 * leaseMs : world.dice.whole(0.3 * leaseMs, 0.65 * leaseMs));
        await world.redis.start();
        world.fault('redis-start');
        // A new worker finds expired leases before any other worker could send a heartbeat.
        if (index % 3 === 2) join(1);
      }
      await pause(leaseMs);
    });
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
        await pause(1_500); // heartbeats have arrived
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
  name: 'the master is demoted while clients use it, and promoted again',
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
        await world.workersContinue('the promotion');
      }
    });
  },
};

const f15: Scenario = {
  id: 'F15',
  name: 'SCRIPT FLUSH removes the scripts every 50 ms',
  async run(world) {
    world.allowed = { noRecovery: true };
    await underLoad(
      world,
      { count: world.isLong ? 5_000 : 500, leaseMs: 2_000, does: [undefined, 'fail:1', 'bury', 'release:1'] },
      async (isEnough) => {
        for (let flushes = 0; flushes < (world.isLong ? 400 : 40) || !isEnough(); flushes++) {
          world.fault('script-flush');
          await world.direct.script('FLUSH');
          await pause(50);
        }
      },
    );
  },
};

const f16: Scenario = {
  id: 'F16',
  name: 'Redis reaches maxmemory',
  redisSettings: ['--maxmemory-policy', 'noeviction'],
  async run(world) {
    world.allowed = { noRecovery: true };
    const producer = world.queue({ lease: 2_000 });
    const pad = 'x'.repeat(2_000);
    for (let index = 0; index < 40; index++)
      await world.put(
        producer,
        ...Array.from({ length: 10 }, () => ({
          ...world.load(1, world.dice.pick([undefined, 'fail:1', 'bury', 'release:1'])),
          pad,
        })),
      );
    world.fault('maxmemory');
    await world.direct.config('SET', 'maxmemory', 1);
    world.claim(
      'a put rejects with a typed error',
      (await world.put(producer, { ...world.load(), pad })) === 'REDIS_FULL',
    );
    world.startWorkers({ leaseMs: 2_000, concurrency: 10, workers: 2 });
    await world.drained();
    const { pending, dead } = await world.look();
    world.figures['left while full'] = pending;
    world.figures['buried while full'] = dead.length;
    world.claim(`workers drain the backlog while memory is still full (${pending} left)`, pending === 0);
    await world.direct.config('SET', 'maxmemory', 0);
    world.claim('puts work again', (await world.put(producer, world.load())) === undefined);
    await world.drained();
  },
};

/** Most characters that a put batcher buffers, plus those of one batch in flight (`producer/put-batcher.ts`). */
const mostBuffered = 16 * 1_048_576 + 1_048_576;

/** Puts `count` messages while Redis is down, at most `perSecond`. @returns the results by code, and the heap growth in MiB */
async function overload(world: World, producer: LoggedQueue, count: number, perSecond: number, pad: string) {
  await world.put(producer, world.load());
  await world.redis.kill();
  void world.put(producer, world.load()); // from now on the queue knows that Redis does not answer
  await pause(1_500);
  const before = heapInUse();
  const codes = new Map<string, number>();
  let made = 0;
  let open = 0;
  const putOne = async (): Promise<void> => {
    made += 1;
    open += 1;
    const code = (await world.put(producer, { ...world.load(), pad })) ?? 'stored';
    codes.set(code, (codes.get(code) ?? 0) + 1);
    open -= 1;
  };
  const beganAt = world.now();
  for (; made < count; await pause(5)) {
    for (const due = Math.min(count, ((world.now() - beganAt) * perSecond) / 1_000); made < due;) void putOne();
  }
  const grown = Math.round((heapInUse() - before) / 1_048_576);
  await world.redis.start();
  world.fault('redis-start');
  await world.until(() => open === 0, 60_000);
  return { codes, grown };
}

/** Heap in use after a garbage collection, in bytes. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

const f22: Scenario = {
  id: 'F22',
  name: 'producers put while Redis is down: the buffer is bounded, further puts are refused',
  durability: 'always',
  withinMs: { short: 120_000, long: 240_000 },
  async run(world) {
    const tell = (codes: ReadonlyMap<string, number>, what: string): boolean => {
      for (const [code, count] of codes) world.figures[`${what} puts: ${code}`] = count;
      return [...codes.keys()].every((code) => code === 'stored' || code === 'BUFFER_FULL');
    };
    const pad = 'x'.repeat(40_000);
    const large = await overload(world, world.queue(), 1_000, 1_000, pad);
    world.claim(
      'large messages are stored or refused with a typed error',
      tell(large.codes, 'large') && large.codes.has('BUFFER_FULL'),
    );
    const stored = large.codes.get('stored') ?? 0;
    world.claim(
      `the buffer of large messages is bounded (${stored} of 40 kB were stored)`,
      stored > 100 && stored * pad.length <= mostBuffered,
    );
    const small = await overload(world, world.queue(), world.isLong ? 250_000 : 40_000, 10_000, '');
    world.claim(
      'small messages are stored or refused with a typed error',
      tell(small.codes, 'small') && small.codes.has('BUFFER_FULL'),
    );
    world.figures['heap growth of small puts, MiB'] = small.grown;
    world.claim(`the buffer of small messages is bounded (the heap grew by ${small.grown} MiB)`, small.grown <= 64);
    world.startWorkers({ concurrency: 50 });
    await world.drained();
  },
};

const f42: Scenario = {
  id: 'F42',
  name: 'Redis refuses every command for a while: BUSY, MISCONF, NOREPLICAS, READONLY',
  redisSettings: ['--lua-time-limit', '50'],
  async run(world) {
    world.allowed = { noRecovery: true };
    const { direct } = world;
    const snapshot = path.join(path.dirname(world.redis.socket), 'dump.rdb');
    const script = direct.duplicate();
    script.on('error', () => {});
    const states: Record<string, [begin: () => Promise<unknown>, end: () => Promise<unknown>]> = {
      busy: [
        async () => void script.eval('while true do end', 0).catch(() => undefined),
        () => direct.script('KILL').catch(() => undefined),
      ],
      misconf: [
        async () => {
          mkdirSync(snapshot); // a snapshot cannot replace a folder
          await direct.config('SET', 'save', '3600 1');
          await direct.bgsave();
        },
        async () => {
          rmdirSync(snapshot);
          await direct.config('SET', 'save', '');
        },
      ],
      noreplicas: [
        () => direct.config('SET', 'min-replicas-to-write', 1),
        () => direct.config('SET', 'min-replicas-to-write', 0),
      ],
      readonly: [() => direct.replicaof('127.0.0.1', 1), () => direct.replicaof('NO', 'ONE')],
    };
    const does = [undefined, 'fail:1', 'bury', 'release:1'];
    await underLoad(world, { count: world.isLong ? 3_000 : 300, leaseMs: 30_000, does }, async () => {
      for (let round = 0; round < (world.isLong ? 5 : 1); round++) {
        for (const [name, [begin, end]] of Object.entries(states)) {
          await pause(world.dice.whole(200, 500));
          world.fault(name);
          await begin();
          await pause(world.dice.whole(500, 2_000));
          await end();
          await world.workersContinue(name);
        }
      }
    });
    script.disconnect();
  },
};

export const serverScenarios = [f08always, f08everysec, f08half, f10, f12, f15, f16, f22, f42];
