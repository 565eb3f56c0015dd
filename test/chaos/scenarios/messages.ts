import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Broker } from '../../../src/redis/broker.js';
import { Connection } from '../../../src/redis/connection.js';
import { heldIn } from '../claims.js';
import { type Load, sumOf } from '../history.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

const at = { withinMs: 10_000 };

const f19: Scenario = {
  id: 'F19',
  name: 'the queue contains hostile bytes',
  async run(world) {
    world.allowed = { noRecovery: true };
    const { base, deadMessages } = world.keys('hostile');
    const bytes: Buffer[] = [
      Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x80]),
      Buffer.from('{"key":'),
      Buffer.from('#id 0 0\n'),
      Buffer.from('#id 0 0 x=é\n{'),
      Buffer.from('#id 9999999 0\n1'),
      Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      Buffer.from('{"__proto__":{"polluted":1}}'),
      Buffer.from(`"${'x'.repeat((world.isLong ? 16 : 2) * 1_048_576)}"`),
      ...Array.from({ length: 30 }, () => Buffer.concat([Buffer.from([0xc3]), randomBytes(world.dice.whole(1, 400))])),
    ];
    for (const one of bytes) await world.direct.rpush(base, one);
    const good = world.load();
    world.startWorkers({ queue: 'hostile', concurrency: 4 });
    const producer = world.queue({ name: 'hostile' });
    await world.put(producer, good);
    const areBuried = await world.until(async () => (await world.direct.hlen(deadMessages)) >= bytes.length);
    world.claim('every hostile message is a dead letter', areBuried);
    const letters = await world.direct.hvalsBuffer(deadMessages);
    const buried = letters.map((letter) => letter.subarray(letter.indexOf(10) + 1).toString('base64')).sort();
    world.claim(
      'the dead letters have the same bytes',
      JSON.stringify(buried) === JSON.stringify(bytes.map((one) => one.toString('base64')).sort()),
    );
    world.claim('no prototype was changed', ({} as { polluted?: number }).polluted === undefined);
    world.claim(
      'the message after them is done',
      await world.until(() => world.entries().some(({ f, key }) => f === 'end' && key === good.key)),
    );
    world.figures.buried = letters.length;
    await world.direct.del(deadMessages);
    await world.drained();
  },
};

const f20: Scenario = {
  id: 'F20',
  name: 'delayed messages become due at one instant, during an outage, while workers die',
  durability: 'always',
  withinMs: { short: 120_000, long: 300_000 },
  async run(world) {
    const count = world.isLong ? 10_000 : 400;
    const queue = world.queue({ lease: 1_000 });
    const worker = world.worker({ leaseMs: 1_000, concurrency: 50 });
    await world.until(() => world.count('up', worker.proc) > 0);
    const dueAt = Date.now() + (world.isLong ? 15_000 : 4_000);
    while (Date.now() < dueAt - 2_500 && world.figures.put !== count) {
      const size = Math.min(100, count - (world.figures.put ?? 0));
      await world.put(
        queue,
        ...Array.from({ length: size }, () => world.load(0, `later:${Math.max(1, dueAt - Date.now())}`)),
      );
      world.figures.put = (world.figures.put ?? 0) + size;
    }
    // The same number again, delayed by the put: due at that instant, given as a time or as a delay.
    for (let put = 0; put < count; put += 100) {
      const loads = Array.from({ length: 100 }, () => world.load(0));
      await world.putLater(
        queue,
        world.dice.chance(0.5) ? { at: dueAt } : { afterMs: Math.max(1, dueAt - Date.now()) },
        ...loads,
      );
    }
    world.figures['put with a delay'] = count;
    await world.until(
      async () => (await world.direct.zcard(world.keys().delayed)) >= count + world.figures.put! * 0.9,
      10_000,
    );
    await worker.kill();
    await world.redis.kill();
    await pause(Math.max(0, dueAt - Date.now()) + 300);
    await world.redis.start();
    world.fault('redis-start');
    await world.soon(
      'the process that put the messages promotes those that became due while Redis was down',
      10_000,
      async () => (await world.direct.zcount(world.keys().delayed, '-inf', dueAt)) === 0,
    );
    const second = world.worker({ leaseMs: 1_000, concurrency: 50 });
    await world.until(() => world.count('end', second.proc) > 20);
    await second.kill(); // in the middle of the work
    world.worker({ leaseMs: 1_000, concurrency: 50 });
    await world.drained();
    // A message that is due in sixty days stays delayed.
    const far = world.load(0, `later:${60 * 86_400_000}`);
    await world.put(queue, far);
    await world.until(async () => (await world.direct.zcard(world.keys().delayed)) === 1);
    await pause(1_200);
    const { delayed } = await world.look();
    world.claim('a message that is due in sixty days is still delayed', delayed.length === 1 && delayed[0] === far.key);
    world.allowed = { leavesBehind: true };
  },
};

