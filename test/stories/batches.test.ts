import { IsInt, IsString, Min } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Bury, start, worker, type Delivery, type HotQueue, type LogFields } from 'hotqueue';
import { aChild } from '../support/child.js';
import { latch, until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { recovered } from '../support/takes.js';

class Reading {
  @IsString() sensor!: string;
  @IsInt() @Min(0) value!: number;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const isDrained = (queue: HotQueue<never>) =>
  until(
    () => queue.counts(),
    ({ waiting, delayed, active }) => waiting + delayed + active === 0,
  );
const payloads = async (queue: HotQueue): Promise<unknown[]> => (await queue.peek(1_000)).map(({ payload }) => payload);

describe('a worker with `batch`', () => {
  it('gets arrays of payloads and deliveries, in order, and full while enough messages wait', async () => {
    const queue = aQueue({ payload: Reading });
    const batches: [Reading[], Delivery<Reading>[]][] = [];
    class Store {
      @worker(queue, { batch: 100 })
      async insert(readings: Reading[], jobs: Delivery<Reading>[]) {
        batches.push([readings, jobs]);
      }
    }
    const readings = upTo(250).map((value) => ({ sensor: 'roof', value }));
    await queue.putAll(readings);
    const runner = start(new Store());
    await isDrained(queue as never);
    await runner.stop();
    expect(batches.map(([given]) => given.length)).toEqual([100, 100, 50]);
    expect(batches.flatMap(([given]) => given)).toEqual(readings);
    expect(batches[0]![0][0]).toBeInstanceOf(Reading);
    for (const [given, jobs] of batches) expect(jobs.map(({ payload }) => payload)).toEqual(given);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0, workers: 0 });
  });

  it('takes the messages that wait, and does not wait for more', async () => {
    const queue = aQueue();
    const sizes: number[] = [];
    await queue.put('a', 'b');
    const runner = start(queue.worker((items) => void sizes.push(items.length), { batch: 100 }));
    await until(() => sizes.length === 1);
    await queue.put('c');
    await until(() => sizes.length === 2);
    await runner.stop();
    expect(sizes).toEqual([2, 1]);
  });

  it('counts a batch as one running handler, and claims no more than fits its batches', async () => {
    const queue = aQueue();
    const hold = latch();
    let running = 0;
    await queue.putAll(upTo(50));
    const runner = start(
      queue.worker(
        async () => {
          running += 1;
          await hold;
        },
        { batch: 10, concurrency: 2 },
      ),
    );
    await until(() => running === 2);
    expect(await queue.counts()).toMatchObject({ waiting: 30, active: 20 });
    hold.open();
    await isDrained(queue as never);
    await runner.stop();
    expect(running).toBe(5);
  });

  it('releases its prefetched messages when a batch is slow, in order', async () => {
    const queue = aQueue();
    const hold = latch();
    const slow = latch();
    let seen = 0;
    const runner = start(
      queue.worker(
        async (items) => {
          seen += items.length;
          if (!items.includes('slow')) return;
          slow.open();
          await hold;
        },
        { batch: 10 },
      ),
    );
    await queue.putAll(upTo(500));
    await until(() => seen === 500);
    await queue.putAll([...upTo(9), 'slow', ...upTo(200)]);
    await slow;
    await until(
      () => queue.counts(),
      ({ active }) => active > 10,
    );
    await until(
      () => queue.counts(),
      ({ active }) => active === 10,
    );
    expect(await payloads(queue)).toEqual(upTo(200));
    hold.open();
    await isDrained(queue as never);
    await runner.stop();
    expect(seen).toBe(710);
  });

  it('refuses sizes out of range, and linger without batch', () => {
    const queue = aQueue();
    for (const batch of [0, 1_001, 1.5, '100']) {
      expect(() => queue.worker(() => undefined, { batch: batch as number })).toThrow(
        /invalid batch .*: expected a whole number from 1 to 1000/,
      );
      expect(() => queue.consume({ batch: batch as number })).toThrow(/from 1 to 1000/);
    }
    expect(() => queue.worker(() => undefined, { linger: '50ms' } as never)).toThrow(
      'option linger has no effect without batch: set batch',
    );
    expect(() => queue.consume({ linger: '50ms' } as never)).toThrow('option linger has no effect without batch');
  });
});

