import { describe, expect, it } from 'vitest';
import { latch, until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('put and consume', () => {
  it('yields the put messages, in order: strings, numbers, arrays, objects, booleans and null', async () => {
    const queue = aQueue();
    const messages = ['text', 42, [1, [2]], { a: { b: 'c' } }, false, null, 'last'];
    await queue.putAll(messages);
    expect(await all(queue.consume({ limit: messages.length }))).toEqual(messages);
  });

  it('does not end at null, as HotQueue for Python does, nor at any other value', async () => {
    const queue = aQueue();
    await queue.put(null, 0, '', false, 'last');
    expect(await all(queue.consume({ limit: 5 }))).toEqual([null, 0, '', false, 'last']);
  });

  it('put() of one message resolves to a job, of several to an array; the ids are unique and sorted by time', async () => {
    const queue = aQueue();
    const job = await queue.put('a');
    expect(job).toMatchObject({ queue: queue.name, payload: 'a' });
    const [b, c] = await queue.put('b', 'c');
    expect([job.id, b!.id, c!.id]).toEqual([job.id, b!.id, c!.id].sort());
    expect(new Set([job.id, b!.id, c!.id]).size).toBe(3);
    expect(Math.abs(Date.now() - job.putAt)).toBeLessThan(60_000);
  });

  it('puts of one turn of the event loop keep their order, also if none is awaited', async () => {
    const queue = aQueue();
    const numbers = Array.from({ length: 3_000 }, (_, index) => index);
    await Promise.all(numbers.map((number) => queue.put(number)));
    expect((await queue.peek(3_000)).map(({ payload }) => payload)).toEqual(numbers);
  });

  it('putAll takes any iterable: an empty array, a set, an async generator', async () => {
    const queue = aQueue();
    async function* later(): AsyncGenerator<number> {
      for (let number = 0; number < 2_500; number++) yield number;
    }
    expect(await queue.putAll([])).toEqual([]);
    expect(await queue.putAll(new Set(['one']))).toHaveLength(1);
    expect(await queue.putAll(later())).toHaveLength(2_500);
    expect(await queue.size()).toBe(2_501);
  });

  it('put() wakes a waiting consumer', async () => {
    const queue = aQueue();
    const consumer = queue.consume();
    const first = consumer.next();
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.put('late');
    expect(await first).toEqual({ done: false, value: 'late' });
    await consumer.return();
  });

  it('put() wakes one waiting consumer for each message', async () => {
    const queue = aQueue();
    const consumers = Array.from({ length: 3 }, () => queue.consume());
    const firsts = consumers.map((consumer) => consumer.next());
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 3,
    );
    await queue.put('a', 'b', 'c');
    const values = (await Promise.all(firsts)).map(({ value }) => value);
    expect(values.sort()).toEqual(['a', 'b', 'c']);
    await Promise.all(consumers.map((consumer) => consumer.return()));
  });
});

describe('asking for the next message', () => {
  it('acknowledges the last one: no message is left after the loop has asked for all', async () => {
    const queue = aQueue();
    await queue.put('a', 'b');
    const consumer = queue.consume();
    await consumer.next();
    await consumer.next();
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 1 });
    const third = consumer.next();
    await until(
      () => queue.counts(),
      ({ active }) => active === 0,
    );
    await consumer.return();
    expect(await third).toEqual({ done: true, value: undefined });
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, workers: 0 });
  });
});

