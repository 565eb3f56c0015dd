import { describe, expect, it } from 'vitest';
import { start } from 'hotqueue';
import { aChild } from '../support/child.js';
import { until } from '../support/facts.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';

const hour = 3_600_000;

describe('a message with a delay', () => {
  it('is handled when it is due, not earlier, in the order of due times', async () => {
    const queue = aQueue();
    const seen: [unknown, number][] = [];
    const runner = start(queue.worker((item) => void seen.push([item, Date.now()])));
    const last = await queue.with({ delay: 200 }).put('last');
    const first = await queue.with({ delay: 100 }).put('first');
    await until(() => seen.length === 2);
    await runner.stop();
    expect(seen.map(([item]) => item)).toEqual(['first', 'last']);
    expect(seen[0]![1]).toBeGreaterThanOrEqual(first.putAt + 100);
    expect(seen[1]![1]).toBeGreaterThanOrEqual(last.putAt + 200);
  });

  it('is promoted by the process that put it, also if no worker runs', async () => {
    const queue = aQueue();
    await queue.with({ delay: 30 }).put('alone');
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 1, workers: 0 });
    await until(
      () => queue.size(),
      (size) => size === 1,
    );
  });

  it('is promoted by the process that put it, also after its workers have stopped', async () => {
    const queue = aQueue();
    const runner = start(queue.worker(() => undefined));
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.with({ delay: 300 }).put('left');
    await runner.stop();
    await until(
      () => queue.size(),
      (size) => size === 1,
    );
  });

  it('keeps no finished script alive, and an idle worker in another process handles it within a second', async () => {
    const queue = aQueue();
    const seen: number[] = [];
    const runner = start(queue.worker(() => void seen.push(Date.now())));
    const child = aChild(`
      import { HotQueue } from 'hotqueue';
      const queue = new HotQueue('${queue.name}');
      await queue.with({ delay: '1h' }).put('much later');
      await queue.with({ at: Date.now() + 1_500 }).put('later');
    `);
    expect(await child.ended).toBe(0);
    const [later] = await queue.delayed.list();
    await until(() => seen.length === 1);
    await runner.stop();
    expect(seen[0]! - later!.dueAt).toBeGreaterThanOrEqual(0);
    expect(seen[0]! - later!.dueAt).toBeLessThan(1_500); // a second, plus some time for a slow machine
  });

  it('keeps the order of puts among messages that are due at the same time', async () => {
    const queue = aQueue();
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    await Promise.all(numbers.map((number) => queue.with({ delay: 20 }).put(number)));
    const seen: unknown[] = [];
    for await (const number of queue.consume({ limit: 100 })) seen.push(number);
    expect(seen).toEqual(numbers);
  });

  it('may be put with several others in one call, in order', async () => {
    const queue = aQueue();
    expect(await queue.with({ delay: '1h' }).put('a', 'b', 'c')).toHaveLength(3);
    expect(await queue.with({ delay: '1h' }).putAll(['d', 'e'])).toHaveLength(2);
    expect((await queue.delayed.list()).map(({ text }) => text)).toEqual(['"a"', '"b"', '"c"', '"d"', '"e"']);
  });

  it('on a plain queue is bare JSON in the list that Python reads', async () => {
    const queue = aQueue({ wire: 'plain' });
    const { id } = await queue.with({ delay: '1h' }).put({ n: 1 });
    expect(await queue.delayed.get(id)).toMatchObject({ id, text: '{"n":1}', attempts: 0 });
    await queue.delayed.promote(id);
    expect(await redis().lrange(queue.key, 0, -1)).toEqual(['{"n":1}']);
  });
});

describe('at', () => {
  it('is the time at which a message is due; a past time means now', async () => {
    const queue = aQueue();
    const due = Date.now() + hour;
    await queue.with({ at: new Date(due) }).put('date');
    await queue.with({ at: due + 1 }).put('number');
    await queue.with({ at: new Date(0) }).put('past');
    await queue.with({ at: Date.now() }).put('now');
    expect((await queue.delayed.list()).map(({ dueAt, text }) => [text, dueAt])).toEqual([
      ['"date"', due],
      ['"number"', due + 1],
    ]);
    expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual(['past', 'now']);
  });
});

