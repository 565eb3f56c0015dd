import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Load } from '../history.js';
import type { Scenario } from '../scenario.js';
import type { World, WorkerProcess } from '../world.js';

/** A group of worker processes. It kills one of them and starts a new one in its place. */
class Fleet {
  readonly members: WorkerProcess[] = [];

  constructor(
    private readonly world: World,
    size: number,
    private readonly options: Parameters<World['worker']>[0],
  ) {
    for (let index = 0; index < size; index++) this.members.push(world.worker(options));
  }

  /** Waits until every worker has started a message. A worker that finds no Redis when it starts ends with an error, by design. */
  async atWork(): Promise<void> {
    await this.world.until(() => this.members.every(({ proc }) => this.world.count('start', proc) > 0), 15_000);
  }

  /** Waits until a random worker has started a message, kills it, and starts a new worker. */
  async killOne(): Promise<void> {
    const index = this.world.dice.whole(0, this.members.length - 1);
    const victim = this.members[index]!;
    await this.world.until(() => this.world.count('start', victim.proc) > 0, 15_000);
    await pause(this.world.dice.whole(0, 300));
    await victim.kill();
    this.members[index] = this.world.worker(this.options);
  }
}

const f01: Scenario = {
  id: 'F01',
  name: 'workers are killed',
  withinMs: { short: 120_000, long: 600_000 },
  async run(world) {
    const kills = world.isLong ? 40 : 6;
    const fleet = new Fleet(world, 3, { leaseMs: 1_000, concurrency: 10 });
    const producer = world.producer({ count: world.isLong ? 10_000 : 1_000, batch: 20, mostMs: 250, perSecond: 120 });
    for (let index = 0; index < kills; index++) await fleet.killOne();
    await producer.ended;
    await world.drained(90_000);
  },
};

const f02: Scenario = {
  id: 'F02',
  name: 'a worker is frozen for longer than its lease, another one blocks its event loop',
  async run(world) {
    world.allowed = { losesLeases: true };
    const rounds = world.isLong ? 20 : 2;
    const frozen = world.worker({ leaseMs: 1_000, concurrency: 5 });
    await world.until(() => world.count('up', frozen.proc) > 0);
    const queue = world.queue({ lease: 1_000 });
    await world.put(queue, world.load(10));
    await world.until(() => world.count('start', frozen.proc) > 0);
    const other = world.worker({ leaseMs: 1_000, concurrency: 5 });
    await world.until(() => world.count('up', other.proc) > 0);
    for (let round = 0; round < rounds; round++) {
      const before = world.count('start', frozen.proc);
      const feeding = { on: true };
      const fed = (async () => {
        while (feeding.on) {
          await world.put(queue, world.load(200), world.load(200));
          await pause(40);
        }
      })();
      await world.until(() => world.count('start', frozen.proc) > before + 2);
      frozen.freeze();
      const recovered = world
        .entries()
        .filter(({ f, text }) => f === 'warn' && / stopped renewing its lease: /.test(text ?? '')).length;
      world.claim(
        'a frozen worker was recovered',
        await world.until(
          () =>
            world.entries().filter(({ f, text }) => f === 'warn' && / stopped renewing its lease: /.test(text ?? ''))
              .length > recovered,
          15_000,
        ),
      );
      frozen.thaw();
      feeding.on = false;
      await fed;
      await world.drained();
    }
    const lost = world.count('lost', frozen.proc);
    world.figures['lost events'] = lost;
    world.claim('the frozen worker emitted "lost" for its lease', lost > 0);
    world.claim('the signals of its handlers were aborted', world.count('aborted', frozen.proc) > 0);
    const after = world.count('start', frozen.proc);
    for (let index = 0; index < 40; index++) await world.put(queue, world.load(20));
    world.claim(
      'the frozen worker takes messages again',
      await world.until(() => world.count('start', frozen.proc) > after),
    );
    // F02b: another process blocks its event loop for more than two leases.
    const stalled = world.worker({ leaseMs: 1_000, concurrency: 3 });
    await world.until(() => world.count('up', stalled.proc) > 0);
    const stall = world.load(2_500, 'stall');
    await world.put(
      queue,
      ...Array.from({ length: 6 }, () => world.load(50)),
      stall,
      ...Array.from({ length: 6 }, () => world.load(50)),
    );
    await world.drained();
    const { dead } = await world.look();
    world.claim(
      `only the message that blocks the event loop may be buried (${dead.length} dead letters)`,
      dead.every((key) => key === stall.key),
    );
  },
};

