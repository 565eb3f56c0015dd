import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Broker, Taken } from '../../src/redis/broker.js';
import { Held, tokensOf, type Lane } from '../../src/redis/held.js';
import { aBroker, redis } from '../support/queue.js';
import { until } from '../support/facts.js';

const at = { withinMs: 5_000 };

async function join(broker: Broker): Promise<string> {
  const worker = randomUUID();
  await broker.join(worker, at);
  return worker;
}

async function take(broker: Broker, worker: string, number: number, most = 10): Promise<readonly Held[]> {
  const taken = await broker.take(worker, number, most, 'alone', at);
  if (taken === 'lost') throw new Error('lease lost');
  return taken.held;
}

const messages = (held: readonly Held[]): string[] => held.map(({ message }) => message);

describe('put', () => {
  it('stores a batch in order, once for each number, however often it is sent', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b'], at);
    await broker.put('producer', 1, ['a', 'b'], at);
    await broker.put('producer', 2, ['c'], at);
    await broker.put('producer', 1, ['a', 'b'], at);
    expect(await broker.peek(10, at)).toEqual(['a', 'b', 'c']);
  });

  it('keeps the numbers of producers apart', async () => {
    const broker = aBroker();
    await broker.put('one', 1, ['a'], at);
    await broker.put('two', 1, ['b'], at);
    expect(await broker.size(at)).toBe(2);
  });

  it('stores more than Lua can unpack at once', async () => {
    const broker = aBroker();
    const many = Array.from({ length: 9_500 }, (_, index) => String(index));
    await broker.put('producer', 1, many, at);
    expect(await broker.size(at)).toBe(9_500);
    expect(await broker.peek(2, at)).toEqual(['0', '1']);
  });
});

describe('ack', () => {
  it.each([9, 10, 11, 100, 1_000, 2_345])('drops %i that were taken together by one text', async (count) => {
    const broker = aBroker();
    await broker.put('producer', 1, Array.from({ length: count + 2 }, (_, index) => String(index)), at);
    const worker = await join(broker);
    const held = await take(broker, worker, 1, count + 2);
    const tokens = tokensOf(held.slice(1, -1));
    expect(tokens).toEqual([`b1.2-${count + 1}`]);
    expect(await broker.ack(worker, tokens)).toBe('done');
    expect(messages(await take(broker, worker, 1, count + 2))).toEqual(['0', String(count + 1)]);
    expect(await broker.ack(worker, tokens)).toBe('already');
  });

  it('says so when only some were still there, and drops those', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b', 'c'], at);
    const worker = await join(broker);
    const [, b] = await take(broker, worker, 1);
    await broker.ack(worker, [b!.token]);
    expect(await broker.ack(worker, ['b1.1-3'])).toBe('already');
    expect(await take(broker, worker, 1)).toEqual([]);
    await broker.leave(worker);
    expect(await broker.ack(worker, ['b1.1-3'])).toBe('lost');
  });

  it.each([
    ['nothing', [], []],
    ['one', ['b1.7'], ['b1.7']],
    ['those that follow each other', ['b1.1', 'b1.2', 'b1.3', 'b1.5'], ['b1.1-3', 'b1.5']],
    ['not across lanes, takes or backwards', ['h1.1', 'b1.2', 'b2.3', 'b2.2', 'b2.2', 'b2.3'], ['h1.1', 'b1.2', 'b2.3', 'b2.2', 'b2.2-3']],
  ])('tokens of what is held: %s', (_what, tokens, joined) => {
    const held = tokens.map((token) => {
      const [, lane, number, index] = /^(\w)(\d+)\.(\d+)$/.exec(token)!;
      return new Held(lane as Lane, Number(number), Number(index), '');
    });
    expect(held.map(({ token }) => token)).toEqual(tokens);
    expect(tokensOf(held)).toEqual(joined);
  });
});