describe("a queue's own delay", () => {
  it('applies to every message, unless with() gives another one', async () => {
    const queue = aQueue({ delay: '1h', attempts: 7 });
    await queue.put('default');
    await queue.with({ delay: 0 }).put('now');
    await queue.with({ at: new Date(0) }).put('past');
    await queue.with({ attempts: 2 }).put('other');
    const [first, second] = await queue.delayed.list();
    expect([first!.text, second!.text]).toEqual(['"default"', '"other"']);
    expect(await redis().hvals(`{${queue.key}}:delayed:messages`)).toEqual(
      expect.arrayContaining([expect.stringMatching(/ a=7 d=\d+\n/), expect.stringMatching(/ a=2 d=\d+\n/)]),
    );
    expect(await queue.size()).toBe(2);
  });
});

describe('queue.delayed', () => {
  it('lists messages by due time, in pages, including retries', async () => {
    const queue = aQueue();
    await queue.put('failing');
    for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.retry({ delay: '3h' });
    const [low, high] = [
      await queue.with({ delay: '2h', priority: 'low' }).put('low'),
      await queue.with({ delay: '1h', priority: 'high' }).put('high'),
    ];
    const { delayed } = queue;
    expect(await delayed.size()).toBe(3);
    const [first, second, third] = await delayed.list();
    expect(first).toMatchObject({ id: high.id, queue: queue.name, text: '"high"', attempts: 0, priority: 'high' });
    expect(Math.abs(first!.dueAt - high.putAt - hour)).toBeLessThan(5_000);
    expect(second).toMatchObject({ id: low.id, priority: 'low' });
    expect(third).toMatchObject({ text: '"failing"', attempts: 1, priority: 'normal' });
    expect(await delayed.list({ limit: 1, offset: 1 })).toEqual([second]);
    expect(await delayed.list({ offset: 3 })).toEqual([]);
    expect(await delayed.get(low.id)).toEqual(second);
    expect(await delayed.get('unknown')).toBeUndefined();
  });

  it('cancels a message by id', async () => {
    const queue = aQueue();
    const { id } = await queue.with({ delay: '1h' }).put('a');
    expect(await queue.delayed.cancel(id)).toBe(true);
    expect(await queue.delayed.cancel(id)).toBe(false);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0 });
  });

  it('moves a message to another time by id, and promotes it then', async () => {
    const queue = aQueue();
    const { id } = await queue.with({ delay: '1h' }).put('a');
    const due = Date.now() + 2 * hour;
    expect(await queue.delayed.move(id, { at: due })).toBe(true);
    expect((await queue.delayed.get(id))!.dueAt).toBe(due);
    expect(await aQueue({ name: queue.name }).delayed.move(id, { delay: 30 })).toBe(true);
    await until(
      () => queue.size(),
      (size) => size === 1,
    );
    expect(await queue.delayed.move(id, { delay: '1h' })).toBe(false);
  });

  it('promotes a message by id, with its own priority', async () => {
    const queue = aQueue();
    const { id } = await queue.with({ delay: '1h', priority: 'high' }).put('high');
    await queue.put('normal');
    expect(await queue.delayed.promote(id)).toBe(true);
    expect(await queue.delayed.promote(id)).toBe(false);
    expect([await queue.get(), await queue.get()]).toEqual(['high', 'normal']);
  });

  it('is emptied by clear()', async () => {
    const queue = aQueue();
    await queue.with({ delay: '1h' }).put('a', 'b');
    await queue.put('c');
    expect(await queue.clear()).toBe(3);
    expect(await queue.delayed.size()).toBe(0);
  });
});

it('a process that starts later promotes messages that became due while no process ran', async () => {
  const name = aName();
  const broker = aBroker(name);
  await broker.put(
    { producer: 'gone', number: 1, delayed: [{ id: 'a', due: { afterMs: 1 }, lane: 'b', message: '"a"' }] },
    { withinMs: 5_000 },
  );
  expect(await aQueue({ name }).get({ block: true })).toBe('a');
});