describe('leaving a loop early', () => {
  it.each(['break', 'throw', 'return'])('by %s releases only the current message, to the head', async (how) => {
    const queue = aQueue();
    await queue.put('a', 'b', 'c');
    const leave = async (): Promise<void> => {
      for await (const item of queue.consume()) {
        if (item !== 'b') continue;
        if (how === 'break') break;
        if (how === 'return') return;
        throw new Error('enough');
      }
    };
    await leave().catch(() => undefined);
    expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual(['b', 'c']);
    expect(await queue.counts()).toMatchObject({ active: 0, workers: 0 });
  });

  it("with onLeave: 'ack' acknowledges the current message, as HotQueue for Python does", async () => {
    const queue = aQueue();
    await queue.put('a', 'b');
    for await (const _ of queue.consume({ onLeave: 'ack' })) break;
    expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual(['b']);
  });

  it('by `await using` releases it too', async () => {
    const queue = aQueue();
    await queue.put('a');
    {
      await using consumer = queue.consume();
      await consumer.next();
    }
    expect(await queue.size()).toBe(1);
  });

  it('counts no attempt', async () => {
    const queue = aQueue();
    await queue.put('a');
    for (let time = 0; time < 5; time++) for await (const _ of queue.consume()) break;
    for await (const delivery of queue.deliveries({ limit: 1 })) expect(delivery.attempt).toBe(1);
  });
});

describe('a consumer ends', () => {
  it('after `limit` messages, all of them acknowledged', async () => {
    const queue = aQueue();
    await queue.put('a', 'b', 'c');
    expect(await all(queue.consume({ limit: 2 }))).toEqual(['a', 'b']);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
  });

  it('when no message came for `timeout`', async () => {
    const queue = aQueue();
    await queue.put('a');
    expect(await all(queue.consume({ idleTimeout: 50 }))).toEqual(['a']);
  });

  it('when its signal aborts, also while it waits, and releases no message', async () => {
    const queue = aQueue();
    await queue.put('a');
    const stop = new AbortController();
    const seen: unknown[] = [];
    for await (const item of queue.consume({ signal: stop.signal })) {
      seen.push(item);
      stop.abort();
    }
    const waiting = all(queue.consume({ signal: AbortSignal.timeout(50) }));
    expect(await waiting).toEqual([]);
    expect(seen).toEqual(['a']);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, workers: 0 });
  });

  it('when its queue is closed', async () => {
    const queue = aQueue();
    const ended = all(queue.consume());
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.close();
    expect(await ended).toEqual([]);
  });
});

describe('a loop with a fast body', () => {
  const numbers = Array.from({ length: 3_000 }, (_, index) => index);

  it('prefetches in order, and never more than `limit`', async () => {
    const queue = aQueue();
    await queue.putAll(numbers);
    const seen: unknown[] = [];
    let most = 0;
    for await (const item of queue.consume({ limit: 1_000 })) {
      seen.push(item);
      if (seen.length % 100 !== 0) continue;
      const { active, waiting } = await queue.counts();
      most = Math.max(most, active);
      expect(waiting).toBeGreaterThanOrEqual(2_000);
    }
    expect(most).toBeGreaterThan(1);
    expect(seen).toEqual(numbers.slice(0, 1_000));
    expect(await queue.counts()).toMatchObject({ waiting: 2_000, active: 0, workers: 0 });
    expect(await queue.peek()).toMatchObject([{ payload: 1_000 }]);
  });

  it('releases the current message and all prefetched ones when it is left, in order', async () => {
    const queue = aQueue();
    await queue.putAll(numbers);
    let active = 0;
    for await (const item of queue.consume()) {
      if (item !== 700) continue;
      ({ active } = await queue.counts());
      break;
    }
    expect(active).toBeGreaterThan(1);
    expect((await queue.peek(3_000)).map(({ payload }) => payload)).toEqual(numbers.slice(700));
    expect(await queue.counts()).toMatchObject({ waiting: 2_300, active: 0, workers: 0 });
  });

  it('that becomes slow releases its prefetched messages, and continues at the same position', async () => {
    const queue = aQueue();
    await queue.putAll(numbers);
    const seen: unknown[] = [];
    const taken: unknown[] = [];
    for await (const item of queue.consume({ limit: 1_500 })) {
      seen.push(item);
      if (item !== 1_000) continue;
      await until(
        () => queue.counts(),
        ({ active }) => active === 1,
      );
      expect(await queue.peek()).toMatchObject([{ payload: 1_001 }]);
      taken.push(await queue.get());
    }
    expect(taken).toEqual([1_001]);
    expect(seen).toEqual([...numbers.slice(0, 1_001), ...numbers.slice(1_002, 1_501)]);
  });

  it('puts a message that its body released before the prefetched ones', async () => {
    const queue = aQueue();
    await queue.putAll(numbers.slice(0, 1_000));
    let hasReleased = false;
    const seen: unknown[] = [];
    for await (const delivery of queue.deliveries({ limit: 1_001 })) {
      seen.push(delivery.payload);
      if (delivery.payload !== 500 || hasReleased) continue;
      expect((await queue.counts()).active).toBeGreaterThan(1);
      hasReleased = true;
      await delivery.release();
    }
    expect(seen).toEqual([...numbers.slice(0, 501), ...numbers.slice(500, 1_000)]);
  });

  it('releases its prefetched messages when its signal aborts', async () => {
    const queue = aQueue();
    await queue.putAll(numbers);
    const stop = new AbortController();
    let seen = 0;
    for await (const _ of queue.consume({ signal: stop.signal })) if (++seen === 700) stop.abort();
    expect(seen).toBe(700);
    expect(await queue.counts()).toMatchObject({ waiting: 2_300, active: 0, workers: 0 });
    expect(await queue.peek()).toMatchObject([{ payload: 700 }]);
  });
});

