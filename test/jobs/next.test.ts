/** A message that puts another: both happen in one step, or neither. */
import { decode } from '@msgpack/msgpack';
import { expect, it } from 'vitest';
import { HotQueue, NotAQueueError, start } from 'hotqueue';
import { deliverAll } from '../../src/jobs/outbox.js';
import { Scheduler } from '../../src/maintenance/scheduler.js';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

it.each([false, true])('next puts a message when this one is done (tracked: %s)', async (track) => {
  const [first, second] = [aQueue({ track }), aQueue({ track: true })];
  const ids: string[] = [];
  const runner = start([
    first.worker(async (payload, job) => {
      const { id } = await job.next(second, { from: payload });
      await job.next(second, 'other', { delay: '1h' });
      ids.push(id);
    }),
    second.worker((payload) => ({ got: payload })),
  ]);
  await first.put('a');
  await first.drained();
  expect(await second.job(ids[0]!).result({ timeout: '10s' })).toEqual({ got: { from: 'a' } });
  expect(await second.counts()).toMatchObject({ delayed: 1 });
  await runner.stop();
  expect(await redis().keys(`{hotqueue:${first.name}}:outbox`)).toEqual([]);
});

it('nothing is put when the handler fails afterwards', async () => {
  const [first, second] = [aQueue({ attempts: 1 }), aQueue()];
  const runner = start(
    first.worker(async (_, job) => {
      await job.next(second, 'x');
      throw new Error('no');
    }),
  );
  await first.put('a');
  await first.drained();
  await runner.stop();
  expect(await second.size()).toBe(0);
});

it('what a process that died has left in the outbox is put once, by any number of others', async () => {
  const [first, second] = [aQueue(), aQueue()];
  let entry = '';
  const runner = start(
    first.worker(async (_, job) => {
      await job.next(second, 'x');
    }),
  );
  const connection = Connection.share({ url: redisUrl() });
  const source = new Broker(connection, new Keys(first.name));
  // As if the process had died before it put the message: the entry is back.
  const spy = connection.script.bind(connection);
  connection.script = (name, keys, args, patience) => {
    if (name === 'settle') entry = (decode(args.at(-1) as Buffer) as string[]).at(-1)!;
    return spy(name, keys, args, patience);
  };
  await first.put('a');
  await first.drained();
  await runner.stop();
  connection.script = spy;
  expect(await second.size()).toBe(1);
  await redis().hset(source.keys.outbox, 'name', entry);
  await Promise.all([deliverAll(source, { withinMs: 5_000 }), deliverAll(source, { withinMs: 5_000 })]);
  expect(await second.size()).toBe(1);
  expect(await redis().hlen(source.keys.outbox)).toBe(0);
  await connection.leave();
});

it('what was left in the outbox is put together, and not one after the other', async () => {
  const queue = aQueue();
  const source = aBroker(queue.name);
  const leave = async (...ids: string[]): Promise<void> => {
    for (const id of ids) {
      const entry = { queue: queue.name, prefix: 'hotqueue', id, message: `#${id} 0 0\n"${id}"`, lane: 'b' };
      await redis().hset(source.keys.outbox, id, JSON.stringify(entry));
    }
  };
  const { connection } = source;
  const script = connection.script.bind(connection);
  let held: (() => void)[] = [];
  connection.script = async (name, keys, args, patience) => {
    // A put goes on only when three are under way.
    if (name === 'put-with') {
      await new Promise<void>((resolve) => {
        held.push(resolve);
        if (held.length < 3) return;
        for (const goOn of held) goOn();
        held = [];
      });
    }
    return script(name, keys, args, patience);
  };
  try {
    await leave('a1', 'a2', 'a3');
    expect(await deliverAll(source, { withinMs: 5_000 })).toBe(3);
    await leave('b1', 'b2', 'b3');
    const scheduler = new Scheduler({ broker: source, events: queue.events, name: queue.name } as never);
    await scheduler.pass(); // sees them, and leaves them to the process that stored them
    expect(await queue.size()).toBe(3);
    await scheduler.pass();
    expect(await queue.size()).toBe(6);
    expect(await redis().hlen(source.keys.outbox)).toBe(0);
  } finally {
    connection.script = script;
  }
});

it('refuses what is no queue, and a queue on another Redis', async () => {
  const first = aQueue({ attempts: 1 });
  const other = new HotQueue(aName(), { url: `${redisUrl()}?`, db: 1, logger: false });
  const errors: unknown[] = [];
  const runner = start(
    first.worker(async (_, job) => {
      errors.push(await job.next({} as HotQueue, 1).catch((error: unknown) => error));
      errors.push(await job.next(other, 1).catch((error: unknown) => error));
    }),
  );
  await first.put('a');
  await first.drained();
  await runner.stop();
  await other.close();
  expect(errors).toEqual([expect.any(NotAQueueError), expect.any(NotAQueueError)]);
});
