/** Each transition of a message has one entry in the history of its queue, written in the step that makes it. */
import { expect, it, onTestFinished } from 'vitest';
import { Redis } from 'ioredis';
import { Bury, HotQueue, RetryIn, start } from 'hotqueue';
import { until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { realProgram, startRedis } from '../support/servers.js';
import { aWorker, endLease, places, take } from '../support/takes.js';

const at = { withinMs: 5_000 };
const history = { max: 10_000 };

/** Verb, id and what else is known of the entries, without their times. */
async function lines(queue: HotQueue): Promise<string[]> {
  const entries = await queue.history.read({ limit: 1_000 });
  return entries.map(({ verb, id, attempt, error, reason }) =>
    [verb, id, attempt, error, reason].filter((part) => part !== undefined).join(' '),
  );
}

it('an acknowledged message has a put, a take and an ack', async () => {
  const queue = aQueue({ history });
  const jobs = await queue.put(1, 2, 3);
  for await (const _ of queue.consume({ limit: 3 }));
  const all = await lines(queue);
  for (const { id } of jobs)
    expect(all.filter((line) => line.includes(id))).toEqual([`put ${id}`, `take ${id} 1`, `ack ${id} 1`]);
  expect(all).toHaveLength(9);
});

it('the entries of one message are found by its id, oldest first, with times, worker and dueAt', async () => {
  const queue = aQueue({ history });
  const [, job] = await queue.put('a', 'b');
  const later = await queue.with({ delay: '1h' }).put('c');
  for await (const _ of queue.consume({ limit: 2 }));
  const found = await queue.history.read({ id: job!.id });
  expect(found.map(({ verb }) => verb)).toEqual(['put', 'take', 'ack']);
  expect(found.map(({ at: time }) => time)).toEqual([...found.map(({ at: time }) => time)].sort());
  expect(found[1]!.worker).toBe(found[2]!.worker);
  const [put] = await queue.history.read({ id: later.id });
  expect(put!.dueAt).toBeGreaterThan(put!.at + 3_500_000);
});

it.each([
  ['untracked', {}],
  ['tracked', { track: true }],
])('retries and burials of %s messages have the attempt, and the name of the error', async (_name, options) => {
  const queue = aQueue({ history, attempts: 2, backoff: 0, logger: false, ...options });
  const failing = await queue.put('fail');
  const buried = await queue.put('bury');
  const asked = await queue.put('retry');
  const runner = start(
    queue.worker((payload, job) => {
      if (payload === 'fail') throw new TypeError('no "quotes" here: {"attempt":9,"at":1,"name":"X"}');
      if (payload === 'bury') throw new Bury('no address');
      if (job.attempt === 1) throw new RetryIn(0);
    }),
  );
  await queue.drained();
  await runner.stop();
  const all = await lines(queue);
  const of = (id: string): string[] =>
    all.filter((line) => line.includes(id)).map((line) => line.replace(` ${id}`, ''));
  expect(of(failing.id)).toEqual([
    'put',
    'take 1',
    'retry 1 TypeError',
    'take 2',
    'bury 2 TypeError failed 2 of 2 attempts',
  ]);
  expect(of(buried.id)).toEqual(['put', 'take 1', 'bury 1 Bury no address']);
  expect(of(asked.id)).toEqual(['put', 'take 1', 'retry 1 RetryIn', 'take 2', 'ack 2']);
});

it('what is released, given back or left goes back with an entry', async () => {
  const queue = aQueue({ history });
  const broker = aBroker(queue.name);
  const [a, b] = await queue.put('a', 'b');
  const worker = await aWorker(broker);
  const held = await take(broker, worker, 1);
  await broker.release(worker, [places(held)[0]!], at);
  await broker.leave(worker, at);
  expect((await lines(queue)).slice(4)).toEqual([`release ${a!.id} 1`, `give-back ${b!.id} 1`]);
});

it('a message whose workers die has the crashes, and then its burial', async () => {
  const queue = aQueue({ history });
  const broker = aBroker(queue.name);
  const { id } = await queue.put('x');
  for (let crash = 1; crash <= 3; crash++) {
    const worker = await aWorker(broker);
    await take(broker, worker, 1);
    await endLease(broker, worker);
    await broker.recover(worker, 'hotqueue', at);
  }
  const all = await queue.history.read({ id });
  expect(all.filter(({ verb }) => verb !== 'take').map(({ verb, crashes, reason }) => [verb, crashes, reason])).toEqual(
    [
      ['put', undefined, undefined],
      ['recover', 1, undefined],
      ['recover', 2, undefined],
      ['bury', undefined, 'its worker died 3 times'],
    ],
  );
});

it('delayed messages that are moved, promoted or cancelled, dead letters that are revived or dropped, and a clear', async () => {
  const queue = aQueue({ history });
  const [a, b, c] = await queue.with({ delay: '1h' }).put('a', 'b', 'c');
  await queue.delayed.move(a!.id, { delay: '2h' });
  await queue.delayed.move(a!.id, { delay: 0 });
  await queue.delayed.cancel(b!.id);
  await redis().zadd(`{${queue.key}}:delayed`, '1', c!.id);
  await aBroker(queue.name).promote(at);
  for await (const delivery of queue.deliveries({ limit: 2 })) await delivery.bury('test');
  const letters = await queue.dead.list();
  await queue.dead.revive(letters[0]!.key);
  await queue.dead.drop(letters[1]!.key);
  expect(await queue.clear()).toBe(1);
  const others = (await lines(queue)).filter((line) => !/^(put|take|bury) /.test(line));
  expect(others).toEqual([
    `move ${a!.id}`,
    `promote ${a!.id}`,
    `cancel ${b!.id}`,
    `promote ${c!.id}`,
    `revive ${letters[0]!.id}`,
    `drop ${letters[1]!.id}`,
    `clear ${letters[0]!.id}`,
  ]);
});

it('a tracked job that is cancelled, a message with a priority, and a message of another program', async () => {
  const queue = aQueue({ history });
  const tracked = await queue.with({ track: true }).put('t');
  const high = await queue.with({ priority: 'high' }).put('h');
  await tracked.cancel();
  await redis().rpush(queue.key, '"bare"');
  for await (const _ of queue.consume({ limit: 2 }));
  const all = await lines(queue);
  expect(all.slice(0, 3)).toEqual([`put ${tracked.id}`, `put ${high.id}`, `cancel ${tracked.id}`]);
  const bare = all.filter((line) => !line.includes(tracked.id) && !line.includes(high.id));
  expect(bare.map((line) => line.replace(/ \S+\.b\d+\.\d+ /, ' bare '))).toEqual(['take bare 1', 'ack bare 1']);
});

it('has the payload of puts on request', async () => {
  const queue = aQueue({ history: { for: '1h', payload: true } });
  await queue.put({ path: 'a.jpg' });
  await queue.with({ delay: '1h' }).put({ path: 'b.jpg' });
  expect((await queue.history.read()).map(({ payload }) => payload)).toEqual(['{"path":"a.jpg"}', '{"path":"b.jpg"}']);
});

it('keeps about as many entries as the option says', async () => {
  const queue = aQueue({ history: { max: 100 } });
  for (let round = 0; round < 10; round++) await queue.putAll(Array.from({ length: 100 }, (_, index) => index));
  const length = await redis().xlen(`{${queue.key}}:history`);
  expect(length).toBeGreaterThanOrEqual(100);
  expect(length).toBeLessThanOrEqual(400);
});

it('deletes entries that are older than the option says', async () => {
  const queue = aQueue({ history: { for: '1s' } });
  const key = `{${queue.key}}:history`;
  for (let number = 1; number <= 300; number++) await redis().xadd(key, `${number}-0`, 'verb', 'put', 'id', 'old');
  await queue.put('new');
  await until(
    () => queue.history.read(),
    (entries) => entries.every(({ id }) => id !== 'old') || entries.length < 200,
  );
});

it('all processes agree: a queue without the option writes one if another has the option, until one ends it', async () => {
  const queue = aQueue({ history });
  await queue.put('first');
  const other = aQueue({ name: queue.name, db: 0 }); // a connection of its own, as another process has
  for await (const _ of other.consume({ limit: 1 }));
  expect(await lines(queue)).toHaveLength(3);
  const third = aQueue({ name: queue.name, history: false });
  await third.put('second');
  expect(await lines(queue)).toHaveLength(3);
  expect(await redis().hget(`{${queue.key}}:meta`, 'history')).toBe('off');
});

it('a queue without a history has no stream', async () => {
  const queue = aQueue();
  await queue.put('x');
  for await (const _ of queue.consume({ limit: 1 }));
  expect(await redis().exists(`{${queue.key}}:history`)).toBe(0);
  expect(await queue.history.read()).toEqual([]);
});

it('a key of another type in place of the stream stops no message', async () => {
  const queue = aQueue({ history, attempts: 2, backoff: 0, logger: false });
  await redis().set(`{${queue.key}}:history`, 'not a stream');
  await queue.put('ok', 'fail');
  const runner = start(
    queue.worker((payload) => {
      if (payload === 'fail') throw new Error('no');
    }),
  );
  await queue.drained();
  await runner.stop();
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 1 });
  await expect(queue.history.read()).rejects.toMatchObject({ code: 'REDIS_REFUSED' });
});

it('a full Redis refuses a put with its entry, and lets workers finish with theirs', { timeout: 60_000 }, async () => {
  const server = await startRedis(await realProgram(), ['--maxmemory-policy', 'noeviction']);
  onTestFinished(() => server.stop());
  const queue = new HotQueue<string>('full', { url: server.url, history, logger: false });
  onTestFinished(() => queue.close());
  await queue.put('a', 'b');
  const direct = new Redis(server.url);
  onTestFinished(() => direct.disconnect());
  await direct.config('SET', 'maxmemory', '1');
  await expect(queue.put('c')).rejects.toMatchObject({ code: 'REDIS_FULL' });
  for await (const _ of queue.consume({ limit: 2 }));
  await direct.config('SET', 'maxmemory', '0');
  expect((await queue.history.read()).map(({ verb }) => verb).sort()).toEqual([
    'ack',
    'ack',
    'put',
    'put',
    'take',
    'take',
  ]);
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0 });
});
