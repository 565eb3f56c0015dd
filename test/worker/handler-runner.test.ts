import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { silent } from '../../src/core/logger.js';
import { payloadType } from '../../src/payload/payload-type.js';
import { HandlerRunner } from '../../src/worker/handler-runner.js';
import type { QueueContext } from '../../src/redis/queue-context.js';
import type { Take } from '../../src/redis/take.js';
import { latch } from '../support/facts.js';
import { aTake } from '../support/takes.js';

/** A context whose broker returns these takes, one for each call. Further calls never resolve. */
function aContext(takes: Take[]): QueueContext {
  const broker = {
    leaseMs: 30_000,
    join: () => Promise.resolve(),
    announce: () => Promise.resolve(),
    take: () => Promise.resolve({ status: 'served', take: takes.shift(), hints: {} }),
    ack: () => Promise.resolve('done'),
    leave: () => Promise.resolve(),
    wakeup: () => ({ wait: () => new Promise(() => {}), close: () => Promise.resolve() }),
  };
  const maintenance = { add: () => {}, remove: () => {}, observe: () => {} };
  return {
    name: 'q',
    broker,
    maintenance,
    logger: silent,
    events: new EventEmitter(),
    payload: payloadType(undefined),
  } as unknown as QueueContext;
}

it('a slot that starts an unfilled batch takes no more messages: they would wait for it while other workers are free', async () => {
  const context = aContext([aTake(1, 'b', ['1'])]);
  const hold = latch();
  const seen: unknown[] = [];
  const handle = async (items: unknown): Promise<void> => {
    seen.push(items);
    await hold;
  };
  const options = { concurrency: 1, batch: 10, lingerMs: 20 };
  const never = new AbortController().signal;
  const runner = new HandlerRunner(
    { name: 'store', context, payload: context.payload, options, handle },
    { givingUp: never, mayPrefetch: true, onRoom: () => {}, onStopCommand: () => {} },
  );
  expect(await runner.take(10, () => false)).toBe(1);
  expect([runner.room, runner.occupied, runner.running, seen]).toEqual([9, 1, 0, []]);
  await runner.idle();
  expect([runner.room, runner.occupied, runner.running, seen]).toEqual([0, 1, 1, [[1]]]);
  hold.open();
  await runner.emptied();
  await runner.leave();
});