const f09: Scenario = {
  id: 'F09',
  name: 'workers are stopped cleanly, at any moment',
  async run(world) {
    world.allowed = { noRecovery: true };
    const rounds = world.isLong ? 30 : 4;
    const queue = world.queue({ lease: 60_000 });
    for (let round = 0; round < rounds; round++) {
      const worker = world.worker({
        leaseMs: 60_000,
        concurrency: world.dice.whole(1, 20),
        deadlineMs: world.dice.pick([50, 5_000]),
      });
      const beganAt = world.now();
      await world.put(queue, ...Array.from({ length: 30 }, () => world.load(world.dice.whole(0, 300))));
      if (world.dice.chance(0.8)) await world.until(() => world.count('start', worker.proc) > 0);
      await pause(world.dice.whole(0, 100));
      const code = await worker.stop();
      world.claim(
        `a worker that receives SIGTERM exits with 0, not ${code}`,
        code === 0 || (code === 'SIGTERM' && world.count('up', worker.proc) === 0),
      );
      const { active, workers } = await world.look();
      world.claim(
        `it leaves no claim and no registration (${active.length} claims, ${workers} workers)`,
        active.length === 0 && workers === 0,
      );
      world.figures['longest stop, ms'] = Math.max(
        world.figures['longest stop, ms'] ?? 0,
        Math.round(world.now() - beganAt),
      );
    }
    world.startWorkers({ leaseMs: 60_000, concurrency: 20 });
    await world.drained();
    world.claim(
      'a stop counts no attempt',
      world.entries().every(({ f, attempt }) => f !== 'start' || attempt === 1),
    );
  },
};

const f31: Scenario = {
  id: 'F31',
  name: 'most concurrency slots are busy for long: the free slots are still used',
  async run(world) {
    world.allowed = { noRecovery: true };
    const gate = path.join(world.place, 'gate');
    const held = 25;
    const { queue } = world.startWorkers({ leaseMs: 60_000, concurrency: 40 });
    const ended = (loads: readonly Load[]): boolean => {
      const keys = new Set(world.entries().flatMap(({ f, key }) => (f === 'end' ? [key] : [])));
      return loads.every(({ key }) => keys.has(key));
    };
    await world.put(queue, ...Array.from({ length: held }, () => world.load(0, `hold:${gate}`)));
    world.claim('most slots are busy', await world.until(() => world.count('start') === held));
    // With handlers of 150 ms, the worker prefetches a few messages.
    for (let round = 0; round < 3; round++) {
      const loads = Array.from({ length: 10 }, () => world.load(150));
      await world.put(queue, ...loads);
      world.claim(
        `ten messages are done in the free slots, round ${round}`,
        await world.until(() => ended(loads), 10_000),
      );
    }
    writeFileSync(gate, '');
    await world.drained();
  },
};

/** The longest scenario: worker kills and Redis kills together. */
const all: Scenario = {
  id: 'ALL',
  name: 'workers and Redis are killed, appendfsync always',
  durability: 'always',
  withinMs: { short: 180_000, long: 1_500_000 },
  async run(world) {
    const { kills, redisKills, count } = world.isLong
      ? { kills: 100, redisKills: 10, count: 100_000 }
      : { kills: 5, redisKills: 1, count: 2_000 };
    // Redis is away for up to 1.5 s, and then loads its file: no lease may end in this time.
    const fleet = new Fleet(world, 3, { leaseMs: 5_000, concurrency: 40 });
    const producer = world.producer({ count, batch: 100, mostMs: 80, perSecond: world.isLong ? 600 : 250 });
    for (let index = 1; index <= kills; index++) {
      await fleet.killOne();
      if (index % Math.floor(kills / redisKills) !== 0) continue;
      await fleet.atWork();
      await world.redis.kill();
      await pause(world.dice.whole(100, 1_500));
      await world.redis.start();
      world.fault('redis-start');
    }
    await producer.ended;
    await world.drained(180_000);
  },
};

export const processScenarios = [f01, f02, f09, f31, all];
