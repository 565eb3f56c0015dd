/** Recovery of all workers whose lease has ended: in one pass, in small scripts, by every kind of consumer, and without end extensions. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { type HotQueue, start } from 'hotqueue';
import type { Broker } from '../../src/redis/broker.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { until } from '../support/facts.js';
import { aWorker, endLease, take } from '../support/takes.js';

const at = { withinMs: 5_000 };

/** Registers workers that each take one message, and then die: their leases have ended. */
async function deadWorkers(broker: Broker, count: number): Promise<string[]> {
  const messages = Array.from({ length: count }, (_, index) => `#m${index} 0 0\n${index}`);
  await broker.put({ producer: randomUUID(), number: 1, messages }, at);
  const workers: string[] = [];
  for (let index = 0; index < count; index++) {
    const worker = await aWorker(broker);
    await take(broker, worker, 1, 1);
    workers.push(worker);
  }
  for (const worker of workers) await endLease(broker, worker);
  return workers;
}

/** As a lease ends by itself: an extended lease ends at half a ms. No worker was heard since. */
async function endLeaseUnheard({ keys }: Broker, worker: string): Promise<void> {
  const ends = Number(await redis().zscore(keys.workers, worker));
  await redis().zadd(keys.workers, 1 + (ends % 1), worker);
  await redis().hset(keys.meta, 'seen', 1);
}

describe('workers that died at once', () => {
  it.each<[string, (queue: HotQueue, seen: unknown[]) => Promise<unknown>]>([
    [
      'one call of get after the other',
      async (queue, seen) => {
        for (let item = await queue.get(); item !== undefined; item = await queue.get()) seen.push(item);
      },
    ],
    [
      'one batch of a loop',
      async (queue, seen) => {
        for await (const batch of queue.consume({ batch: 20, idleTimeout: 0 })) seen.push(...batch);
      },
    ],
    [
      'a worker',
      async (queue, seen) => {
        const runner = start(queue.worker((item) => void seen.push(item)));
        await until(() => seen.length === 20);
        await runner.stop();
      },
    ],
  ])('are all recovered by %s', async (_, consume) => {
    const queue = aQueue();
    await deadWorkers(aBroker(queue.name), 20);
    const seen: unknown[] = [];
    await consume(queue, seen);
    expect(seen.map(Number).sort((one, other) => one - other)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('are recovered by a program that finds messages with each take, and ends at once', async () => {
    const queue = aQueue();
    const broker = aBroker(queue.name);
    await deadWorkers(broker, 3);
    await queue.put('waits');
    await queue.get();
    expect(await broker.reader.count(at)).toMatchObject({ waiting: 3, active: 0 });
  });
});

describe('a lease', () => {
  it.each<[string, (queue: HotQueue, broker: Broker, worker: string) => Promise<unknown>]>([
    ['join and take', (queue) => queue.get()],
    ['recover', (_queue, broker, worker) => broker.recover(worker, 'hotqueue', at)],
    [
      'the heartbeat of another worker',
      async (_queue, broker, worker) => {
        const other = await aWorker(broker);
        await endLeaseUnheard(broker, worker);
        await broker.beat(other, 1, [], at);
      },
    ],
  ])('that ended while no worker was heard is extended once, by %s', async (_, ask) => {
    const queue = aQueue();
    const broker = aBroker(queue.name);
    const [worker] = await deadWorkers(broker, 1);
    await endLeaseUnheard(broker, worker!);
    await ask(queue, broker, worker!);
    expect(await broker.reader.activeOf(worker!, at)).toBe(1);
    await endLeaseUnheard(broker, worker!);
    expect(await queue.get()).toBe(0);
  });

  it('is extended again after a heartbeat of its worker', async () => {
    const broker = aBroker();
    const [worker] = await deadWorkers(broker, 1);
    for (let outage = 0; outage < 3; outage++) {
      await endLeaseUnheard(broker, worker!);
      expect(await broker.recover(worker!, 'hotqueue', at)).toEqual({ endsInMs: 10_000 });
      await broker.beat(worker!, 2, [], at);
    }
  });
});

describe('recovery of a worker with many messages', () => {
  async function loaded(count: number, text: (index: number) => string, isQuarantined = false) {
    const broker = aBroker();
    const worker = await aWorker(broker);
    if (isQuarantined) await redis().rpush(broker.keys.quarantine, '#suspect 0 2\n0');
    for (let first = 0; first < count; first += 250) {
      const messages = Array.from({ length: Math.min(250, count - first) }, (_, index) => text(first + index));
      await redis().rpush(broker.keys.base, ...messages);
    }
    let taken = 0;
    for (let number = 1; taken < count + (isQuarantined ? 1 : 0); number++)
      taken += (await take(broker, worker, number, 250)).size;
    await endLease(broker, worker);
    const script = vi.spyOn(broker.connection, 'script');
    const calls = (): number => script.mock.calls.filter(([name]) => name === 'recover').length;
    return { broker, worker, calls };
  }

  it('takes several calls, and keeps the order', async () => {
    const { broker, worker, calls } = await loaded(2_000, (index) => `#m${index} 0 0\n${index}`);
    expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 2_000, quarantined: 0, buried: 0 });
    expect(calls()).toBe(4);
    expect(await broker.reader.peek(2_000, at)).toEqual(
      Array.from({ length: 2_000 }, (_, index) => `#m${index} 0 1\n${index}`),
    );
    expect(await redis().exists(broker.keys.claims(worker), broker.keys.registry)).toBe(0);
  });

  it('takes several calls for large messages', async () => {
    const { broker, worker, calls } = await loaded(8, (index) => `#m${index} 0 0\n${'x'.repeat(400_000)}`);
    expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 8, quarantined: 0, buried: 0 });
    expect(calls()).toBeGreaterThan(1);
  });

  it('blames only the quarantined message, in every call that it can be in', async () => {
    const { broker, worker } = await loaded(1_000, (index) => `#m${index} 0 0\n${index}`, true);
    expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 1_000, quarantined: 0, buried: 1 });
    expect(await broker.reader.peek(1, at)).toEqual(['#m0 0 0\n0']);
  });

  it('ends the lease with the first call, and goes on when another process continues', async () => {
    const { broker, worker } = await loaded(1_500, (index) => `#m${index} 0 0\n${index}`, true);
    const { connection } = broker;
    vi.spyOn(connection, 'script').mockImplementationOnce(async (...call) => {
      await connection.script(...call);
      throw new Error('the process dies');
    });
    await expect(broker.recover(worker, 'hotqueue', at)).rejects.toThrow('dies');
    expect(await broker.take(worker, 100, 1, at)).toBe('lost');
    expect(await broker.beat(worker, 100, [], at)).toBe('lost');
    const { lost } = await broker.sweep(['0', '0'], at);
    expect(lost).toEqual([worker]);
    await broker.recover(worker, 'hotqueue', at);
    const waiting = await broker.reader.peek(2_000, at);
    expect(waiting).toHaveLength(1_500);
    expect(waiting[0]).toBe('#m0 0 0\n0');
  });
});
