/** The time of a queue: what happens when the clock of the server was set back, and which clock `at` and `ttl` are compared with. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { start } from 'hotqueue';
import type { Broker } from '../../src/redis/broker.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { until } from '../support/facts.js';
import { aWorker, take } from '../support/takes.js';

const at = { withinMs: 5_000 };
const hour = 3_600_000;

/** The state of a queue that has seen a time one hour later than the clock of the server shows now. */
async function setBack({ keys }: Broker): Promise<number> {
  const [seconds] = await redis().time();
  const latest = Number(seconds) * 1_000 + hour;
  await redis().hset(keys.meta, 'time', latest);
  return latest;
}

/** As {@link setBack}, and the leases and due times that Redis has were computed before. */
async function setBackWith(broker: Broker): Promise<void> {
  const { keys } = broker;
  for (const key of [keys.workers, keys.delayed]) {
    const found = await redis().zrange(key, 0, '-1', 'WITHSCORES');
    for (let index = 0; index < found.length; index += 2)
      await redis().zadd(key, Number(found[index + 1]) + hour, found[index]!);
  }
  if (await redis().hexists(keys.meta, 'seen')) await redis().hincrby(keys.meta, 'seen', hour);
  await setBack(broker);
}

describe('after the clock of the server was set back by an hour', () => {
  it('the lease of a dead worker ends as before', async () => {
    const broker = aBroker(undefined, 300);
    await broker.put({ producer: 'p', number: 1, messages: ['#a 0 0\n1'] }, at);
    const worker = await aWorker(broker);
    await take(broker, worker, 1);
    await setBackWith(broker);
    const other = await aWorker(broker);
    await until(async () => {
      await broker.beat(other, 1, [], at);
      return !('endsInMs' in (await broker.recover(worker, 'hotqueue', at)));
    });
    expect(await broker.reader.peek(1, at)).toEqual(['#a 0 1\n1']);
  });

  it('a delayed message is due as before, and its time is shown by the clock of the server', async () => {
    const broker = aBroker();
    const delayed = [{ id: 'a', due: { afterMs: 60_000 }, lane: 'b', message: 'a' } as const];
    await broker.put({ producer: 'p', number: 1, delayed }, at);
    await setBackWith(broker);
    const { nextDueMs } = await broker.promote(at);
    expect(nextDueMs).toBeLessThan(62_000);
    expect(nextDueMs).toBeGreaterThan(30_000);
    const [{ dueAt } = { dueAt: 0 }] = await broker.reader.delayed.page({ offset: 0, limit: 1 }, at);
    expect(dueAt - Date.now()).toBeLessThan(62_000);
    expect(dueAt - Date.now()).toBeGreaterThan(30_000);
  });

  it('a delay, an instant and a pause count from now', async () => {
    const broker = aBroker();
    const latest = await setBack(broker);
    const delayed = [
      { id: 'delay', due: { afterMs: 60_000 }, lane: 'b', message: 'a' },
      { id: 'instant', due: { at: Date.now() + 120_000 }, lane: 'b', message: 'b' },
      { id: 'moved', due: { afterMs: 1 }, lane: 'b', message: 'c' },
    ] as const;
    await broker.put({ producer: 'p', number: 1, delayed }, at);
    await broker.move('moved', { at: Date.now() + 180_000 }, 'request', at);
    for (const [id, ms] of [
      ['delay', 60_000],
      ['instant', 120_000],
      ['moved', 180_000],
    ] as const)
      expect(Math.abs(Number(await redis().zscore(broker.keys.delayed, id)) - latest - ms)).toBeLessThan(20_000);
    await broker.pause(60_000, at);
    expect(await broker.reader.isPaused(at)).toBe(true);
    const worker = await aWorker(broker);
    expect(await broker.take(worker, 1, 1, at)).toMatchObject({ status: 'paused' });
  });

  it('the time goes on, and is the clock again once the clock has caught up', async () => {
    const broker = aBroker();
    const worker = await aWorker(broker);
    const latest = await setBack(broker);
    await broker.beat(worker, 1, [], at);
    const [first, ahead] = await redis().hmget(broker.keys.meta, 'time', 'ahead');
    expect(Number(first)).toBeGreaterThanOrEqual(latest);
    await until(async () => (await broker.reader.now(at)) > Number(first));
    await broker.beat(worker, 1, [], at);
    expect(Math.abs(Number(await redis().hget(broker.keys.meta, 'ahead')) - Number(ahead))).toBeLessThan(5_000);
    // The clock was set forward again: it shows a later time than the queue has seen.
    await redis().hset(broker.keys.meta, 'time', Date.now() - 10_000);
    await broker.beat(worker, 1, [], at);
    expect(await redis().hget(broker.keys.meta, 'ahead')).toBe('0');
  });
});

