import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { silent } from '../../src/contract/logger.js';
import { payloadType } from '../../src/message/payload.js';
import { Bench } from '../../src/runtime/bench.js';
import type { Channel } from '../../src/runtime/channel.js';
import type { Take } from '../../src/redis/take.js';
import { latch } from '../support/facts.js';
import { aTake } from '../support/takes.js';

/** A channel that returns these takes, one for each call. Further calls never resolve. */
function aChannel(takes: Take[]): Channel {
  const broker = {
    leaseMs: 30_000,
    join: () => Promise.resolve(),
    announce: () => Promise.resolve(),
    take: () => Promise.resolve({ status: 'served', take: takes.shift(), news: {} }),
    ack: () => Promise.resolve('done'),
    leave: () => Promise.resolve(),
    waiter: () => ({ wait: () => new Promise(() => {}), close: () => Promise.resolve() }),
  };
  const upkeep = { add: () => {}, remove: () => {}, hear: () => {} };
  return { name: 'q', broker, upkeep, logger: silent, events: new EventEmitter(), payload: payloadType(undefined) } as unknown as Channel;
}

it('a slot that starts an unfilled batch takes no more messages: they would wait for it while other workers are free', async () => {
  const channel = aChannel([aTake(1, 'b', ['1'])]);
  const hold = latch();
  const seen: unknown[] = [];
  const handle = async (items: unknown): Promise<void> => {
    seen.push(items);
    await hold;
  };
  const options = { concurrency: 1, batch: 10, lingerMs: 20 };
  const never = new AbortController().signal;
  const bench = new Bench({ name: 'store', channel, payload: channel.payload, options, handle }, never, true, () => {});
  expect(await bench.take(10, () => false)).toBe(1);
  expect([bench.room, bench.occupied, bench.running, seen]).toEqual([9, 1, 0, []]);
  await bench.idle();
  expect([bench.room, bench.occupied, bench.running, seen]).toEqual([0, 1, 1, [[1]]]);
  hold.open();
  await bench.emptied();
  await bench.leave();
});
