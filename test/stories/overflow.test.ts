import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from 'hotqueue';
import { FaultProxy } from '../chaos/proxy.js';
import { latch, until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';
import { redisUrl, serverKind } from '../support/server.js';
import { realProgram, startRedis } from '../support/servers.js';

const waiting = async (queue: { peek(n: number): Promise<{ payload: unknown }[]> }): Promise<unknown[]> =>
  (await queue.peek(100)).map(({ payload }) => payload);

describe('a queue that is full', () => {
  it('refuses a put, and accepts it when there is room again', async () => {
    const queue = aQueue({ maxLength: 2 });
    await queue.put('a');
    await queue.put('b');
    await expect(queue.put('c')).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      queue: queue.name,
      maxLength: 2,
      count: 1,
      message: expect.stringContaining('no room') as string,
    });
    expect(await queue.get()).toBe('a');
    await queue.put('d');
    expect(await waiting(queue)).toEqual(['b', 'd']);
  });

  it('stores all messages of a call, or none', async () => {
    const queue = aQueue({ maxLength: 6 });
    await queue.put('a', 'b', 'c');
    await expect(queue.put(1, 2, 3, 4, 5)).rejects.toMatchObject({ code: 'QUEUE_FULL', count: 5 });
    expect(await waiting(queue)).toEqual(['a', 'b', 'c']);
    await expect(queue.put(1, 2, 3, 4, 5, 6, 7)).rejects.toThrow('cannot put 7 messages at once');
  });

  it('stores the first calls of one turn that fit, and no later call instead of one that did not fit', async () => {
    const queue = aQueue({ maxLength: 4 });
    const results = await Promise.allSettled([
      queue.put('a'),
      queue.put('b', 'c'),
      queue.put('d', 'e'),
      queue.put('f'),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    expect(await waiting(queue)).toEqual(['a', 'b', 'c']);
  });

  it('counts delayed messages, and messages of every priority', async () => {
    const queue = aQueue({ maxLength: 3 });
    await queue.with({ delay: '1h' }).put('delayed');
    await queue.with({ priority: 'low' }).put('low');
    await queue.with({ priority: 'high' }).put('high');
    for (const more of [queue, queue.with({ delay: '1h' }), queue.with({ priority: 'high' })]) {
      await expect(more.put('more')).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    }
    expect(await queue.counts()).toMatchObject({ waiting: 2, delayed: 1 });
  });

  it('still recognizes a duplicate, and does not remember an id that it refused', async () => {
    const queue = aQueue({ maxLength: 1 });
    await queue.with({ id: 'a' }).put(1);
    expect((await queue.with({ id: 'a' }).put(1)).isDuplicate).toBe(true);
    await expect(queue.with({ id: 'b' }).put(2)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await queue.clear();
    expect((await queue.with({ id: 'b' }).put(2)).isDuplicate).toBe(false);
  });

  it('never refuses a released or retried message', async () => {
    const queue = aQueue({ maxLength: 1 });
    await queue.put('first');
    const deliveries = queue.deliveries();
    const { value: first } = await deliveries.next();
    await queue.put('second');
    await first!.retry({ delay: '1h' });
    const { value: second } = await deliveries.next();
    await queue.delayed.promote(first!.id);
    await second!.release();
    await deliveries.return();
    expect(await waiting(queue)).toEqual(['second', 'first']);
  });
});

describe("whenFull: 'wait'", () => {
  it('makes put() wait for room, in order', async () => {
    const queue = aQueue({ maxLength: 2, whenFull: 'wait' });
    await queue.put('a', 'b');
    const stored: unknown[] = [];
    const puts = ['c', 'd', 'e'].map((item) => queue.put(item).then(() => stored.push(item)));
    const pair = queue.put('f', 'g').then(() => stored.push('fg'));
    const seen: unknown[] = [];
    for (let taken = 0; taken < 5; taken++) {
      await until(
        () => queue.size(),
        (size) => size > 0,
      );
      seen.push(await queue.get());
    }
    await Promise.all([...puts, pair]);
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(stored).toEqual(['c', 'd', 'e', 'fg']);
    expect(await waiting(queue)).toEqual(['f', 'g']);
  });

  it('stores nothing until there is room, then resolves', async () => {
    const queue = aQueue({ maxLength: 1, whenFull: 'wait' });
    await queue.put('a');
    let isStored = false;
    const put = queue.put('b').then(() => (isStored = true));
    // Redis keeps the number of the put with its refusal: so the put has been sent, and is not stored.
    const [producer] = await until(
      () => redis().keys(`{${queue.key}}:producer:*`),
      (keys) => keys.length === 1,
    );
    await until(async () => Number((await redis().get(producer!))!.split(' ')[0]) >= 3);
    expect([isStored, await queue.size()]).toEqual([false, 1]);
    expect(await queue.get()).toBe('a');
    await put;
    expect(await queue.get()).toBe('b');
  });

  it('asks Redis for room less and less often, and only once for all waiting puts', async () => {
    const proxy = await FaultProxy.open(redisUrl().slice('unix://'.length), () => {});
    onTestFinished(() => proxy.close());
    const direct = aQueue({ maxLength: 1 });
    const queue = aQueue({ name: direct.name, maxLength: 1, whenFull: 'wait', url: proxy.url });
    await direct.put('a');
    const askedAt: number[] = [];
    proxy.rule = ({ name, reply }) => void (name === 'put-with' && !reply && askedAt.push(performance.now()));
    const puts = ['b', 'c', 'd'].map((item) => queue.put(item));
    await until(() => askedAt.length >= 5);
    // At least 40, 80, 160 and 320 ms lie between the five, however slow this machine is.
    expect(askedAt[4]! - askedAt[0]!).toBeGreaterThan(500);
    await direct.clear();
    await puts[0];
    expect(await direct.get()).toBe('b');
    await puts[1];
    expect(await direct.get()).toBe('c');
    await puts[2];
  });

  it('refuses at once a put that can never fit', async () => {
    await expect(aQueue({ maxLength: 2, whenFull: 'wait' }).put(1, 2, 3)).rejects.toThrow(
      'cannot put 3 messages at once',
    );
  });

  it('slows putAll() down to the speed of the workers, and never exceeds the limit', async () => {
    const queue = aQueue({ maxLength: 10, whenFull: 'wait' });
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const seen: unknown[] = [];
    let most = 0;
    const runner = start(
      queue.worker(async (item) => {
        most = Math.max(most, await queue.size());
        seen.push(item);
      }),
    );
    expect(await queue.putAll(numbers)).toHaveLength(100);
    await until(() => seen.length === 100);
    await runner.stop();
    expect(seen).toEqual(numbers);
    expect(most).toBeLessThanOrEqual(10);
  });

  it('makes close() wait for earlier puts', async () => {
    const queue = aQueue({ maxLength: 1, whenFull: 'wait' });
    const other = aQueue({ name: queue.name });
    await queue.put('a');
    const put = queue.put('b');
    const closed = latch();
    void queue.close().then(() => closed.open());
    expect(await other.get()).toBe('a');
    await put;
    await closed;
    expect(await other.get()).toBe('b');
  });
});

describe.runIf(serverKind() === 'redis')('a server that is out of memory', () => {
  it('refuses every kind of put as a whole, but moves, promotes and cancels delayed messages', async () => {
    const server = await startRedis(await realProgram(), ['--maxmemory-policy', 'noeviction']);
    onTestFinished(server.stop);
    const queue = aQueue({ url: server.url });
    const client = redis().duplicate({ path: new URL(server.url).pathname });
    onTestFinished(() => client.disconnect());
    await queue.with({ id: 'a', delay: '1h' }).put('a');
    await queue.with({ id: 'b', delay: '1h' }).put('b');
    await queue.with({ id: 'c', delay: '1h' }).put('c');
    await client.config('SET', 'maxmemory', '1');
    for (const put of [
      queue,
      queue.with({ id: 'x' }),
      queue.with({ delay: '1h' }),
      queue.with({ id: 'y', delay: '1h' }),
      queue.with({ priority: 'high' }),
    ]) {
      await expect(put.put('more')).rejects.toMatchObject({ code: 'REDIS_FULL' });
    }
    expect(await queue.delayed.cancel('a')).toBe(true);
    expect(await queue.delayed.move('b', { delay: '2h' })).toBe(true);
    expect(await queue.delayed.promote('c')).toBe(true);
    await client.config('SET', 'maxmemory', '0');
    expect(await client.exists(`{${queue.key}}:id:x`, `{${queue.key}}:id:y`)).toBe(0);
    expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 1 });
  });
});
