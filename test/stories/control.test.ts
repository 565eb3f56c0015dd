import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { start } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';

describe('a paused queue', () => {
  it('delivers nothing until it is resumed, also to waiting workers, and keeps its order', async () => {
    const queue = aQueue();
    const seen: unknown[] = [];
    const runner = start(queue.worker((item) => void seen.push(item)));
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.pause();
    expect(await queue.isPaused()).toBe(true);
    await queue.put('a', 'b', 'c');
    await until(
      () => redis().lrange(queue.key, 0, -1),
      (messages) => messages.length === 3,
    );
    expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual(['a', 'b', 'c']);
    expect(seen).toEqual([]);
    await queue.resume();
    await until(() => seen.length === 3);
    await runner.stop();
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('lets active messages finish and be settled', async () => {
    const queue = aQueue();
    const started = latch();
    const hold = latch();
    await queue.put('a');
    const runner = start(
      queue.worker(async () => {
        started.open();
        await hold;
      }),
    );
    await started;
    await queue.pause();
    hold.open();
    await until(
      () => queue.counts(),
      ({ active }) => active === 0,
    );
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ waiting: 0, dead: 0 });
  });

  it('resumes by itself when the time of its pause is over', async () => {
    const queue = aQueue();
    await queue.pause({ for: 100 });
    await queue.put('a');
    expect(await queue.get({ block: true })).toBe('a');
    expect(await queue.isPaused()).toBe(false);
  });
});

describe('several queues that share concurrency slots', () => {
  it("with order 'strict': a queue is worked on only while all earlier ones are empty", async () => {
    const urgent = aQueue();
    const later = aQueue();
    const seen: unknown[] = [];
    await later.put('l1', 'l2');
    await urgent.put('u1', 'u2', 'u3');
    const work = (item: unknown): void => void seen.push(item);
    const runner = start([urgent.worker(work), later.worker(work)], { order: 'strict', concurrency: 1 });
    await until(() => seen.length === 5);
    await later.put('l3');
    await until(() => seen.length === 6);
    await urgent.put('u4');
    await until(() => seen.length === 7);
    await runner.stop();
    expect(seen).toEqual(['u1', 'u2', 'u3', 'l1', 'l2', 'l3', 'u4']);
  });

  it.each([
    ['end at once', () => undefined],
    ['take some time', () => pause(5)],
  ])("with order 'fair': queues take turns, and none starves: handlers that %s", async (_what, last) => {
    const one = aQueue();
    const two = aQueue();
    const seen: string[] = [];
    await one.putAll(Array.from({ length: 10 }, () => 'one'));
    await two.putAll(Array.from({ length: 10 }, () => 'two'));
    const work = (item: unknown): unknown => {
      seen.push(String(item));
      return last();
    };
    const runner = start([one.worker(work), two.worker(work)], { order: 'fair', concurrency: 1 });
    await until(() => seen.length === 20);
    await runner.stop();
    expect(seen.slice(0, 10).filter((item) => item === 'one')).toHaveLength(5);
  });

  it('never run more messages than the shared concurrency, nor more of one queue than its own', async () => {
    const one = aQueue();
    const two = aQueue();
    const hold = latch();
    const running = { one: 0, two: 0 };
    await one.putAll(Array.from({ length: 10 }, () => 1));
    await two.putAll(Array.from({ length: 10 }, () => 2));
    const runner = start(
      [
        one.worker(
          async () => {
            running.one += 1;
            await hold;
          },
          { concurrency: 2 },
        ),
        two.worker(
          async () => {
            running.two += 1;
            await hold;
          },
          { concurrency: 9 },
        ),
      ],
      { order: 'strict', concurrency: 5 },
    );
    await until(() => running.one + running.two === 5);
    expect(running).toEqual({ one: 2, two: 3 });
    expect((await one.counts()).active + (await two.counts()).active).toBe(5);
    hold.open();
    await until(() => running.one + running.two === 20);
    await runner.stop();
  });

  it('need an order', () => {
    const queue = aQueue();
    expect(() =>
      start(
        queue.worker(() => undefined),
        // @ts-expect-error the compiler refuses it too
        { concurrency: 3 },
      ),
    ).toThrow("order: 'strict' or 'fair'");
  });
});
