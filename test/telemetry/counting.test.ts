import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Bury, InvalidOptionError, start, type HotQueue } from 'hotqueue';
import { removeQueue } from '../../src/redis/remove-queue.js';
import { until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { aWorker, endLease } from '../support/takes.js';

const at = { withinMs: 10_000 };
const now = 1_795_823_281_000;
const zero = { handled: 0, failed: 0, retried: 0, dead: 0, expired: 0, lost: 0 };
const counted = (text: string) => ({ text, at: now });

/** What the queue has counted in all. */
async function outcomesOf(queue: HotQueue): Promise<typeof zero> {
  const { handled, failed, retried, dead, expired, lost } = (await queue.metrics()).total;
  return { handled, failed, retried, dead, expired, lost };
}

describe('counts of a worker', () => {
  const total = async (keys: { metricsTotal: string }) => redis().hgetall(keys.metricsTotal);

  it('a heartbeat that arrives twice counts once', async () => {
    const broker = aBroker();
    await aWorker(broker, 'w');
    for (let time = 0; time < 2; time++) await broker.beat('w', 1, [], at, '', counted('handled 3 run 12 run2 3'));
    expect(await total(broker.keys)).toEqual({ handled: '3', run: '12', run2: '3' });
  });

  it('a heartbeat counts what is more than in the one before, also if the reply to that was lost', async () => {
    const broker = aBroker();
    await aWorker(broker, 'w');
    await broker.beat('w', 1, [], at, '', counted('handled 3 run 12'));
    await broker.beat('w', 1, [], at, '', counted('handled 5 failed 1 run 20'));
    expect(await total(broker.keys)).toEqual({ handled: '5', failed: '1', run: '20' });
  });

  it('an older heartbeat that arrives late counts nothing, and the next one counts right', async () => {
    const broker = aBroker();
    await aWorker(broker, 'w');
    await broker.beat('w', 1, [], at, '', counted('handled 5'));
    await broker.beat('w', 1, [], at, '', counted('handled 3'));
    await broker.beat('w', 1, [], at, '', counted('handled 6'));
    expect(await total(broker.keys)).toEqual({ handled: '6' });
  });

  it('leaving twice counts once, and a heartbeat that arrives after it counts nothing', async () => {
    const broker = aBroker();
    await aWorker(broker, 'w');
    await broker.beat('w', 1, [], at, '', counted('handled 3'));
    await broker.leave('w', at, '', counted('handled 4'));
    await broker.leave('w', at, '', counted('handled 4'));
    expect(await broker.beat('w', 1, [], at, '', counted('handled 9'))).toBe('lost');
    expect(await total(broker.keys)).toEqual({ handled: '4' });
  });

  it('a heartbeat of the lease thread, which has no counts, changes none', async () => {
    const broker = aBroker();
    await aWorker(broker, 'w');
    await broker.beat('w', 1, [], at, '', counted('handled 3'));
    await broker.beat('w', 1, [], at);
    await broker.beat('w', 1, [], at, '', counted('handled 4'));
    expect(await total(broker.keys)).toEqual({ handled: '4' });
  });

  it('two workers add up', async () => {
    const broker = aBroker();
    for (const worker of ['v', 'w']) {
      await aWorker(broker, worker);
      await broker.beat(worker, 1, [], at, '', counted('handled 3'));
    }
    expect(await total(broker.keys)).toEqual({ handled: '6' });
  });

  it('recovering a worker twice counts its messages once', async () => {
    const broker = aBroker();
    await aWorker(broker, 'w');
    await broker.put({ producer: 'p', number: 1, messages: ['#a 0 0\n1', '#b 0 2\n2'] }, at);
    await broker.take('w', 1, 1, at);
    await broker.take('w', 2, 1, at);
    await endLease(broker, 'w');
    for (let time = 0; time < 2; time++) await broker.recover('w', 'hotqueue', at);
    expect(await total(broker.keys)).toEqual({ lost: '2', dead: '1' });
  });

  it('messages that are too large count once as dead', async () => {
    const broker = aBroker();
    await redis().rpush(broker.keys.base, `#big 0 0\n${'x'.repeat(1_000)}`);
    for (let time = 0; time < 2; time++) await broker.buryLarge('w', at, 1_000);
    expect(await total(broker.keys)).toEqual({ dead: '1' });
  });

  it('are kept by minute for 25 hours and by hour for 32 days; removing the queue removes them', async () => {
    const broker = aBroker();
    const { keys, connection } = broker;
    await aWorker(broker, 'w');
    await broker.beat('w', 1, [], at, '', counted('handled 3'));
    const [minute, hour] = [keys.metricsOf('minute', now), keys.metricsOf('hour', now)];
    expect([minute, hour].map((key) => key.slice(-10))).toEqual(['1795823280', '1795820400']);
    const hours = async (key: string) => Math.ceil((await redis().pttl(key)) / 3_600_000 - 0.5) + 0;
    expect(await Promise.all([minute, hour, keys.metricsTotal].map(hours))).toEqual([25, 32 * 24, 0]);
    await removeQueue(connection, keys, { isForced: true, request: 'r' }, at);
    expect(await redis().exists(minute, hour, keys.metricsTotal)).toBe(0);
  });
});

describe('queue.metrics()', () => {
  it('counts each outcome, run times and wait times', async () => {
    const queue = aQueue();
    await queue.put('ok', 'ok', 'retry', 'bury');
    await queue.with({ ttl: 1 }).put('expired');
    await pause(20);
    const runner = start(
      queue.worker(
        async (payload, { attempt }) => {
          await pause(30);
          if (payload === 'bury') throw new Bury('no');
          if (payload === 'retry' && attempt === 1) throw new Error('no');
        },
        { attempts: 2, backoff: 0 },
      ),
    );
    await until(
      () => queue.counts(),
      ({ waiting, active, delayed }) => waiting + active + delayed === 0,
    );
    await runner.stop();
    expect(await outcomesOf(queue)).toEqual({ handled: 3, failed: 2, retried: 1, dead: 2, expired: 1, lost: 0 });
    const { total, points, oldestMs } = await queue.metrics({ since: '2m' });
    expect([total.run.count, total.wait.count]).toEqual([5, 5]);
    expect(total.run.meanMs).toBeGreaterThanOrEqual(29);
    expect(total.run.p50Ms).toBeGreaterThan(16);
    expect(points.reduce((sum, { handled }) => sum + handled, 0)).toBe(3);
    expect(points.length).toBeGreaterThanOrEqual(2);
    expect(oldestMs).toBeUndefined();
    const { total: ofHours, points: hours } = await queue.metrics({ since: '2d' });
    expect([ofHours.handled, hours.length >= 48, hours[0]!.lengthMs]).toEqual([3, true, 3_600_000]);
  });

  it('counts an invalid message as dead, without a run time', async () => {
    class Numbered {
      n!: number;
    }
    const { IsInt } = await import('class-validator');
    IsInt()(Numbered.prototype, 'n');
    const queue = aQueue({ payload: Numbered });
    await redis().rpush(queue.key, '{"n":"x"}');
    for await (const one of queue.consume({ idleTimeout: 300 })) expect(one).toBeUndefined();
    await redis().rpush(queue.key, '{"n":"y"}');
    const runner = start(queue.worker(() => {}));
    await until(async () => (await queue.counts()).dead === 2);
    await runner.stop();
    expect(await outcomesOf(queue as unknown as HotQueue)).toEqual({ ...zero, failed: 2, dead: 2 });
    expect((await queue.metrics()).total.run.count).toBe(0);
  });

  it('counts a loop and a get', async () => {
    const queue = aQueue();
    await queue.put('a', 'b');
    for await (const payload of queue.consume({ limit: 1 })) expect(payload).toBe('a');
    expect(await queue.get()).toBe('b');
    await until(
      () => outcomesOf(queue),
      ({ handled }) => handled === 2,
    );
  });

  it('an acknowledgement that comes after the lease was lost is no handled message', async () => {
    const queue = aQueue();
    const broker = aBroker(queue.name);
    await queue.put('a');
    for await (const one of queue.deliveries({ limit: 1 })) {
      const [{ id } = expect.fail('no worker')] = await queue.workers.list();
      await until(async () => {
        await endLease(broker, id);
        return 'waiting' in (await broker.recover(id, 'hotqueue', at));
      });
      await expect(one.ack()).rejects.toMatchObject({ code: 'LEASE_LOST' });
    }
    expect(await outcomesOf(queue)).toEqual({ ...zero, lost: 1 });
  });

  it('has the age of the oldest waiting message', async () => {
    const queue = aQueue();
    await queue.put('a');
    await pause(50);
    expect((await queue.metrics()).oldestMs).toBeGreaterThanOrEqual(40);
  });

  it.each([
    [{ since: 10 }, 'since'],
    [{ since: '33d' }, 'since'],
    [{ step: '90s' }, 'step'],
    [{ since: '2d', step: '1m' }, 'step'],
  ] as const)('refuses %o', async (options, option) => {
    const error: unknown = await aQueue()
      .metrics(options)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option });
  });
});