describe('a batch that fails', () => {
  it('as a whole fails each of its messages, with the attempts of each', async () => {
    const queue = aQueue();
    const seen: [unknown, number][] = [];
    await queue.put('a', 'b');
    await queue.with({ attempts: 1 }).put('once');
    const runner = start(
      queue.worker(
        async (items, jobs) => {
          items.forEach((item, index) => seen.push([item, jobs[index]!.attempt]));
          throw new RangeError('no room');
        },
        { batch: 10, attempts: 2, backoff: 1 },
      ),
    );
    const letters = await until(
      () => queue.dead.list({ order: 'oldest' }),
      ({ length }) => length === 3,
    );
    await runner.stop();
    expect(letters[0]).toMatchObject({
      text: '"once"',
      attempts: 1,
      reason: 'failed 1 of 1 attempts',
      error: { name: 'RangeError', message: 'no room' },
    });
    expect(
      letters
        .slice(1)
        .map(({ text, attempts, failures }) => [text, attempts, failures.length])
        .sort(),
    ).toEqual([
      ['"a"', 2, 2],
      ['"b"', 2, 2],
    ]);
    expect(seen.sort()).toEqual([
      ['a', 1],
      ['a', 2],
      ['b', 1],
      ['b', 2],
      ['once', 1],
    ]);
  });

  it('for one message, reported with fail(), fails only that one: it is retried by the policy, and its error is kept', async () => {
    const queue = aQueue();
    const seen: [unknown, number][] = [];
    await queue.put('good', 'bad', 'fine', 'closed');
    const runner = start(
      queue.worker(
        async (items, jobs) => {
          for (const [index, item] of items.entries()) {
            seen.push([item, jobs[index]!.attempt]);
            if (item === 'bad') jobs[index]!.fail(new TypeError('no such sensor'));
            if (item === 'closed') jobs[index]!.fail(new Bury('closed in May'));
          }
        },
        { batch: 10, attempts: 2, backoff: 1 },
      ),
    );
    await until(
      () => queue.dead.size(),
      (size) => size === 2,
    );
    await isDrained(queue as never);
    await runner.stop();
    expect(seen).toEqual([
      ['good', 1],
      ['bad', 1],
      ['fine', 1],
      ['closed', 1],
      ['bad', 2],
    ]);
    const [closed, bad] = await queue.dead.list({ order: 'oldest' });
    expect(closed).toMatchObject({ text: '"closed"', reason: 'closed in May', attempts: 1 });
    expect(bad).toMatchObject({
      text: '"bad"',
      attempts: 2,
      reason: 'failed 2 of 2 attempts',
      error: { name: 'TypeError', message: 'no such sensor' },
    });
  });

  it('does not change messages that the handler settled, and logs one line for the others', async () => {
    const told: string[] = [];
    const logger = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (_fields: LogFields, sentence: string) => void told.push(sentence),
    };
    const queue = aQueue({ logger });
    await queue.put('done', 'bury', 'x', 'y', 'z');
    const once = latch();
    const runner = start(
      queue.worker(
        async (_items, [done, bury, ...rest]) => {
          await done!.ack();
          await bury!.bury('not wanted');
          expect(() => done!.fail('late')).toThrow(/cannot settle message .* with fail\(\): ack\(\) was called/);
          rest[0]!.fail(new Error('only x'));
          once.open();
          throw new Error('the rest');
        },
        { batch: 5, backoff: '1h' },
      ),
    );
    await once;
    await until(
      () => queue.counts(),
      ({ delayed, active }) => delayed === 3 && active === 0,
    );
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ delayed: 3, dead: 1 });
    expect(told).toHaveLength(2);
    expect(
      told.some((sentence) => /^message .* failed attempt 1, next attempt in \d+ ms: Error: only x$/.test(sentence)),
    ).toBe(true);
    expect(told).toContain(
      `2 messages of queue "${queue.name}" failed together (2 will be retried, 0 buried): Error: the rest`,
    );
  });

  it('contains no invalid or expired message: those are buried before, one by one', async () => {
    const queue = aQueue({ payload: Reading });
    const seen: Reading[][] = [];
    await queue.with({ ttl: 1 }).put({ sensor: 'late', value: 1 });
    await redis().rpush(queue.key, '{"sensor":"roof","value":-1}', 'no json');
    await queue.put({ sensor: 'roof', value: 2 }, { sensor: 'cellar', value: 3 });
    await until(
      () => Date.now(),
      (now) => now > before + 5,
    );
    const runner = start(queue.worker((readings) => void seen.push(readings), { batch: 10 }));
    await isDrained(queue as never);
    await runner.stop();
    expect(seen).toEqual([
      [
        { sensor: 'roof', value: 2 },
        { sensor: 'cellar', value: 3 },
      ],
    ]);
    const letters = await queue.dead.list();
    expect(letters.map(({ reason }) => reason).sort()).toEqual(['expired', 'invalid payload', 'invalid payload']);
  });
  const before = Date.now();

  it('without a valid message does not call the handler', async () => {
    const queue = aQueue({ payload: Reading });
    await redis().rpush(queue.key, '1', '2', '3');
    let runs = 0;
    const runner = start(queue.worker(() => void (runs += 1), { batch: 10 }));
    await until(
      () => queue.dead.size(),
      (size) => size === 3,
    );
    await runner.stop();
    expect(runs).toBe(0);
  });

  it("by a message's own timeout fails only that message, and the others continue", async () => {
    const queue = aQueue();
    const hold = latch();
    let jobs: Delivery[] = [];
    await queue.with({ timeout: 20, attempts: 1 }).put('short');
    await queue.put('long');
    const runner = start(
      queue.worker(
        async (_items, given) => {
          jobs = given;
          await hold;
        },
        { batch: 10 },
      ),
    );
    const [letter] = await until(
      () => queue.dead.list(),
      ({ length }) => length === 1,
    );
    expect(letter).toMatchObject({ text: '"short"', error: { name: 'TimedOutError' } });
    expect(jobs.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(await queue.counts()).toMatchObject({ active: 1 });
    hold.open();
    await isDrained(queue as never);
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ dead: 1, waiting: 0, delayed: 0 });
  });
});

