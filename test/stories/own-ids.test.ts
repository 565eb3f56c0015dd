import { describe, expect, it } from 'vitest';
import { aChild } from '../support/child.js';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';

const known = (key: string, id: string): Promise<number> => redis().exists(`{${key}}:id:${id}`);

describe("a message with a caller's own id", () => {
  it('is stored once, and a second put reports a duplicate', async () => {
    const queue = aQueue();
    const first = await queue.with({ id: 'order-42' }).put('first');
    const second = await queue.with({ id: 'order-42' }).put('second');
    expect(first).toMatchObject({ id: 'order-42', isDuplicate: false });
    expect(second).toMatchObject({ id: 'order-42', isDuplicate: true });
    expect(await queue.put('third')).not.toHaveProperty('duplicate');
    expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual(['first', 'third']);
  });

  it('is stored once if it is put many times in one turn, with any delay or priority', async () => {
    const queue = aQueue();
    const jobs = await Promise.all([
      queue.with({ id: 'a' }).put(1),
      queue.with({ id: 'a' }).put(2),
      queue.with({ id: 'b' }).put(3),
      queue.with({ id: 'b', delay: '1h' }).put(4),
      queue.with({ id: 'a', priority: 'high' }).put(5),
      queue.with({ id: 'c', delay: '1h' }).put(6),
      queue.with({ id: 'c', uniqueFor: '1h' }).put(7),
    ]);
    expect(jobs.map(({ isDuplicate }) => isDuplicate)).toEqual([false, true, false, true, true, false, true]);
    expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual([1, 3]);
    expect((await queue.delayed.list()).map(({ id, text }) => [id, text])).toEqual([['c', '6']]);
  });

  it('is a duplicate also in another process, and in a script that runs again', async () => {
    const queue = aQueue();
    const script = `
      import { HotQueue } from 'hotqueue';
      const { isDuplicate } = await new HotQueue('${queue.name}').with({ id: 'nightly' }).put('report');
      console.log(isDuplicate);
    `;
    for (const duplicate of ['false', 'true']) {
      const child = aChild(script);
      expect(await child.ended).toBe(0);
      expect(child.lines).toEqual([duplicate]);
    }
    expect(await queue.size()).toBe(1);
  });

  it('stays a duplicate after the first message is done, cancelled or cleared', async () => {
    const queue = aQueue();
    await queue.with({ id: 'handled' }).put(1);
    expect(await queue.get()).toBe(1);
    await queue.with({ id: 'cancelled', delay: '1h' }).put(2);
    expect(await queue.delayed.cancel('cancelled')).toBe(true);
    await queue.with({ id: 'cleared' }).put(3);
    await queue.clear();
    for (const id of ['handled', 'cancelled', 'cleared'])
      expect((await queue.with({ id }).put('again')).isDuplicate).toBe(true);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0 });
  });

  it('can be put again after the time of `uniqueFor`', async () => {
    const queue = aQueue();
    const briefly = queue.with({ id: 'a', uniqueFor: 20 });
    await briefly.put(1);
    await until(
      () => known(queue.key, 'a'),
      (is) => is === 0,
    );
    expect((await briefly.put(2)).isDuplicate).toBe(false);
    expect(await queue.size()).toBe(2);
  });

  it('has the same id and putAt in every attempt', async () => {
    const queue = aQueue();
    const job = await queue.with({ id: 'mail:7_x.Y-z', attempts: 4 }).put('a');
    for (const attempt of [1, 2]) {
      for await (const delivery of queue.deliveries({ limit: 1 })) {
        expect(delivery).toMatchObject({ id: 'mail:7_x.Y-z', putAt: job.putAt, attempt });
        await delivery.retry({ delay: 0 });
      }
    }
  });

  it('emits the event "put" only if it was stored', async () => {
    const queue = aQueue();
    const told: (readonly string[])[] = [];
    queue.events.on('put', ({ ids }) => told.push(ids));
    for (let time = 0; time < 3; time++) await queue.with({ id: 'a' }).put(time);
    expect(told).toEqual([['a']]);
  });

  it('must be the only message of its put', async () => {
    const one = aQueue().with({ id: 'a' });
    const refused = {
      code: 'INVALID_OPTION',
      option: 'id',
      message: expect.stringContaining('several messages cannot share one id') as string,
    };
    await expect(one.put(1, 2)).rejects.toMatchObject(refused);
    await expect(one.putAll([1])).rejects.toMatchObject(refused);
    await expect(one.putAll([])).rejects.toMatchObject(refused);
  });
});