describe('take', () => {
  it('is refused to a worker that never joined', async () => {
    expect(await aBroker().take('nobody', 1, 1, 'alone', at)).toBe('lost');
  });

  it('claims in order, and the same number brings the same claims again, not a second batch', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b', 'c'], at);
    const worker = await join(broker);
    const first = await take(broker, worker, 1, 2);
    expect(messages(first)).toEqual(['a', 'b']);
    expect(await take(broker, worker, 1, 2)).toEqual(first);
    expect(messages(await take(broker, worker, 2))).toEqual(['c']);
  });

  it('brings of a number sent again only what is still unsettled', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b', 'c'], at);
    const worker = await join(broker);
    const [a] = await take(broker, worker, 1, 3);
    await broker.ack(worker, [a!.token]);
    expect(messages(await take(broker, worker, 1, 3))).toEqual(['b', 'c']);
  });

  it.each([
    ['all of it large', []],
    ['after a small head', ['s']],
  ])('brings about a mebibyte, and leaves what is beyond it where it was, in order: %s', async (_what, head) => {
    const broker = aBroker();
    const large = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(400_000));
    await broker.put('producer', 1, [...head, ...large, 'f'], at);
    const worker = await join(broker);
    expect(messages(await take(broker, worker, 1, 100)).map(([letter]) => letter)).toEqual([...head, 'a', 'b', 'c']);
    expect((await broker.peek(10, at)).map(([letter]) => letter)).toEqual(['d', 'e', 'f']);
    expect(messages(await take(broker, worker, 2, 100)).map(([letter]) => letter)).toEqual(['d', 'e', 'f']);
  });

  it('brings nothing for a number that is older than the last', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b'], at);
    const worker = await join(broker);
    await take(broker, worker, 1, 1);
    await take(broker, worker, 2, 1);
    expect(await broker.take(worker, 1, 1, 'alone', at)).toBe('lost');
  });

  it('drains the shared inbox first, whoever it was that waited', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b'], at);
    await redis().lmove(broker.keys.base, broker.keys.inbox, 'LEFT', 'RIGHT');
    expect(messages(await take(broker, await join(broker), 1))).toEqual(['a', 'b']);
  });

  it('takes high before normal before low, and low first every 16th time', async () => {
    const broker = aBroker();
    const { high, base, low } = broker.keys;
    await redis().rpush(low, 'low');
    await redis().rpush(base, 'normal');
    await redis().rpush(high, 'high');
    const worker = await join(broker);
    expect(messages(await take(broker, worker, 1))).toEqual(['high', 'normal', 'low']);
    await redis().rpush(high, 'high');
    await redis().rpush(low, 'low');
    expect(messages(await take(broker, worker, 16, 1))).toEqual(['low']);
  });

  it('rings for the others with the next message, when it leaves base empty and something elsewhere', async () => {
    const broker = aBroker();
    await redis().rpush(broker.keys.high, 'one', 'two', 'three');
    await take(broker, await join(broker), 1, 1);
    expect(await redis().lrange(broker.keys.base, 0, -1)).toEqual(['two']);
    expect(await redis().lrange(broker.keys.high, 0, -1)).toEqual(['three']);
  });

  it('stops at about a mebibyte', async () => {
    const broker = aBroker();
    const big = 'x'.repeat(400_000);
    await broker.put('producer', 1, [big, big, big, big], at);
    expect(await take(broker, await join(broker), 1)).toHaveLength(3);
  });

  it('says when the next delayed message is due', async () => {
    const broker = aBroker();
    const worker = await join(broker);
    await broker.put('producer', 1, ['a'], at);
    const [held] = await take(broker, worker, 1);
    await broker.retry(worker, { token: held!.token, id: 'a', lane: 'b', delayMs: 60_000, header: '', oldHeaderLength: 0 });
    const { news } = (await broker.take(worker, 2, 1, 'alone', at)) as Taken;
    expect(news.nextDueMs).toBeGreaterThan(50_000);
    expect(news.nextDueMs).toBeLessThanOrEqual(60_000);
  });
});