/** Keys that hold no message: a sweep repairs their loss. */
const mendable = ['workers', 'registry', 'meta', 'delayed', 'dead', 'names'] as const;
/** Keys that hold messages: deleting one loses its messages, and no others. */
const holders = ['inbox', 'base', 'high', 'low', 'requeued', 'quarantine', 'delayedMessages', 'deadMessages'] as const;

/** Does at once what the sweeper does within a minute. */
async function sweepAll(broker: Broker): Promise<void> {
  for (let cursors: readonly [string, string] = ['0', '0'], pass = 0; pass < 10; pass++) {
    const swept = await broker.sweep(cursors, at);
    cursors = swept.cursors;
    for (const lost of swept.lost) await broker.recover(lost, 'hotqueue', at);
  }
}

/** Deletes a key, and writes to the history which messages it held at that instant. */
async function destroy(world: World, key: string): Promise<void> {
  const gone = world.name('gone:');
  if (!(await world.direct.renamenx(key, gone).catch(() => 0))) return; // the key did not exist
  const kind = await world.direct.type(gone);
  const held = kind === 'hash' && key.includes(':claims:') ? heldIn(await world.direct.hgetallBuffer(gone)) : undefined;
  const texts =
    held ??
    (kind === 'list' ? await world.direct.lrange(gone, 0, -1) : kind === 'hash' ? await world.direct.hvals(gone) : []);
  await world.direct.del(gone);
  const jobs = texts.flatMap((text) => [...text.matchAll(/"key":"([^"]+)"/g)].map(([, found]) => [found!, '']));
  world.history.write('destroyed', { jobs });
  world.fault('destroyed', { text: `${key}: ${jobs.length}` });
}

const f21: Scenario = {
  id: 'F21',
  name: 'each kind of key is deleted while workers run',
  withinMs: { short: 120_000, long: 300_000 },
  async run(world) {
    // A deleted list loses its messages. The sweeper repairs everything else, and no process crashes.
    world.allowed = { losesLeases: true };
    const keys = world.keys();
    const leaseMs = 1_000;
    const broker = new Broker(Connection.share({ url: world.redis.url }), keys, leaseMs);
    const producer = world.queue({ lease: leaseMs });
    world.startWorkers({ leaseMs, concurrency: 4, workers: 2 });
    const some = (): Load[] =>
      Array.from({ length: 8 }, () =>
        world.load(world.dice.whole(10, 150), world.dice.pick([undefined, 'fail:1', 'bury'])),
      );
    const putSome = async (): Promise<void> => {
      await world.put(producer, ...some());
      for (const priority of ['high', 'low'] as const) await world.putWith(producer, { priority }, ...some());
      await world.putWith(producer, { delay: 200 }, ...some()); // not with `putLater`: after `delayed` is deleted, messages may run early
      await pause(world.dice.whole(20, 120));
    };
    for (let round = 0; round < (world.isLong ? 10 : 1); round++) {
      for (const name of mendable) {
        await putSome();
        world.fault(name === 'workers' ? 'leases-end' : 'deleted', { text: name, due: Date.now() + leaseMs });
        await world.direct.del(keys[name]);
        await pause(100);
        await sweepAll(broker);
      }
      for (const name of holders) {
        await putSome();
        await destroy(world, keys[name]);
        await sweepAll(broker);
      }
      for (const kind of ['claims:*', 'producer:*', 'request:*']) {
        await putSome();
        for (const key of await world.direct.keys(`{${keys.base}}:${kind}`)) await destroy(world, key);
        await sweepAll(broker);
      }
      // A lease and a registry entry without a worker.
      await world.direct.zadd(keys.workers, Date.now() + 500, 'no-worker');
      await world.direct.hset(keys.registry, 'no-worker', 'no-process');
      await world.drained();
      world.claim(
        'a worker that does not exist is removed from the registry',
        await world.until(async () => (await world.direct.zscore(keys.workers, 'no-worker')) === null, 10_000),
      );
    }
    world.claim('puts still work', (await world.put(producer, world.load())) === undefined);
    await world.drained();
    await broker.connection.leave();
  },
};

const f23: Scenario = {
  id: 'F23',
  name: 'fifty clients recover the same worker at the same time',
  async run(world) {
    const count = 10_000;
    const keys = world.keys();
    const connections = Array.from({ length: 50 }, (_, index) =>
      Connection.share({ url: `${world.redis.url}?own=${index}` }),
    );
    const broker = new Broker(connections[0]!, keys, 1_000);
    const loads = Array.from({ length: count }, () => world.load());
    const ids = loads.map(() => randomUUID());
    world.history.write('put', { type: 'invoke', jobs: loads.map((load) => [load.key, sumOf(load)]) });
    await broker.put(
      { producer: 'p', number: 1, messages: loads.map((load, index) => `#${ids[index]} 0 0\n${JSON.stringify(load)}`) },
      at,
    );
    world.history.write('put', { type: 'ok', jobs: loads.map((load) => [load.key, sumOf(load)]), ids });
    await broker.join('dead', 'dead-process', at);
    for (let number = 1, taken = 0; taken < count; number++) {
      const found = await broker.take('dead', number, count, at);
      if (found === 'lost' || !found.take) throw new Error('lost');
      taken += found.take.size;
    }
    await world.direct.zadd(keys.workers, 1, 'dead');
    await world.direct.hset(keys.meta, 'seen', Date.now());
    world.fault('thundering', { text: '50' });
    const found = await Promise.all(
      connections.map((connection) => new Broker(connection, keys, 1_000).recover('dead', 'hotqueue', at)),
    );
    const given = found.map((one) => ('waiting' in one ? one.waiting : 0));
    world.claim(
      `one client gives all messages back (${given.filter((ready) => ready > 0).join(', ')})`,
      given.filter((ready) => ready > 0).length === 1 && Math.max(...given) === count,
    );
    const order = (await world.direct.lrange(keys.base, 0, -1)).map((message) => /"key":"([^"]+)"/.exec(message)![1]);
    world.claim(
      'the messages are back in the order in which they were taken',
      JSON.stringify(order) === JSON.stringify(loads.map(({ key }) => key)),
    );
    await Promise.all(connections.map((connection) => connection.leave()));
    world.startWorkers({ concurrency: 50 });
    await world.drained();
  },
};

