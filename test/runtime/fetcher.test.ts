import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { silent } from '../../src/contract/logger.js';
import type { Channel } from '../../src/runtime/channel.js';
import { Fetcher } from '../../src/runtime/fetcher.js';
import { until } from '../support/facts.js';

it('beats before it takes when Redis has had no word from it for most of a lease: what it took could not be begun', async () => {
  const sent: string[] = [];
  const answer = <T>(verb: string, reply: T) => (): Promise<T> => Promise.resolve(reply).finally(() => sent.push(verb));
  const broker = {
    leaseMs: 2_000,
    join: answer('join', undefined),
    announce: () => Promise.resolve(),
    take: answer('take', { status: 'served', held: [], news: {} }),
    beat: answer('beat', {}),
    leave: answer('leave', undefined),
  };
  const upkeep = { add: () => {}, remove: () => {}, hear: () => {} };
  const channel = { name: 'q', broker, upkeep, logger: silent, events: new EventEmitter() } as unknown as Channel;
  const fetcher = new Fetcher(channel, { taking: new AbortController().signal, settling: {}, mayHoldBack: false });

  await fetcher.take(1);
  await until(() => !fetcher.isProven);
  await fetcher.take(1);
  expect(sent).toEqual(['join', 'take', 'beat', 'take']);
  expect(fetcher.isProven).toBe(true);
  await fetcher.leave();
});

it('goes on counting its takes after a lost lease, so that a late end of what it held is never taken for that of what it holds', async () => {
  const held = new Map<string, string[]>();
  let isLost = false;
  const broker = {
    leaseMs: 30_000,
    join: (worker: string) => Promise.resolve(void held.set(worker, [])),
    announce: () => Promise.resolve(),
    take: (worker: string, number: number) => {
      if (isLost && held.size === 1) return Promise.resolve('lost');
      held.get(worker)!.push(`b${number}.1`);
      return Promise.resolve({ status: 'served', held: [{ token: `b${number}.1`, message: '1' }], news: {} });
    },
    ack: () => Promise.resolve('lost'),
    beat: (_worker: string, _number: number, tokens: readonly string[]) => {
      known = tokens;
      return Promise.resolve({});
    },
    leave: () => Promise.resolve(),
  };
  let known: readonly string[] = [];
  const upkeep = { add: () => {}, remove: () => {}, hear: () => {} };
  const channel = { name: 'q', broker, upkeep, logger: silent, events: new EventEmitter() } as unknown as Channel;
  const fetcher = new Fetcher(channel, { taking: new AbortController().signal, settling: {}, mayHoldBack: false });

  const [old] = await fetcher.take(1);
  isLost = true;
  const [current] = await fetcher.take(1);
  expect(held.size).toBe(2);
  expect(current!.token).not.toBe(old!.token);
  old!.done(); // its handler ends late
  await fetcher.acks.drained();
  await fetcher.beat();
  expect(known).toEqual([current!.token]);
  await fetcher.leave();
});