describe('settling', () => {
  const retryOf = ({ token }: Held, delayMs: number) => ({ token, id: 'id', lane: 'b' as const, delayMs, header: '#id 1 0\n', oldHeaderLength: '#id 0 0\n'.length });

  async function holding(count: number): Promise<{ broker: Broker; worker: string; held: readonly Held[] }> {
    const broker = aBroker();
    await broker.put('producer', 1, Array.from({ length: count }, (_, index) => `#id 0 0\n${index}`), at);
    const worker = await join(broker);
    return { broker, worker, held: await take(broker, worker, 1) };
  }

  it('tells done from already done from lease lost, for each verb', async () => {
    const settle = {
      ack: (broker: Broker, worker: string, held: Held) => broker.ack(worker, [held.token]),
      retry: (broker: Broker, worker: string, held: Held) => broker.retry(worker, retryOf(held, 0)),
      bury: (broker: Broker, worker: string, held: Held) => broker.bury(worker, held.token, 'id', '{}'),
    };
    for (const send of Object.values(settle)) {
      const { broker, worker, held } = await holding(1);
      expect(await send(broker, worker, held[0]!)).toBe('done');
      expect(await send(broker, worker, held[0]!)).toBe('already');
      await broker.leave(worker);
      expect(await send(broker, worker, held[0]!)).toBe('lost');
    }
  });

  it('retries with a new header and the payload untouched: at once to the tail', async () => {
    const { broker, worker, held } = await holding(2);
    await broker.retry(worker, retryOf(held[0]!, 0));
    await broker.release(worker, [held[1]!.token]);
    expect(await broker.peek(10, at)).toEqual(['#id 0 0\n1', '#id 1 0\n0']);
  });

  it('delays, and promotes what is due; equal ids do not overwrite each other', async () => {
    const { broker, worker, held } = await holding(2);
    await broker.retry(worker, retryOf(held[0]!, 1));
    await broker.retry(worker, retryOf(held[1]!, 1));
    let promoted = 0;
    await until(async () => (promoted += (await broker.promote()).promoted), (sum) => sum === 2);
    expect(await broker.peek(10, at)).toEqual(['#id 1 0\n0', '#id 1 0\n1']);
    expect(await redis().exists(broker.keys.delayed, broker.keys.delayedMessages)).toBe(0);
  });

  it('promotes nothing before its time', async () => {
    const { broker, worker, held } = await holding(1);
    await broker.retry(worker, retryOf(held[0]!, 60_000));
    expect((await broker.promote()).promoted).toBe(0);
  });

  it('buries byte for byte, also what has the same id', async () => {
    const { broker, worker, held } = await holding(2);
    await broker.bury(worker, held[0]!.token, 'id', '{"reason":"one"}');
    await broker.bury(worker, held[1]!.token, 'id', '{"reason":"two"}');
    expect(await redis().hvals(broker.keys.deadMessages)).toEqual(['{"reason":"one"}\n#id 0 0\n0', '{"reason":"two"}\n#id 0 0\n1']);
    expect(await redis().zcard(broker.keys.dead)).toBe(2);
  });

  it('releases to the head in the order in which it was taken, before what the inbox holds', async () => {
    const { broker, worker, held } = await holding(3);
    await redis().rpush(broker.keys.base, 'later', 'last');
    await redis().lmove(broker.keys.base, broker.keys.inbox, 'LEFT', 'RIGHT');
    expect(await broker.release(worker, held.map(({ token }) => token))).toBe('done');
    expect(await broker.peek(10, at)).toEqual(['#id 0 0\n0', '#id 0 0\n1', '#id 0 0\n2', 'later', 'last']);
  });

  it('leaving gives back everything, in order, and takes the worker off the register', async () => {
    const { broker, worker } = await holding(12);
    await take(broker, worker, 2);
    await broker.leave(worker);
    expect(await broker.peek(20, at)).toEqual(Array.from({ length: 12 }, (_, index) => `#id 0 0\n${index}`));
    expect(await redis().exists(broker.keys.claims(worker), broker.keys.workers, broker.keys.roll)).toBe(0);
    await broker.leave(worker); // sent again
    expect(await broker.size(at)).toBe(12);
  });
});

describe('join', () => {
  it('is refused when it was on its way for longer than a lease, or a recovered worker could come to life', async () => {
    const broker = aBroker();
    const [seconds] = await redis().time();
    const longAgo = Number(seconds) * 1_000 - 31_000;
    expect(await broker.connection.script('join', [broker.keys.workers, broker.keys.roll], ['ghost', longAgo, 30_000])).toBe(0);
    expect(await redis().zcard(broker.keys.workers)).toBe(0);
  });
});

describe('clear', () => {
  it('drops what is ready and delayed, once for each request', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a', 'b'], at);
    expect(await broker.clear('request', at)).toBe(2);
    await broker.put('producer', 2, ['c'], at);
    expect(await broker.clear('request', at)).toBe(2);
    expect(await broker.size(at)).toBe(1);
  });
});

describe('a script the server has forgotten', () => {
  it('is sent again in full', async () => {
    const broker = aBroker();
    await broker.put('producer', 1, ['a'], at);
    await redis().script('FLUSH');
    await broker.put('producer', 2, ['b'], at);
    expect(await broker.size(at)).toBe(2);
  });
});