const f24: Scenario = {
  id: 'F24',
  name: 'payload sizes: empty, one byte, the limit, over the limit',
  async run(world) {
    world.allowed = { noRecovery: true, inOrder: true };
    const maxBytes = 10_000;
    const producer = world.queue({ maxBytes });
    const empty = { ...world.load(), pad: '' };
    const room = maxBytes - Buffer.byteLength(JSON.stringify(empty));
    const sized = (bytes: number) => ({ ...empty, key: empty.key, pad: 'x'.repeat(bytes) });
    await world.put(producer, sized(room));
    const before = await world.direct.llen(world.keys().base);
    const tooMuch = { ...world.load(), pad: '' };
    const code = await world.put(producer, { ...tooMuch, pad: 'x'.repeat(maxBytes) });
    world.claim(`a payload over the limit is refused (${code})`, code === 'INVALID_PAYLOAD');
    world.claim('the refused payload is not stored', (await world.direct.llen(world.keys().base)) === before);
    for (const bytes of [0, 1, 2]) await world.put(producer, { ...world.load(), pad: 'x'.repeat(bytes) });
    world.startWorkers({ concurrency: 1 });
    await world.drained();
  },
};

/** Order at concurrency 1, with one producer. */
const fifo: Scenario = {
  id: 'FIFO',
  name: 'one worker keeps the order, through stops and lost replies',
  async run(world) {
    world.allowed = { inOrder: true, noRecovery: true };
    const proxy = await world.proxy();
    proxy.rule = ({ name, reply }) =>
      reply && ['put', 'take', 'release', 'leave'].includes(name) && world.dice.chance(0.1)
        ? { kind: 'after' }
        : undefined;
    const producer = world.queue({ url: proxy.url });
    for (let round = 0; round < (world.isLong ? 40 : 8); round++) {
      for (let index = 0; index < 5; index++)
        await world.put(
          producer,
          ...Array.from({ length: world.dice.whole(1, 8) }, () => world.load(world.dice.whole(0, 4))),
        );
      const { runner } = world.startWorkers({ url: proxy.url, leaseMs: 60_000, concurrency: 1 });
      await pause(world.dice.whole(20, 150));
      await runner.stop();
    }
    world.startWorkers({ url: proxy.url, leaseMs: 60_000, concurrency: 1 });
    await world.drained();
  },
};

export const messageScenarios = [f19, f20, f21, f23, f24, fifo];