describe('deliveries', () => {
  it('that the body settled are not settled again by the loop', async () => {
    const queue = aQueue();
    await queue.put('ack', 'bury', 'release', 'retry');
    for await (const delivery of queue.deliveries({ limit: 4 })) {
      if (delivery.payload === 'ack') await delivery.ack();
      if (delivery.payload === 'bury') await delivery.bury('no longer wanted');
      if (delivery.payload === 'release') await delivery.release();
      if (delivery.payload === 'retry') await delivery.retry({ delay: '1h' });
      if (delivery.payload === 'release') break;
    }
    expect(await queue.counts()).toMatchObject({ waiting: 2, dead: 1, active: 0 });
    expect((await queue.peek(3)).map(({ payload }) => payload)).toEqual(['release', 'retry']);
    expect(await queue.dead.list()).toMatchObject([{ reason: 'no longer wanted', text: '"bury"' }]);
  });

  it('return with the next attempt number after a retry', async () => {
    const queue = aQueue();
    const { id } = await queue.put('again');
    const attempts: number[] = [];
    for await (const delivery of queue.deliveries({ limit: 3 })) {
      expect(delivery.id).toBe(id);
      attempts.push(delivery.attempt);
      if (delivery.attempt < 3) await delivery.retry({ delay: delivery.attempt === 1 ? 0 : 30 });
    }
    expect(attempts).toEqual([1, 2, 3]);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0, workers: 0 });
  });

  it('that fail() reported are retried by the retry policy, then buried with their error', async () => {
    const queue = aQueue();
    await queue.with({ attempts: 2, backoff: 1 }).put('bad');
    const attempts: number[] = [];
    for await (const delivery of queue.deliveries({ idleTimeout: 200 })) {
      attempts.push(delivery.attempt);
      delivery.fail(new TypeError('no such customer'));
      if (delivery.attempt === 1) break; // also a loop that is left early counts the failure
    }
    for await (const delivery of queue.deliveries({ limit: 1 })) {
      attempts.push(delivery.attempt);
      delivery.fail(new TypeError('still none'));
    }
    expect(attempts).toEqual([1, 2]);
    expect(await queue.dead.list()).toMatchObject([
      {
        attempts: 2,
        reason: 'failed 2 of 2 attempts',
        error: { message: 'still none' },
        failures: [{ message: 'no such customer' }, { message: 'still none' }],
      },
    ]);
  });

  it('cannot be settled again in another way', async () => {
    const queue = aQueue();
    await queue.put('a');
    for await (const delivery of queue.deliveries({ limit: 1 })) {
      await delivery.ack();
      await delivery.ack();
      await expect(delivery.retry()).rejects.toMatchObject({ code: 'ALREADY_SETTLED' });
    }
  });
});

