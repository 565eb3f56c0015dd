import { describe, expect, it } from 'vitest';
import { start, type HotQueue, type Priority } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { aWorker, endLease, take } from '../support/takes.js';

async function drained(queue: HotQueue, count: number): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const item of queue.consume({ limit: count })) seen.push(item);
  return seen;
}

describe('priorities', () => {
  it('are taken in the order high, normal, low, and in the order of the puts within each', async () => {
    const queue = aQueue();
    await queue.put('first'); // the first message always goes to the base list, to wake a blocked worker
    await queue.with({ priority: 'low' }).put('l1', 'l2');
    await queue.with({ priority: 'normal' }).put('n1', 'n2');
    await queue.with({ priority: 'high' }).put('h1', 'h2');
    expect(await drained(queue, 7)).toEqual(['h1', 'h2', 'first', 'n1', 'n2', 'l1', 'l2']);
  });

  it('may be mixed in one turn of the event loop', async () => {
    const queue = aQueue();
    await queue.put('first');
    const priorities: Priority[] = ['low', 'high', 'normal', 'high', 'low', 'normal'];
    await Promise.all(priorities.map((priority, index) => queue.with({ priority }).put(`${priority} ${index}`)));
    expect(await drained(queue, 7)).toEqual(['high 1', 'high 3', 'first', 'normal 2', 'normal 5', 'low 0', 'low 4']);
  });

  it('of a queue apply unless with() gives another one', async () => {
    const queue = aQueue({ priority: 'low' });
    await queue.with({ priority: 'normal' }).put('first', 'normal');
    await queue.with({ attempts: 2 }).put('low');
    await queue.with({ priority: 'high' }).put('high');
    expect(await drained(queue, 4)).toEqual(['high', 'first', 'normal', 'low']);
  });

  it('are kept by a retried, a delayed and a released message', async () => {
    const queue = aQueue();
    await queue.put('first', 'normal');
    await queue.with({ priority: 'high' }).put('high');
    for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.retry({ delay: 0 });
    for await (const delivery of queue.deliveries({ limit: 1 })) {
      expect(delivery.payload).toBe('high');
      await delivery.release();
    }
    for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.retry({ delay: 1 });
    const broker = aBroker(queue.name);
    await until(async () => (await broker.promote()).promoted === 1);
    expect(await redis().llen(broker.keys.high)).toBe(1);
    expect(await drained(queue, 3)).toEqual(['high', 'first', 'normal']);
  });

  it('all come after a quarantined message', async () => {
    const queue = aQueue();
    await queue.put('first');
    await queue.with({ priority: 'low' }).put('low');
    await queue.with({ priority: 'high' }).put('high');
    await redis().rpush(`{${queue.key}}:quarantine`, '#quarantined 0 2\n"quarantined"');
    expect(await drained(queue, 4)).toEqual(['quarantined', 'high', 'first', 'low']);
  });

  it('never starve low messages', async () => {
    const queue = aQueue();
    await queue.put('first');
    await queue.with({ priority: 'low' }).put('low');
    await queue.with({ priority: 'high' }).putAll(Array.from({ length: 40 }, () => 'high'));
    const seen: unknown[] = [];
    // Without prefetch, each take brings one message. Every sixteenth take starts with the low list.
    for await (const [item] of queue.consume({ batch: 1 })) {
      seen.push(item);
      if (item === 'low') break;
    }
    expect(seen.length).toBeLessThanOrEqual(16);
  });

  it.each(['high', 'low'] as const)(
    '%s: five messages wake five idle workers at once, not after a block time',
    async (priority) => {
      const queue = aQueue();
      const hold = latch();
      let running = 0;
      const runners = Array.from({ length: 5 }, () =>
        start(
          queue.worker(async () => {
            running += 1;
            await hold;
          }),
        ),
      );
      await until(
        () => queue.counts(),
        ({ workers }) => workers === 5,
      );
      await queue.with({ priority }).put(1, 2, 3, 4, 5);
      await until(
        () => running,
        (count) => count === 5,
        3_000,
      ); // a block is 5 s
      hold.open();
      await Promise.all(runners.map((runner) => runner.stop()));
    },
  );

  it('wake an idle worker for a promoted message', async () => {
    const queue = aQueue();
    const seen = latch<unknown>();
    const runner = start(queue.worker((item) => seen.open(item)));
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.with({ priority: 'high', delay: 50 }).put('high');
    expect(await seen).toBe('high');
    await runner.stop();
  });

  it('also work with bare JSON', async () => {
    const queue = aQueue({ wire: 'plain' });
    await queue.put('first');
    await queue.with({ priority: 'high' }).put({ n: 1 });
    expect(await redis().lrange(`{${queue.key}}:high`, 0, -1)).toEqual(['{"n":1}']);
    expect(await drained(queue, 2)).toEqual([{ n: 1 }, 'first']);
  });

  it.each(['high', 'low'] as const)(
    '%s: a retry, a crash or a revival puts no header into the list that Python reads',
    async (priority) => {
      const queue = aQueue({ wire: 'plain' });
      const broker = aBroker(queue.name);
      const { base, high, low, requeued } = broker.keys;
      const onlyAgain = async (): Promise<void> => {
        expect(await redis().exists(base, high, low)).toBe(0);
        expect(await redis().llen(requeued)).toBe(1);
        await queue.clear();
      };
      await redis().rpush(priority === 'high' ? high : low, '"failed"');
      for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.retry({ delay: 0 });
      await onlyAgain();

      await redis().rpush(priority === 'high' ? high : low, '"crashed"');
      await take(broker, await aWorker(broker, 'w'), 1);
      await endLease(broker, 'w');
      await broker.recover('w', 'plain', { withinMs: 5_000 });
      await onlyAgain();

      await redis().rpush(priority === 'high' ? high : low, '"buried"');
      for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('wrong');
      await queue.dead.reviveAll();
      await onlyAgain();
    },
  );
});
