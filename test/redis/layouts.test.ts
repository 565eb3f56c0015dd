/** Workers of different layouts of claims, which would lose each other's messages, refuse each other in both directions. */
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/redis/broker.js';
import { claimsLayout } from '../../src/redis/layouts.js';
import { aBroker, redis } from '../support/queue.js';
import { aWorker, endLease, take } from '../support/takes.js';

const at = { withinMs: 5_000 };

/** `join` as workers of layout 1 send it: they add themselves to a set. */
const joinInLayout1 = ({ keys }: Broker, worker: string): Promise<unknown> =>
  redis().sadd(keys.earlier.registry, worker);

/** `join.lua` as workers of layout 2 send it, without the check for late requests. */
const joinInLayout2 = ({ keys }: Broker, worker: string): Promise<unknown> =>
  redis().eval(
    `local workers, roll, reports, meta = unpack(KEYS)
     local kind = redis.call('TYPE', roll).ok
     local layout = kind == 'set' and '1' or kind == 'hash' and redis.call('HGET', meta, 'layout') or ARGV[6]
     if layout ~= ARGV[6] then return {-1, layout} end
     redis.call('HSET', meta, 'layout', layout)
     redis.call('ZADD', workers, 1, ARGV[1])
     redis.call('HSET', roll, ARGV[1], ARGV[5])
     return {1}`,
    4,
    keys.workers,
    keys.earlier.registry,
    `${keys.heartbeats}:2`,
    keys.meta,
    worker,
    0,
    30_000,
    '',
    'process',
    '2',
  );

const joinInLayout4 = async ({ keys }: Broker, worker: string): Promise<void> => {
  await redis().hset(keys.meta, 'layout', '4');
  await redis().hset(keys.registry, worker, 'process');
};

const joins = { '1': joinInLayout1, '2': joinInLayout2, '4': joinInLayout4 };

describe.each(Object.entries(joins))('while workers of layout %s are registered', (other, join) => {
  it('a worker of this layout is refused, and stores nothing', async () => {
    const broker = aBroker();
    await join(broker, 'other');
    const before = await redis().keys(`*${broker.keys.base}*`);
    const refused = broker.join('worker', 'process', at);
    await expect(refused).rejects.toMatchObject({
      code: 'INCOMPATIBLE_WORKERS',
      key: broker.keys.base,
      layout: claimsLayout,
      other,
    });
    await expect(refused).rejects.toThrow(
      `the workers of ${broker.keys.base} keep claims in layout ${other}, this version uses layout ${claimsLayout}: stop the workers of the other version`,
    );
    expect((await redis().keys(`*${broker.keys.base}*`)).sort()).toEqual(before.sort());
    expect(await redis().zscore(broker.keys.workers, 'worker')).toBeNull();
  });
});

describe('while workers of this layout are registered', () => {
  it('workers of layouts 1 and 2 are refused', async () => {
    const broker = aBroker();
    await aWorker(broker, 'worker');
    await expect(joinInLayout1(broker, 'other')).rejects.toThrow('WRONGTYPE');
    expect(await joinInLayout2(broker, 'other')).toEqual([-1, claimsLayout]);
    expect(await redis().zrange(broker.keys.workers, '0', '-1')).toEqual(['worker']);
  });
});

describe('after the last worker', () => {
  it.each(['left', 'was recovered'])('of this layout %s, workers of earlier layouts can join', async (how) => {
    const broker = aBroker();
    for (const worker of ['first', 'second']) await aWorker(broker, worker);
    await broker.leave('first', at);
    expect(await joinInLayout2(broker, 'other')).toEqual([-1, claimsLayout]);
    if (how === 'was recovered') await endLease(broker, 'second');
    if (how === 'was recovered') await broker.recover('second', 'hotqueue', at);
    else await broker.leave('second', at);
    expect(await joinInLayout2(broker, 'other')).toEqual([1]);
  });

  it('of an earlier layout has left, a worker of this layout can join', async () => {
    const broker = aBroker();
    await joinInLayout2(broker, 'other');
    await redis().hdel(broker.keys.earlier.registry, 'other');
    await aWorker(broker, 'worker');
    expect(await redis().hget(broker.keys.meta, 'layout')).toBe(claimsLayout);
  });
});

it('sweep moves messages from the lists of earlier layouts, in their order, and their count of successful attempts', async () => {
  const broker = aBroker();
  const { requeued, quarantine, earlier, meta } = broker.keys;
  await redis().rpush(requeued, '#c 1 0\n3');
  await redis().rpush(earlier.requeued, '#a 1 0\n1', '#b 1 0\n2');
  await redis().rpush(earlier.quarantine, '#q 0 2\n4');
  await redis().hset(meta, 'handled', 7, 'done', 2);
  for (const mended of [3, 0]) expect((await broker.sweep(['0', '0'], at)).mended).toBe(mended);
  expect(await redis().lrange(requeued, 0, -1)).toEqual(['#c 1 0\n3', '#a 1 0\n1', '#b 1 0\n2']);
  expect(await redis().exists(earlier.requeued, earlier.quarantine)).toBe(0);
  expect(await redis().hmget(meta, 'handled', 'done')).toEqual([null, '9']);
  const worker = await aWorker(broker);
  expect((await take(broker, worker, 1)).lanes).toBe('saaa');
  expect(await redis().exists(quarantine)).toBe(0);
});