describe('get', () => {
  it('returns one payload, acknowledged; undefined if there is none', async () => {
    const queue = aQueue();
    await queue.put(null, 'b');
    expect(await queue.get()).toBeNull();
    expect(await queue.get()).toBe('b');
    expect(await queue.get()).toBeUndefined();
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0 });
  });

  it('uses one worker for calls in quick succession, and removes it soon after', async () => {
    const queue = aQueue();
    await queue.putAll(Array.from({ length: 200 }, (_, index) => index));
    const workers = new Set<string>();
    for (let index = 0; index < 200; index++) {
      expect(await queue.get()).toBe(index);
      for (const worker of await redis().zrange(`{${queue.key}}:workers`, 0, '-1')) workers.add(worker);
    }
    expect(workers.size).toBe(1);
    await until(
      () => queue.counts(),
      ({ workers: left }) => left === 0,
    );
    await queue.put('later');
    expect(await queue.get()).toBe('later');
    await queue.close();
    expect(await redis().zcard(`{${queue.key}}:workers`)).toBe(0);
  });

  it('returns a different message to each concurrent call', async () => {
    const queue = aQueue();
    await queue.put('a', 'b', 'c');
    const waiting = queue.get({ block: true });
    const all = await Promise.all([waiting, queue.get(), queue.get(), queue.get()]);
    expect(all.filter((item) => item !== undefined).sort()).toEqual(['a', 'b', 'c']);
    const late = [queue.get({ block: true }), queue.get({ block: true })];
    await until(
      () => queue.counts(),
      ({ workers }) => workers >= 2,
    );
    await queue.put('d', 'e');
    expect((await Promise.all(late)).sort()).toEqual(['d', 'e']);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0 });
  });

  it('buries invalid messages and returns the next valid one', async () => {
    const queue = aQueue();
    await redis().rpush(queue.key, 'no json');
    await queue.put('fine');
    expect(await queue.get()).toBe('fine');
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 1 });
  });

  it('ends when its queue is closed', async () => {
    const queue = aQueue();
    const got = queue.get({ block: true });
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.close();
    expect(await got).toBeUndefined();
    await expect(queue.get()).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
  });

  it('waits with `block`, at most for `timeout`', async () => {
    const queue = aQueue();
    expect(await queue.get({ block: true, timeout: 30 })).toBeUndefined();
    const got = queue.get({ block: true });
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.put('late');
    expect(await got).toBe('late');
  });

  it('stops waiting when its signal aborts', async () => {
    expect(await aQueue().get({ block: true, signal: AbortSignal.timeout(30) })).toBeUndefined();
  });
});

describe('viewing a queue', () => {
  it('size() is LLEN of the key that HotQueue for Python uses, and peek() takes nothing', async () => {
    const queue = aQueue();
    await queue.put('a', 'b', 'c');
    expect(queue.key).toBe(`hotqueue:${queue.name}`);
    expect(await redis().llen(queue.key)).toBe(3);
    expect(await queue.size()).toBe(3);
    expect(await queue.peek()).toMatchObject([{ payload: 'a', queue: queue.name }]);
    expect(await queue.size()).toBe(3);
  });

  it('clear() drops the waiting messages and returns their number', async () => {
    const queue = aQueue();
    await queue.put('a', 'b');
    expect(await queue.clear()).toBe(2);
    expect(await queue.size()).toBe(0);
  });

  it('put() adds the queue to the set of its prefix, for tools', async () => {
    const queue = aQueue();
    await queue.put('a');
    expect(await redis().sismember('hotqueue', queue.name)).toBe(1);
  });
});

describe('two queue objects with one name', () => {
  it('use one queue, and each message goes to one of them', async () => {
    const name = aName();
    const here = aQueue({ name });
    const there = aQueue({ name });
    const seen: unknown[] = [];
    const twenty = latch();
    const collect = async (queue: typeof here): Promise<void> => {
      for await (const item of queue.consume()) if (seen.push(item) === 20) twenty.open();
    };
    const both = Promise.all([collect(here), collect(there)]);
    await here.putAll(Array.from({ length: 20 }, (_, index) => index));
    await twenty;
    await Promise.all([here.close(), there.close()]);
    await both;
    expect([...seen].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });
});
