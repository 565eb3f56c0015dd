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
