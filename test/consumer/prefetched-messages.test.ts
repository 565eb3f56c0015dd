import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { start, type Runner } from 'hotqueue';
import { FaultProxy } from '../chaos/proxy.js';
import { latch, until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

const total = 2_000;
const slow = 1_000;

it('prefetched messages behind a slow one are released, and other workers take them', async () => {
  const queue = aQueue();
  const [slowBegan, slowMayEnd] = [latch(), latch()];
  const done = new Set<unknown>();
  const handle = async (number: unknown): Promise<void> => {
    if (number === slow) {
      slowBegan.open();
      await slowMayEnd;
    }
    done.add(number);
  };
  await queue.putAll(Array.from({ length: total }, (_, index) => index));
  const first = start(queue.worker(handle));
  let second: ReturnType<typeof start> | undefined;
  try {
    await slowBegan;
    // Fast messages came before the slow one, so the worker prefetched many with it.
    expect((await queue.counts()).active).toBeGreaterThan(1);
    await until(
      () => queue.counts(),
      ({ active }) => active === 1,
    );
    second = start(queue.worker(handle));
    await until(
      () => done.size,
      (size) => size === total - 1,
    );
    expect(done.has(slow)).toBe(false);
  } finally {
    slowMayEnd.open();
    await Promise.all([first.stop(), second?.stop()]);
  }
  expect(done.size).toBe(total);
});

it('prefetched messages go back before those of a take that was in flight when the worker stopped', async () => {
  const proxy = await FaultProxy.open(redisUrl().slice('unix://'.length), () => {});
  const queue = aQueue({ url: proxy.url });
  const stopped = latch<Promise<void>>();
  let runner = undefined as Runner | undefined;
  let takes = 0;
  // The sixth take with messages loses its reply, and at that moment the test stops the worker.
  proxy.rule = ({ name, reply }) => {
    if (name !== 'take' || !reply || !reply.includes('#') || ++takes !== 6) return undefined;
    stopped.open(runner!.stop());
    return { kind: 'after' };
  };
  const done: unknown[] = [];
  await queue.putAll(Array.from({ length: 500 }, (_, index) => index));
  runner = start(
    queue.worker(async (number) => {
      await pause(1);
      done.push(number);
    }),
  );
  await stopped;
  const left = (await queue.peek(1_000)).map(({ payload }) => payload);
  expect([...done, ...left]).toEqual(Array.from({ length: 500 }, (_, index) => index));
  expect(proxy.faults()).toBe(1);
  await queue.close();
  await proxy.close();
});