describe('linger', () => {
  it('waits for a full batch, and no longer', async () => {
    const queue = aQueue();
    const batches: unknown[][] = [];
    const runner = start(queue.worker((items) => void batches.push(items), { batch: 3, linger: '1h' }));
    for (const [index, item] of ['a', 'b'].entries()) {
      await queue.put(item);
      await until(
        () => queue.counts(),
        ({ active }) => active === index + 1,
      );
    }
    expect(batches).toEqual([]);
    await queue.put('c', 'd');
    await until(() => batches.length === 1);
    await until(
      () => queue.counts(),
      ({ active }) => active === 1,
    );
    expect(batches).toEqual([['a', 'b', 'c']]);
    await queue.put('e', 'f');
    await until(() => batches.length === 2);
    await runner.stop();
    expect(batches[1]).toEqual(['d', 'e', 'f']);
  });

  it('delivers a smaller batch when its time is over', async () => {
    const queue = aQueue();
    const batches: unknown[][] = [];
    const runner = start(queue.worker((items) => void batches.push(items), { batch: 10, linger: 50 }));
    await queue.put('a', 'b');
    await until(() => batches.length === 1);
    await queue.put('c');
    await until(() => batches.length === 2);
    await runner.stop();
    expect(batches).toEqual([['a', 'b'], ['c']]);
  });

  it('keeps its messages, also if it is longer than the limit for prefetched messages behind a slow one', async () => {
    const queue = aQueue();
    const batches: unknown[][] = [];
    const released: string[] = [];
    queue.events.on('take', ({ id }) => void released.push(id));
    const runner = start(queue.worker((items) => void batches.push(items), { batch: 10, linger: 900 }));
    await queue.put('a');
    await until(
      () => queue.counts(),
      ({ active }) => active === 1,
    );
    const counts: number[] = [];
    await until(async () => {
      counts.push((await queue.counts()).waiting);
      return batches.length === 1;
    });
    await runner.stop();
    expect(Math.max(...counts)).toBe(0);
  });

  it('releases all messages at once when the worker stops, without a counted attempt', async () => {
    const queue = aQueue();
    let runs = 0;
    await queue.put('a', 'b', 'c');
    const runner = start(queue.worker(() => void (runs += 1), { batch: 10, linger: '1h' }));
    await until(
      () => queue.counts(),
      ({ active }) => active === 3,
    );
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ waiting: 3, active: 0, workers: 0 });
    expect(await payloads(queue)).toEqual(['a', 'b', 'c']);
    for await (const delivery of queue.deliveries({ limit: 3 })) expect(delivery.attempt).toBe(1);
    expect(runs).toBe(0);
  });

  it('drops its messages when the lease is lost meanwhile, because they belong to another worker', async () => {
    const queue = aQueue();
    const batches: unknown[][] = [];
    const runner = start(queue.worker((items) => void batches.push(items), { batch: 2, linger: '1h' }));
    await queue.put('lost');
    const [id] = await until(
      () => redis().zrange(`{${queue.key}}:workers`, 0, '-1'),
      (workers) => workers.length === 1,
    );
    await until(
      () => queue.counts(),
      ({ active }) => active === 1,
    );
    await redis().zrem(`{${queue.key}}:workers`, id!);
    await redis().del(`{${queue.key}}:claims:${id}`);
    await queue.put('a');
    await until(
      () => queue.counts(),
      ({ active }) => active === 1,
    );
    expect(batches).toEqual([]);
    await queue.put('b');
    await until(() => batches.length === 1);
    await runner.stop();
    expect(batches).toEqual([['a', 'b']]);
  });

  it('leaves new messages to other workers while it has no free slot', async () => {
    const queue = aQueue();
    const hold = latch();
    const began = latch();
    const runner = start(
      queue.worker(
        async () => {
          began.open();
          await hold;
        },
        { batch: 10, linger: 30 },
      ),
    );
    const other = queue.consume();
    await queue.put('first');
    await began;
    const next = other.next();
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 2,
    );
    await queue.put('second');
    expect(await next).toEqual({ done: false, value: 'second' });
    hold.open();
    await other.return();
    await runner.stop();
  });

  it('occupies a shared slot while its batch fills', async () => {
    const [one, two] = [aQueue(), aQueue()];
    const seen: string[] = [];
    let running = 0;
    let most = 0;
    const work = async (name: string, items: unknown[]): Promise<void> => {
      most = Math.max(most, ++running);
      seen.push(...items.map(() => name));
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
    };
    const handlers = [
      one.worker((items) => work('one', items), { batch: 5, linger: 40 }),
      two.worker((items) => work('two', items), { batch: 5, linger: 40 }),
    ];
    const runner = start(handlers, { order: 'fair', concurrency: 1 });
    for (const item of upTo(6)) {
      await one.put(item);
      await two.put(item);
    }
    await until(() => seen.length === 12);
    await runner.stop();
    expect(most).toBe(1);
  });
});

