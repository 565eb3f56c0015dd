/** Many messages with one id, ids that a caller chose, and headers at the ends of their numbers. */
import { describe, expect, it } from 'vitest';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { queueNames } from '../../src/inspect/queues.js';
import { redisUrl } from '../support/server.js';
import { headerLine, open } from '../../src/wire/envelope.js';
import { aWorker, endLease, places, retryOf, take } from '../support/takes.js';

const at = { withinMs: 30_000 };

/** How many commands a call makes Redis run. */
async function commandsOf(act: () => Promise<unknown>): Promise<number> {
  await redis().config('RESETSTAT');
  await act();
  const stats = await redis().info('commandstats');
  return [...stats.matchAll(/cmdstat_(?:hsetnx|hincrby):calls=(\d+)/g)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}

describe('messages with one id', () => {
  const count = 2_000;

  it('are stored as delayed in a number of commands that grows with their number, not with its square', async () => {
    const broker = aBroker();
    const delayed = Array.from({ length: count }, (_, index) => ({
      id: 'same',
      due: { afterMs: 3_600_000 },
      lane: 'b' as const,
      message: String(index),
    }));
    expect(await commandsOf(() => broker.put({ producer: 'p', number: 1, delayed }, at))).toBeLessThan(4 * count);
    expect(await broker.reader.delayed.count(at)).toBe(count);
  });

  it.each(['retry', 'bury', 'recover'])('the same for %s', async (verb) => {
    const few = 300;
    const broker = aBroker();
    await redis().rpush(broker.keys.base, ...Array.from({ length: few }, (_, index) => `#same 0 2\n${index}`));
    const worker = await aWorker(broker);
    const taken = await take(broker, worker, 1, few);
    const commands = await commandsOf(async () => {
      if (verb === 'recover') {
        await endLease(broker, worker);
        return broker.recover(worker, 'hotqueue', at);
      }
      for (const place of places(taken)) {
        if (verb === 'retry') await broker.retry(worker, place, retryOf(place, 60_000, { id: 'same' }), at);
        else await broker.bury(worker, place, 'same', '{}', at);
      }
    });
    expect(commands).toBeLessThan(4 * few);
    const { delayed, dead } = await broker.reader.count(at);
    expect(verb === 'retry' ? delayed : dead).toBe(few);
  });
});

describe('an id that a caller chose', () => {
  it('is a duplicate while its message is delayed, also longer than uniqueFor', async () => {
    const queue = aQueue();
    const put = (): Promise<unknown> => queue.with({ id: 'mine', uniqueFor: 1, delay: '1h' }).put('first');
    expect(await put()).toMatchObject({ isDuplicate: false });
    await redis().del(aBroker(queue.name).keys.mark('mine')); // its window has ended
    expect(await put()).toMatchObject({ isDuplicate: true });
    expect(await queue.with({ id: 'mine', priority: 'high' }).put('second')).toMatchObject({ isDuplicate: true });
    expect(await queue.counts()).toMatchObject({ delayed: 1, waiting: 0 });
    await queue.delayed.cancel('mine');
    expect(await queue.with({ id: 'mine' }).put('third')).toMatchObject({ isDuplicate: false });
  });
});

describe('counts in a header saturate at 999,999', () => {
  it.each([
    [999_998, 999_998],
    [999_999, 999_999],
    [1_000_000, 999_999],
  ])('%i', (attempts, written) => {
    const line = headerLine({ id: 'a', attempts, crashes: attempts, fields: '' });
    expect(open(`${line}1`).header).toMatchObject({ attempts: written, crashes: written });
  });

  it('for a message of another program that begins there: each attempt keeps its id and its text', async () => {
    const queue = aQueue();
    await redis().rpush(queue.key, '#foreign 999999 0 a=1000005\n"text"');
    const seen: unknown[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      for await (const job of queue.deliveries({ limit: 1, idleTimeout: 0 })) {
        seen.push([job.id, job.payload]);
        await job.retry({ delay: 0 });
      }
    }
    expect(seen).toEqual(Array.from({ length: 3 }, () => ['foreign', 'text']));
  });

  it('in recover', async () => {
    const broker = aBroker();
    await redis().rpush(broker.keys.base, '#foreign 999999 999999\n"text"');
    const worker = await aWorker(broker);
    await take(broker, worker, 1);
    await endLease(broker, worker);
    await broker.recover(worker, 'hotqueue', at);
    expect(await redis().hget(broker.keys.deadMessages, 'foreign')).toMatch(/\n#foreign 999999 999999\n"text"$/);
  });
});

describe('failures that a header announces', () => {
  it.each(['f=5000', 'f=0', 'f=99999999999999999999', 'f=3', 'f=6 f=6'])(
    '%s and that are not there take nothing of the text, also after a revival',
    async (field) => {
      const queue = aQueue();
      await redis().rpush(queue.key, `#odd 0 0 ${field}\n"text"`);
      const broker = aBroker(queue.name);
      const worker = await aWorker(broker);
      const taken = await take(broker, worker, 1);
      await broker.bury(worker, places(taken)[0]!, 'odd', '{"lane":"b","reason":"test","attempts":1}', at);
      expect(await queue.dead.revive('odd')).toBe(1);
      expect(await queue.get()).toBe('text');
    },
  );
});

it('lists the workers of a queue with any text as their report', async () => {
  const queue = aQueue();
  const broker = aBroker(queue.name);
  const worker = await aWorker(broker);
  for (const report of [
    '1 2 {bad}',
    '1 2 {}',
    '1 2 {"name":1}',
    '{',
    '',
    '1 2 {"name":"a","startedAt":1,"activeMessages":[1]}',
  ]) {
    await redis().hset(broker.keys.heartbeats, worker, report);
    expect(await queue.workers.list()).toMatchObject([{ id: worker, name: 'unknown' }]);
  }
});

it('a prefix that is the key of another queue puts and takes, and listing its queues says what is wrong', async () => {
  const queue = aQueue();
  await queue.put(1);
  const inside = aQueue({ name: 'inside', prefix: queue.key });
  await inside.put(2);
  expect(await inside.get()).toBe(2);
  expect(await queue.get()).toBe(1);
  await queue.put(3);
  await expect(queueNames({ url: redisUrl(), prefix: queue.key })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    option: 'prefix',
  });
});
