import { expect, it } from 'vitest';
import { MessageSource } from '../../src/consumer/message-source.js';
import { FaultyBroker } from '../support/faulty-broker.js';
import { aBroker, aName, redis } from '../support/queue.js';

// An acknowledgement that is given up while the lease lasts lets a finished message run again, although no worker died.
it.each([
  [300_000, 300_000],
  [1_000, 30_000],
])('with a lease of %i ms, a loop tries to acknowledge for %i ms', async (leaseMs, withinMs) => {
  const faulty = new FaultyBroker(aBroker(aName(), leaseMs));
  const source = new MessageSource(faulty.context(), { ended: new AbortController().signal, waitMs: 5_000 });
  await redis().rpush(faulty.real.keys.base, '"a"');
  const claim = await source.one(1);
  await source.done(claim!);
  await source.leave([]);
  expect(faulty.calls.filter(({ verb }) => verb === 'ack').map(({ args }) => args.at(-1))).toEqual([{ withinMs }]);
});