describe('stopping a batch', () => {
  it('lets it finish; at the shutdown deadline it aborts each signal and releases all messages, in order', async () => {
    const queue = aQueue();
    await queue.put('a', 'b', 'c');
    const began = latch<Delivery[]>();
    const runner = start(
      queue.worker(
        async (_items, jobs) => {
          began.open(jobs);
          await new Promise(() => {});
        },
        { batch: 10 },
      ),
    );
    const jobs = await began;
    expect(jobs.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
    await runner.stop({ shutdownTimeout: 10 });
    expect(jobs.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
    expect(await payloads(queue)).toEqual(['a', 'b', 'c']);
    for await (const delivery of queue.deliveries({ limit: 3 })) expect(delivery.attempt).toBe(1);
  });

  it('that lost its lease aborts each signal, and settles no message', async () => {
    const queue = aQueue({ lease: 1_000 });
    const lost: string[] = [];
    queue.events.on('lost', ({ id }) => void lost.push(id));
    const jobs = await queue.put('a', 'b');
    const began = latch<Delivery[]>();
    const hold = latch();
    const runner = start(
      queue.worker(
        async (_items, given) => {
          began.open(given);
          await hold;
        },
        { batch: 10 },
      ),
    );
    const given = await began;
    const [id] = await redis().zrange(`{${queue.key}}:workers`, 0, '-1');
    await redis().zrem(`{${queue.key}}:workers`, id!);
    await redis().del(`{${queue.key}}:claims:${id}`);
    await until(() => given.every(({ signal }) => signal.aborted));
    hold.open();
    await until(() => lost.length === 2);
    expect(lost.sort()).toEqual(jobs.map((job) => job.id).sort());
    await runner.stop();
  });
});

describe('a batch whose process is killed', () => {
  const script = (name: string, body: string): string => `
    import { HotQueue, run } from 'hotqueue';
    const queue = new HotQueue('${name}', { lease: 1_000, logger: false });
    await run(queue.worker(async (items) => { ${body} }, { batch: 10, concurrency: 2, linger: 20 }));
  `;

  it('is recovered completely: every message is done, some of them twice', async () => {
    const queue = aQueue({ lease: 1_000 });
    await queue.putAll(upTo(300));
    const done = new Set<number>();
    const print = 'await new Promise((resolve) => setTimeout(resolve, 20)); console.log(JSON.stringify(items));';
    const collect = (lines: readonly string[]): void =>
      lines.forEach((line) => (JSON.parse(line) as number[]).forEach((item) => done.add(item)));
    const first = aChild(script(queue.name, print));
    await until(() => first.lines.length >= 5);
    await first.kill('SIGKILL');
    collect(first.lines);
    const held = (await queue.counts()).active;
    expect(held).toBeGreaterThan(1);
    const second = aChild(script(queue.name, print));
    await isDrained(queue as never);
    await second.kill('SIGTERM');
    collect(second.lines);
    expect(done.size).toBe(300);
    expect(await queue.dead.size()).toBe(0);
  });

  it('by one of its messages: once that message is quarantined, only it counts crashes, and the others of its batch are done', async () => {
    const queue = aQueue({ lease: 1_000 });
    const broker = aBroker(queue.name, 1_000);
    const body =
      "console.log(JSON.stringify(items)); if (items.includes('poison')) process.kill(process.pid, 'SIGKILL');";
    const batches: string[] = [];
    const dies = async (): Promise<void> => {
      const child = aChild(script(queue.name, body));
      expect(await child.ended).toBe('SIGKILL');
      batches.push(...child.lines);
      await recovered(broker);
    };
    await queue.put('poison');
    await dies();
    await dies();
    await queue.put('one', 'two', 'three');
    await dies();
    expect(batches).toEqual(['["poison"]', '["poison"]', '["poison","one","two","three"]']);
    expect((await queue.dead.list()).map(({ text, reason }) => [text, reason])).toEqual([
      ['"poison"', 'its worker died 3 times'],
    ]);
    for (const message of await redis().lrange(queue.key, 0, -1))
      expect(message).toMatch(/^#\S+ 0 0\n"(one|two|three)"$/);
    const rest: unknown[] = [];
    for await (const item of queue.consume({ limit: 3 })) rest.push(item);
    expect(rest).toEqual(['one', 'two', 'three']);
  });
});

describe('consume with `batch`', () => {
  it('yields arrays in order; asking for the next one acknowledges the last one as a whole', async () => {
    const queue = aQueue();
    await queue.putAll(upTo(7));
    const consumer = queue.consume({ batch: 3 });
    expect(await consumer.next()).toEqual({ done: false, value: [0, 1, 2] });
    expect(await queue.counts()).toMatchObject({ waiting: 4, active: 3 });
    expect(await consumer.next()).toEqual({ done: false, value: [3, 4, 5] });
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 3 });
    expect(await consumer.next()).toEqual({ done: false, value: [6] });
    await consumer.return();
    expect(await payloads(queue)).toEqual([6]);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
  });

  it('releases the whole array when it is left early, in order, without a counted attempt', async () => {
    const queue = aQueue();
    await queue.putAll(upTo(5));
    for await (const items of queue.consume({ batch: 3 })) {
      expect(items).toEqual([0, 1, 2]);
      break;
    }
    expect(await payloads(queue)).toEqual([0, 1, 2, 3, 4]);
    for await (const [delivery] of queue.deliveries({ batch: 3, onLeave: 'ack' })) {
      expect(delivery!.attempt).toBe(1);
      break;
    }
    expect(await payloads(queue)).toEqual([3, 4]);
  });

  it('counts valid messages towards `limit`, not arrays, and not invalid messages', async () => {
    const queue = aQueue({ payload: Reading });
    const reading = (value: number) => ({ sensor: 'roof', value });
    await queue.put(reading(0));
    await redis().rpush(queue.key, 'no json');
    await queue.putAll(upTo(9).map((value) => reading(value + 1)));
    const sizes: number[] = [];
    for await (const readings of queue.consume({ batch: 3, limit: 7 })) sizes.push(readings.length);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(7);
    expect(Math.max(...sizes)).toBe(3);
    expect(await queue.counts()).toMatchObject({ waiting: 3, active: 0, dead: 1 });
  });

  it('ends after `timeout` and by its signal, and releases no message', async () => {
    const queue = aQueue();
    const stop = new AbortController();
    const seen: unknown[] = [];
    await queue.putAll(upTo(5));
    for await (const items of queue.consume({ batch: 2, idleTimeout: 30 })) seen.push(items);
    expect(seen).toEqual([[0, 1], [2, 3], [4]]);
    await queue.putAll(upTo(5));
    for await (const items of queue.consume({ batch: 2, signal: stop.signal })) {
      expect(items).toEqual([0, 1]);
      stop.abort();
    }
    expect(await queue.counts()).toMatchObject({ waiting: 3, active: 0, workers: 0 });
  });

  it('lingers: it waits for a full array, and releases a partial one when it ends', async () => {
    const queue = aQueue();
    const consumer = queue.consume({ batch: 3, linger: '1h' });
    const first = consumer.next();
    await queue.put('a');
    await until(
      () => queue.counts(),
      ({ active }) => active === 1,
    );
    await queue.put('b', 'c', 'd');
    expect(await first).toEqual({ done: false, value: ['a', 'b', 'c'] });
    const second = consumer.next();
    await until(
      () => queue.counts(),
      ({ waiting, active }) => waiting === 0 && active === 1,
    );
    await consumer.return();
    expect(await second).toEqual({ done: true, value: undefined });
    expect(await payloads(queue)).toEqual(['d']);
    for await (const items of queue.consume({ batch: 3, linger: 40 })) {
      expect(items).toEqual(['d']);
      break;
    }
  });

  it('yields deliveries, each of which can be settled or can fail alone', async () => {
    const queue = aQueue();
    await queue.put('ack', 'bad', 'later', 'bury');
    for await (const [, bad, later, bury] of queue.deliveries({ batch: 10, limit: 4 })) {
      bad!.fail(new TypeError('no such sensor'));
      await later!.retry({ delay: '1h' });
      await bury!.bury('not wanted');
    }
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 2, dead: 1, active: 0 });
    await queue.delayed.list().then((messages) => Promise.all(messages.map(({ id }) => queue.delayed.promote(id))));
    for await (const deliveries of queue.deliveries({ batch: 10, limit: 2 }))
      expect(deliveries.map(({ attempt }) => attempt)).toEqual([2, 2]);
  });
});