describe('the clock of a producer or a worker that is an hour off', () => {
  it.each([-hour, hour])('(%i ms) changes neither `at` nor `ttl`', async (off) => {
    const queue = aQueue();
    const now = await aBroker(queue.name).reader.now(at);
    vi.spyOn(Date, 'now').mockImplementation(() => now + off);
    try {
      await queue.with({ at: now + 60_000 }).put('delayed');
      await queue.with({ ttl: '1m' }).put('lives');
      expect(await queue.counts()).toMatchObject({ delayed: 1, waiting: 1 });
      expect(await queue.get()).toBe('lives');
      await queue.with({ at: now - 60_000 }).put('past');
      expect(await queue.get()).toBe('past');
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe('ttl', () => {
  it.each(['normal', 'high'] as const)('counts from when Redis has the message (%s)', async (priority) => {
    const queue = aQueue();
    const broker = aBroker(queue.name);
    await queue.with({ ttl: 60_000, priority }).put(1, 2);
    await queue.with({ ttl: 60_000, priority, id: 'own' }).put(3);
    await queue.with({ ttl: 60_000, priority, delay: 60_000 }).put(4);
    const waiting = await broker.reader.peek(5, at);
    const [delayed] = await broker.reader.delayed.page({ offset: 0, limit: 1 }, at);
    const now = await broker.reader.now(at);
    for (const text of waiting) expect(Math.abs(Number(/ x=(\d+)/.exec(text)![1]) - now - 60_000)).toBeLessThan(20_000);
    expect(waiting).toHaveLength(3);
    expect(Number(/ x=(\d+)/.exec(delayed!.message)![1])).toBe(delayed!.dueAt + 60_000);
  });

  it('buries a message that is taken later', async () => {
    const queue = aQueue();
    await queue.with({ ttl: 1 }).put('late');
    const broker = aBroker(queue.name);
    const put = await broker.reader.now(at);
    await until(async () => (await broker.reader.now(at)) > put + 2);
    expect(await queue.get()).toBeUndefined();
    expect((await queue.dead.list())[0]).toMatchObject({ reason: 'expired' });
  });
});

describe('a worker that has left', () => {
  it('is not registered by a late join, so a late take claims nothing', async () => {
    const broker = aBroker();
    const script = vi.spyOn(broker.connection, 'script');
    const worker = await aWorker(broker);
    const late = script.mock.calls.find(([name]) => name === 'join')!;
    await broker.put({ producer: 'p', number: 1, messages: ['a'] }, at);
    await broker.leave(worker, at);
    expect(await broker.connection.script(...late)).toEqual([-2]);
    expect(await broker.take(worker, 1, 1, at)).toBe('lost');
    expect(await broker.reader.count(at)).toMatchObject({ waiting: 1, active: 0, workers: 0 });
  });

  it('also if the join arrives for the first time, and if the worker was recovered instead', async () => {
    const broker = aBroker(undefined, 200);
    await broker.leave('early', at);
    await broker.join('early', 'process', at);
    expect(await broker.take('early', 1, 1, at)).toBe('lost');
    const script = vi.spyOn(broker.connection, 'script');
    const worker = await aWorker(broker);
    const late = script.mock.calls.find(([name]) => name === 'join')!;
    await until(async () => (await broker.reader.firstLeases(1, at))[0]!.endsInMs <= 0);
    await redis().hset(broker.keys.meta, 'seen', await broker.reader.now(at));
    await broker.recover(worker, 'hotqueue', at);
    expect(await broker.connection.script(...late)).toEqual([0]);
  });

  it('is forgotten when no late join can arrive any more', async () => {
    const broker = aBroker(undefined, 100);
    await broker.leave(await aWorker(broker), at);
    expect(await redis().exists(broker.keys.left)).toBe(1);
    await until(async () => (await redis().exists(broker.keys.left)) === 0);
  });
});

it('a retry that is due in under a second runs then, not with the next look a second later', async () => {
  const queue = aQueue();
  const attempts: number[] = [];
  const runner = start(
    queue.worker(
      async () => {
        attempts.push(performance.now());
        await pause(30); // the other slots wait meanwhile, and no take follows the retry
        if (attempts.length < 6) throw new Error('again');
      },
      { attempts: 6, backoff: () => 50, concurrency: 4 },
    ),
  );
  await queue.put('item');
  await until(() => attempts.length === 6);
  await runner.stop();
  const waits = attempts.slice(1).map((time, index) => time - attempts[index]!);
  // A look comes once a second. Five of five waits are shorter only if the retries set the timer.
  expect(Math.max(...waits.sort((a, b) => a - b).slice(0, 3))).toBeLessThan(500);
});
