/** A reply may be lost on every script: whatever is sent a second time must leave what the first sending left, and say the same. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/redis/broker.js';
import { scriptNames, type ScriptName } from '../../src/redis/scripts.js';
import { aBroker, redis } from '../support/queue.js';

const at = { withinMs: 5_000 };
const hourMs = 3_600_000;
const text = (id: string): string => `#${id} 0 0\n"${id}"`;

type Send = () => Promise<unknown>;

/** A worker that holds one message of each lane, beside some that are ready. */
async function working(broker: Broker): Promise<{ worker: string; tokens: readonly string[] }> {
  const worker = randomUUID();
  await broker.join(worker, at);
  await broker.put('p', 1, ['a', 'b'].map(text), at);
  await broker.put('p', 2, ['c'].map(text), at, 'h');
  const taken = await broker.take(worker, 1, 10, 'alone', at);
  const tokens = taken === 'lost' ? expect.fail('lease lost') : taken.held.map(({ token }) => token);
  await broker.put('p', 3, ['d', 'e'].map(text), at);
  await broker.put('p', 4, ['f'].map(text), at, 'l');
  return { worker, tokens };
}

async function delayed(broker: Broker): Promise<void> {
  await broker.delay('p', 1, ['a', 'b'].map((id) => ({ id, due: { afterMs: hourMs }, lane: 'b', message: text(id) })), at);
}

async function dead(broker: Broker): Promise<{ key: string; at: string }[]> {
  const { worker, tokens } = await working(broker);
  for (const [index, token] of tokens.entries()) await broker.bury(worker, token, `dead${index}`, '{"reason":"test","attempts":1}', at);
  const found = await redis().zrange(broker.keys.dead, 0, '-1', 'WITHSCORES');
  return tokens.map((_, index) => ({ key: found[2 * index]!, at: found[2 * index + 1]! }));
}

/** For every script: a state in which it does something, and the one sending that is made twice. */
const sendings: Record<ScriptName, (broker: Broker) => Promise<Send>> = {
  put: async (broker) => {
    const terms = { own: { ids: ['x', 'y', 'x'], forMs: hourMs }, limit: { most: 10, calls: [1, 1, 1] } };
    return () => broker.put('q', 1, ['x', 'y', 'x'].map(text), at, 'h', terms);
  },
  delay: async (broker) => () => broker.delay('q', 1, [{ id: 'x', due: { at: Date.now() + hourMs }, lane: 'l', message: text('x') }], at).then(({ accepted, duplicates }) => ({ accepted, duplicates })),
  join: async (broker) => {
    const worker = randomUUID();
    return () => broker.join(worker, at);
  },
  take: async (broker) => {
    const { worker } = await working(broker);
    return () => broker.take(worker, 2, 2, 'busy', at).then((taken) => (taken === 'lost' ? taken : taken.held));
  },
  beat: async (broker) => {
    const { worker, tokens } = await working(broker);
    return () => broker.beat(worker, 2, tokens.slice(1), at).then((news) => news !== 'lost'); // one claim it does not know of
  },
  ack: async (broker) => {
    const { worker } = await working(broker);
    return () => broker.ack(worker, ['h1.1', 'b1.2-3'], at);
  },
  retry: async (broker) => {
    const { worker, tokens } = await working(broker);
    return () => broker.retry(worker, { token: tokens[0]!, id: 'a', lane: 'b', delayMs: hourMs, header: '#a 1 0\n', oldHeaderLength: text('a').indexOf('"') }, at);
  },
  bury: async (broker) => {
    const { worker, tokens } = await working(broker);
    return () => broker.bury(worker, tokens[0]!, 'a', '{"reason":"test","attempts":1}', at);
  },
  release: async (broker) => {
    const { worker, tokens } = await working(broker);
    return () => broker.release(worker, tokens, at);
  },
  leave: async (broker) => {
    const { worker } = await working(broker);
    return () => broker.leave(worker, at, '3 1 report');
  },
  recover: async (broker) => {
    const { worker } = await working(broker);
    await redis().hset(broker.keys.meta, 'seen', Date.now());
    await redis().zadd(broker.keys.workers, '1', worker);
    return () => broker.recover(worker, 'hotqueue', at).then((found) => 'ready' in found);
  },
  promote: async (broker) => {
    await delayed(broker);
    await redis().zadd(broker.keys.delayed, '1', 'a');
    return () => broker.promote(at).then(() => 'promoted');
  },
  move: async (broker) => {
    await delayed(broker);
    const request = randomUUID();
    return () => broker.move('a', { afterMs: 0 }, request, at).then(({ isMoved }) => isMoved);
  },
  cancel: async (broker) => {
    await delayed(broker);
    const request = randomUUID();
    return () => broker.cancel('a', request, at);
  },
  revive: async (broker) => {
    const letters = await dead(broker);
    const request = randomUUID();
    return () => broker.revive(letters.slice(1), 'hotqueue', request, at);
  },
  drop: async (broker) => {
    const letters = await dead(broker);
    const request = randomUUID();
    return () => broker.drop(letters.slice(1), request, at);
  },
  sweep: async (broker) => {
    await delayed(broker);
    await redis().zrem(broker.keys.delayed, 'a'); // a message without its place
    await redis().rpush(broker.keys.low, text('quiet')); // and one without a bell
    return () => broker.sweep(['0', '0'], at).then(({ lost }) => lost);
  },
  clear: async (broker) => {
    await working(broker);
    const request = randomUUID();
    return () => broker.clear(request, at);
  },
};

/** Everything that Redis has of a queue, but when somebody last beat, and until when that is good. */
async function everything({ keys }: Broker): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    list: (key) => redis().lrange(key, 0, -1),
    string: (key) => redis().get(key),
    set: async (key) => (await redis().smembers(key)).sort(),
    hash: async (key) => Object.entries(await redis().hgetall(key)).filter(([field]) => field !== 'seen').sort(),
    zset: (key) => (key === keys.workers ? redis().zrange(key, 0, '-1') : redis().zrange(key, 0, '-1', 'WITHSCORES')),
  };
  for (const key of (await redis().keys(`*${keys.base}*`)).sort()) all[key] = await readers[await redis().type(key)]!(key);
  return all;
}

/** "Already done" is as good as "done". */
const said = (reply: unknown): unknown => (reply === 'already' ? 'done' : reply);

describe.each(scriptNames)('%s', (name) => {
  it('sent twice is sent once', async () => {
    const broker = aBroker();
    const send = await sendings[name](broker);
    const before = await everything(broker);
    const reply = await send();
    const once = await everything(broker);
    expect(once, 'it does something').not.toEqual(before);
    expect(said(await send())).toEqual(said(reply));
    expect(await everything(broker)).toEqual(once);
  });

  it('sent once more after others have gone on leaves them alone', async () => {
    const broker = aBroker();
    const send = await sendings[name](broker);
    const reply = await send();
    await broker.put('other', 1, ['#late 0 0\n"late"'], at);
    await broker.delay('other', 2, [{ id: 'later', due: { afterMs: hourMs }, lane: 'h', message: text('later') }], at);
    const after = await everything(broker);
    expect(said(await send())).toEqual(said(reply));
    expect(await everything(broker)).toEqual(after);
  });
});
