import { expect, it } from 'vitest';
import { HandlerRunner } from '../../src/worker/handler-runner.js';
import { latch } from '../support/facts.js';
import { FaultyBroker } from '../support/faulty-broker.js';
import { aBroker, redis } from '../support/queue.js';

it('a slot that starts an unfilled batch takes no more messages: they would wait for it while other workers are free', async () => {
  const faulty = new FaultyBroker(aBroker());
  const context = faulty.context();
  await redis().rpush(faulty.real.keys.base, '1');
  const hold = latch();
  const seen: unknown[] = [];
  const handle = async (items: unknown): Promise<void> => {
    seen.push(items);
    await hold;
  };
  const options = { concurrency: 1, batch: 10, lingerMs: 2_000 }; // longer than a busy machine takes to get there
  const never = new AbortController().signal;
  const runner = new HandlerRunner(
    { name: 'store', context, payload: context.payload, options, handle },
    { givingUp: never, mayPrefetch: true, waitsForStart: false, onRoom: () => {}, onStopCommand: () => {} },
  );
  expect(await runner.take(10, () => false)).toBe(1);
  expect([runner.room, runner.occupied, runner.running, seen]).toEqual([9, 1, 0, []]);
  await runner.idle();
  expect(faulty.waits).toBe(1); // it ended because the batch began: Redis has not ended the wait
  expect([runner.room, runner.occupied, runner.running, seen]).toEqual([0, 1, 1, [[1]]]);
  hold.open();
  await runner.emptied();
  await runner.leave();
  expect(await faulty.real.reader.count({ withinMs: 5_000 })).toMatchObject({ waiting: 0, active: 0, workers: 0 });
});

it('an invalid message leaves the prefetch size as it was', async () => {
  const faulty = new FaultyBroker(aBroker());
  const context = faulty.context();
  const runner = new HandlerRunner(
    { name: 'count', context, payload: context.payload, options: { concurrency: 1 }, handle: () => undefined },
    {
      givingUp: new AbortController().signal,
      mayPrefetch: true,
      waitsForStart: false,
      onRoom: () => {},
      onStopCommand: () => {},
    },
  );
  while (runner.room <= 1) {
    await redis().rpush(faulty.real.keys.base, '1');
    expect(await runner.take(10, () => false)).toBe(1);
    await runner.emptied();
  }
  const before = runner.room;
  await redis().rpush(faulty.real.keys.base, 'no JSON');
  expect(await runner.take(1, () => false)).toBe(1);
  await runner.emptied();
  expect(runner.room).toBe(before);
  await runner.leave();
});
