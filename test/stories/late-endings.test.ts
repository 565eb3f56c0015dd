/** A handler that ends well although its lease had ended. */
import { expect, it } from 'vitest';
import { start } from 'hotqueue';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { latch, until } from '../support/facts.js';

const patience = { withinMs: 10_000 };

it.each([false, true])('work that ends well after its lease counts no crash (tracked: %s)', async (track) => {
  const queue = aQueue({ track });
  const broker = aBroker(queue.name);
  const rounds = Array.from({ length: 6 }, () => ({ began: latch(), mayEnd: latch() }));
  let round = 0;
  const runner = start(
    queue.worker(async () => {
      const { began, mayEnd } = rounds[round++]!;
      began.open();
      await mayEnd;
    }),
  );
  let lost = 0;
  queue.events.on('lost', () => (lost += 1));
  await queue.put('slow');
  for (const [index, { began, mayEnd }] of rounds.slice(0, 5).entries()) {
    await began;
    // As if its process had been frozen for longer than the lease, and another one had recovered its messages.
    const [worker] = await redis().zrange(broker.keys.workers, 0, '-1');
    // Its heartbeat may renew the lease in between.
    await until(async () => {
      await redis().zadd(broker.keys.workers, 1, worker!);
      await redis().hset(broker.keys.meta, 'seen', Date.now());
      const reply = await broker.recover(worker!, 'hotqueue', patience);
      expect('buried' in reply ? reply.buried : 0).toBe(0);
      return 'waiting' in reply;
    });
    mayEnd.open();
    await until(
      () => lost,
      (count) => count === index + 1,
    );
  }
  await rounds[5]!.began;
  rounds[5]!.mayEnd.open();
  await queue.drained();
  await runner.stop();
  expect(await queue.dead.size()).toBe(0);
  expect(round).toBe(6);
});

it('a message that kills its worker is buried after three deaths, as before', async () => {
  const queue = aQueue();
  const broker = aBroker(queue.name);
  await queue.put('poison');
  for (const expected of [{ waiting: 1 }, { quarantined: 1 }, { buried: 1 }]) {
    await broker.join('w' + JSON.stringify(expected), 'p', patience);
    await broker.take('w' + JSON.stringify(expected), 1, 10, patience);
    await redis().zadd(broker.keys.workers, 1, 'w' + JSON.stringify(expected));
    await redis().hset(broker.keys.meta, 'seen', Date.now());
    expect(await broker.recover('w' + JSON.stringify(expected), 'hotqueue', patience)).toMatchObject(expected);
  }
});

it('a dead letter of work that ended well after all is deleted', async () => {
  const queue = aQueue();
  const broker = aBroker(queue.name);
  const [began, mayEnd] = [latch(), latch()];
  await redis().rpush(broker.keys.quarantine, '#poison 0 2\n"slow"');
  const runner = start(
    queue.worker(async () => {
      began.open();
      await mayEnd;
    }),
  );
  await began;
  const [worker] = await redis().zrange(broker.keys.workers, 0, '-1');
  await redis().zadd(broker.keys.workers, 1, worker!);
  await redis().hset(broker.keys.meta, 'seen', Date.now());
  expect(await broker.recover(worker!, 'hotqueue', patience)).toMatchObject({ buried: 1 });
  expect(await queue.dead.size()).toBe(1);
  mayEnd.open();
  await until(
    () => queue.dead.size(),
    (size) => size === 0,
  );
  await runner.stop();
});

it('a crash is uncounted once, and no dead letter of another cause is deleted', async () => {
  const queue = aQueue();
  const broker = aBroker(queue.name);
  for (let call = 0; call < 3; call += 1) await broker.uncountCrash('m', 'w', '1.1', patience);
  expect(await redis().hget(broker.keys.uncounted, 'm')).toBe('1');
  expect(await redis().pttl(broker.keys.uncounted)).toBeGreaterThan(0);
  const runner = start(queue.worker(() => Promise.reject(new Error('no')), { attempts: 1 }));
  const { id } = (await queue.put('x')) as { id: string };
  await until(
    () => queue.dead.size(),
    (size) => size === 1,
  );
  await runner.stop();
  await broker.uncountCrash(id, 'w', '2.1', patience);
  expect(await queue.dead.size()).toBe(1);
});
