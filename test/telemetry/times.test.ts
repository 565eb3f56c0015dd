import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { start, type HotQueue, type SettledEvent } from 'hotqueue';
import { until } from '../support/facts.js';
import { aBroker, aQueue } from '../support/queue.js';

/** The `ack` and `retry` events of a queue, in their order. */
function settledOn(queue: HotQueue): SettledEvent[] {
  const events: SettledEvent[] = [];
  queue.events.on('ack', (event) => events.push(event));
  queue.events.on('retry', (event) => events.push(event));
  return events;
}

it('tookMs is the time of the handler alone, and waitedMs has the time before it', async () => {
  const queue = aQueue();
  const events = settledOn(queue);
  await queue.put('slow', 'behind');
  // One slot: the second message is claimed with the first, and waits for it in the prefetch buffer.
  const runner = start(queue.worker((payload) => (payload === 'slow' ? pause(300) : undefined)));
  await until(() => events.length === 2);
  await runner.stop();
  const [slow, behind] = events;
  expect(slow!.tookMs).toBeGreaterThanOrEqual(295);
  expect(behind!.tookMs).toBeLessThan(slow!.tookMs / 2);
  expect(behind!.waitedMs).toBeGreaterThanOrEqual(295);
});

it('the time in which a loop has a message is its tookMs', async () => {
  const queue = aQueue();
  const events = settledOn(queue);
  await queue.put('a');
  for await (const payload of queue.consume({ limit: 1 })) await pause(payload === 'a' ? 200 : 0);
  await until(() => events.length === 1);
  expect(events[0]!.tookMs).toBeGreaterThanOrEqual(195);
});

it('a delayed message waits since its due time, a retried one since the end of its delay', async () => {
  const queue = aQueue();
  const events = settledOn(queue);
  await queue.with({ delay: '600ms', attempts: 2, backoff: '600ms' }).put('a');
  const runner = start(
    queue.worker((_, { attempt }) => {
      if (attempt === 1) throw new Error('no');
    }),
  );
  await until(() => events.length === 2);
  await runner.stop();
  // Without its due time, the first would have waited 600 ms, and the second 1,200 ms.
  expect(events.map(({ attempt, waitedMs }) => [attempt, waitedMs < 500])).toEqual([
    [1, true],
    [2, true],
  ]);
});

it('a revived message waits since it was revived, a moved one since its new due time', async () => {
  const queue = aQueue();
  const events = settledOn(queue);
  await queue.put('a');
  for await (const one of queue.deliveries({ limit: 1 })) await one.retry({ delay: 0 });
  await pause(700);
  for await (const one of queue.deliveries({ limit: 1 })) await one.bury('later');
  events.length = 0;
  await queue.dead.reviveAll();
  const { id } = await queue.with({ delay: '2s' }).put('b');
  await pause(10);
  await queue.delayed.move(id, { delay: '3s' });
  for await (const payload of queue.consume({ limit: 2 })) expect(['a', 'b']).toContain(payload);
  await until(() => events.length === 2);
  expect(events.map(({ waitedMs }) => waitedMs < 600)).toEqual([true, true]);
});

it('a bare message waits since it was taken', async () => {
  const queue = aQueue();
  const events = settledOn(queue);
  const { connection, keys } = aBroker(queue.name);
  await connection.call((client) => client.rpush(keys.base, '"bare"'), { withinMs: 5_000 });
  for await (const payload of queue.consume({ limit: 1 })) expect(payload).toBe('bare');
  await until(() => events.length === 1);
  expect(events[0]!.waitedMs).toBeLessThan(500);
});
