import { setTimeout as pause } from 'node:timers/promises';
import { sumOf } from '../history.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

/** Changes the keys of a queue to the state in which a clock that is then set back by `ARGV[1]` ms has left them. */
const setBack = `
local ms = tonumber(ARGV[1])
for index = 1, 2 do
  local entries = redis.call('ZRANGE', KEYS[index], 0, -1, 'WITHSCORES')
  for at = 1, #entries, 2 do redis.call('ZADD', KEYS[index], entries[at + 1] + ms, entries[at]) end
end
local time = redis.call('TIME')
redis.call('HSET', KEYS[3], 'time', time[1] * 1000 + ms)
if redis.call('HEXISTS', KEYS[3], 'seen') == 1 then redis.call('HINCRBY', KEYS[3], 'seen', ms) end`;

const f34: Scenario = {
  id: 'F34',
  name: 'the clock of the server is set back by an hour: leases end and delayed messages run as before',
  async run(world) {
    const { workers, delayed, meta } = world.keys();
    const victim = world.worker({ leaseMs: 1_000, concurrency: 5 });
    await world.until(() => world.count('up', victim.proc) > 0);
    const queue = world.queue({ lease: 1_000 });
    await world.put(queue, ...Array.from({ length: 3 }, () => world.load(20_000)));
    await world.until(() => world.count('start', victim.proc) === 3);
    await world.putLater(queue, { afterMs: 2_000 }, world.load());
    await world.direct.eval(setBack, 3, workers, delayed, meta, 3_600_000);
    await victim.kill();
    world.startWorkers({ leaseMs: 1_000, concurrency: 10 });
    await world.soon(
      'the messages of a dead worker and a delayed message run',
      10_000,
      () => world.count('start') === 7,
    );
    await world.drained(40_000);
  },
};

/** A program that lives for less than a third of a lease: it takes one message, if there is one, and ends. */
async function shortProgram(world: World, leaseMs: number): Promise<number> {
  const queue = world.queue({ url: `${world.redis.url}?own=${world.name('s')}`, lease: leaseMs });
  let got = 0;
  for await (const { id, attempt, payload } of queue.deliveries({ limit: 1, idleTimeout: 0 })) {
    queue.lines.write('start', { key: payload.key, id, attempt, sum: sumOf(payload) });
    queue.lines.write('end', { key: payload.key, id, attempt });
    got += 1;
  }
  await queue.close();
  return got;
}

const f35: Scenario = {
  id: 'F35',
  name: 'twenty workers die at once, and only short programs use the queue',
  async run(world) {
    const leaseMs = 1_500;
    const victims = Array.from({ length: 2 }, () => world.worker({ leaseMs, concurrency: 10 }));
    await world.until(() => victims.every(({ proc }) => world.count('up', proc) > 0));
    const queue = world.queue();
    await world.put(queue, ...Array.from({ length: 20 }, () => world.load(60_000)));
    await world.until(() => world.count('start') === 20);
    await Promise.all(victims.map((victim) => victim.kill()));
    let got = 0;
    await world.soon('short programs get every message of the dead workers', 10 * leaseMs, async () => {
      got += await shortProgram(world, leaseMs);
      return got === 20;
    });
    world.figures['got by short programs'] = got;
  },
};

const f36: Scenario = {
  id: 'F36',
  name: 'the server loses its data again and again: the workers of ten queues in one process live on',
  withinMs: { short: 180_000, long: 600_000 },
  async run(world) {
    world.allowed = { forgetsMs: Infinity, losesLeases: true };
    const names = Array.from({ length: 10 }, (_, index) => `jobs${index}`);
    const queues = names.map((name) => world.startWorkers({ queue: name, leaseMs: 2_000, concurrency: 3 }).queue);
    const feeding = { on: true };
    const fed = (async () => {
      while (feeding.on) {
        const queue = world.dice.pick(queues);
        await Promise.race([
          world.put(queue, world.load(5), world.load(5, 'fail:1'), world.load(5, 'later:200')),
          pause(500),
        ]);
        await world.putLater(queue, { afterMs: 300 }, world.load());
      }
    })();
    const losses = {
      killed: async () => {
        await world.redis.kill();
        await pause(world.dice.whole(50, 600));
        await world.redis.start();
      },
      flushed: async () => {
        await world.direct.flushall();
        world.fault('redis-kill'); // for the checker: what was there before may be gone
      },
      'without its workers': async () => {
        world.fault('redis-kill');
        for (const name of names) await world.direct.del(world.keys(name).workers);
      },
    };
    for (let round = 0; round < (world.isLong ? 40 : 6); round++) {
      await pause(world.dice.whole(300, 1_000));
      const loss = (['killed', 'flushed', 'without its workers'] as const)[round % 3]!;
      await losses[loss]();
      const before = process.cpuUsage();
      const went = await Promise.all(
        queues.map(async (queue) => {
          const { key } = await putOne(world, queue);
          return world.until(() => world.entries().some((entry) => entry.f === 'start' && entry.key === key));
        }),
      );
      world.claim(`every queue works on after the server was ${loss}`, went.every(Boolean));
      const { user } = process.cpuUsage(before);
      world.figures['most CPU after a loss, ms'] = Math.max(
        world.figures['most CPU after a loss, ms'] ?? 0,
        user / 1_000,
      );
    }
    feeding.on = false;
    await fed;
    await world.drained();
  },
};

async function putOne(world: World, queue: ReturnType<World['queue']>): Promise<{ key: string }> {
  const load = world.load();
  while ((await world.put(queue, load)) !== undefined) await pause(50);
  return load;
}

const f37: Scenario = {
  id: 'F37',
  name: 'a message with an id of its caller is put again while it is delayed for longer than its window',
  async run(world) {
    const queue = world.queue();
    const load = world.load();
    for (let time = 0; time < 3; time++) {
      await world.putWith(queue, { id: 'own', uniqueFor: 1, delay: 1_500 }, load);
      await pause(20);
    }
    world.claim('it is stored once', (await world.look()).delayed.length === 1);
    world.startWorkers();
    await world.drained();
  },
};

const f38: Scenario = {
  id: 'F38',
  name: 'loops throw for one message again and again: it does not stay at the head',
  async run(world) {
    world.allowed = { leavesBehind: true };
    const queue = world.queue();
    const [bad, good] = [world.load(), world.load()];
    await world.put(queue, bad, good);
    const loop = async (): Promise<void> => {
      for await (const { id, attempt, payload } of queue.deliveries({ idleTimeout: 0 })) {
        queue.lines.write('start', { key: payload.key, id, attempt, sum: sumOf(payload) });
        if (payload.key === bad.key) {
          queue.lines.write('gives', { key: payload.key, id, attempt, kind: 'release' });
          throw new Error('bad');
        }
        queue.lines.write('end', { key: payload.key, id, attempt });
      }
    };
    for (let time = 0; time < 12; time++) await loop().catch(() => undefined);
    world.claim(
      'the message behind it was handled',
      world.entries().some(({ f, key }) => f === 'end' && key === good.key),
    );
  },
};

export const lossScenarios: readonly Scenario[] = [f34, f35, f36, f37, f38];
