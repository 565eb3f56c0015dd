import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Broker } from '../../src/redis/broker.js';
import type { DeadLetterRef } from '../../src/redis/transitions.js';
import type { Lane } from '../../src/redis/take.js';
import { aBroker, redis } from '../support/queue.js';
import { aWorker, places, take } from '../support/takes.js';

const at = { withinMs: 5_000 };

/** Puts messages into the list of a lane, and buries them as a worker does. */
async function bury(
  broker: Broker,
  messages: readonly string[],
  lane: Lane = 'b',
  ids = messages.map((message) => /^#(\S+) /.exec(message)?.[1] ?? randomUUID()),
): Promise<void> {
  const worker = await aWorker(broker);
  const list = {
    a: broker.keys.requeued,
    b: broker.keys.base,
    h: broker.keys.high,
    l: broker.keys.low,
    s: broker.keys.quarantine,
  }[lane];
  let number = 0;
  for (const [index, message] of messages.entries()) {
    await redis().rpush(list, message);
    const [place] = places(await take(broker, worker, (number += 1), 1));
    expect(await broker.bury(worker, place!, ids[index]!, JSON.stringify({ lane, reason: 'test', attempts: 1 }))).toBe(
      'done',
    );
  }
  await broker.leave(worker);
}

async function letters(broker: Broker): Promise<DeadLetterRef[]> {
  const found = await redis().zrange(broker.keys.dead, 0, '-1', 'WITHSCORES');
  return Array.from({ length: found.length / 2 }, (_, index) => ({
    key: found[2 * index]!,
    at: found[2 * index + 1]!,
  }));
}

const revive = async (broker: Broker, wire: 'hotqueue' | 'plain' = 'hotqueue') =>
  broker.revive(await letters(broker), wire, randomUUID(), at);
const list = (key: string) => redis().lrange(key, 0, -1);
const isEmpty = async ({ keys }: Broker) => (await redis().exists(keys.dead, keys.deadMessages)) === 0;

describe('revive', () => {
  it('puts dead letters to the tail, oldest first, without attempts, with the same payload and id', async () => {
    const broker = aBroker();
    await bury(broker, ['#one 3 0\n{"n": 1}', '#two 0 2 a=5 b=10\n#not a header\n\u0000']);
    await broker.put({ producer: 'producer', number: 1, messages: ['waiting'] }, at);
    expect(await revive(broker)).toBe(2);
    expect(await list(broker.keys.base)).toEqual([
      'waiting',
      '#one 0 0\n{"n": 1}',
      '#two 0 0 a=5 b=10\n#not a header\n\u0000',
    ]);
    expect(await isEmpty(broker)).toBe(true);
  });

  it.each<[string, string, string]>([
    ['its expiry is removed', '#id 1 0 a=5 x=1700000000000 t=10\n"x"', '#id 0 0 a=5 t=10\n"x"'],
    ['an expiry in the last field is removed', '#id 1 0 x=1\n"x"', '#id 0 0\n"x"'],
    ['its failures are removed', '#id 2 0 f=4 b=10\n[1]\n"x"', '#id 0 0 b=10\n"x"'],
    ['both are removed', '#id 2 0 x=1 f=4\n[1]\n"x"', '#id 0 0\n"x"'],
    [
      'fields with another meaning stay',
      '#id 2 0 xx=1 f=00-ab x=00-ab\n[1]\n"x"',
      '#id 0 0 xx=1 f=00-ab x=00-ab\n[1]\n"x"',
    ],
    ['a failures field without failures stays', '#id 2 0 f=3\n{}\n"x"', '#id 0 0 f=3\n{}\n"x"'],
    ['a failures field beyond the end of the message stays', '#id 2 0 f=99\n[]\n"x"', '#id 0 0 f=99\n[]\n"x"'],
    ['failures that are not ASCII stay', '#id 2 0 f=7\n["ü"]\n"x"', '#id 0 0 f=7\n["ü"]\n"x"'],
    [
      'a line that is not a valid header is kept below a new header',
      '#id 2 0 F=1\n"x"',
      '#given 0 0\n#id 2 0 F=1\n"x"',
    ],
    ['a message without a header gets one', '{"n":1}', '#given 0 0\n{"n":1}'],
  ])('%s', async (_what, message, expected) => {
    const broker = aBroker();
    await bury(broker, [message], 'b', ['given']);
    expect(await revive(broker)).toBe(1);
    expect(await list(broker.keys.base)).toEqual([expected]);
  });

  it('puts back bytes that are not text', async () => {
    const broker = aBroker();
    const bytes = Buffer.from([0x80, 0x04, 0xff, 0x00, 0x0a, 0xfe]);
    await redis().hset(
      broker.keys.deadMessages,
      'raw',
      Buffer.concat([Buffer.from('{"lane":"b","reason":"x"}\n'), bytes]),
    );
    await redis().zadd(broker.keys.dead, 5, 'raw');
    expect(await revive(broker)).toBe(1);
    expect(
      (await redis().lrangeBuffer(broker.keys.base, 0, 0))[0]!.equals(
        Buffer.concat([Buffer.from('#raw 0 0\n'), bytes]),
      ),
    ).toBe(true);
  });

  it.each<[Lane, 'base' | 'high' | 'low']>([
    ['b', 'base'],
    ['h', 'high'],
    ['l', 'low'],
    ['s', 'base'],
  ])('puts a message of lane %s back to list %s', async (lane, to) => {
    const broker = aBroker();
    await bury(broker, ['#id 1 2\n"x"'], lane);
    await redis().rpush(broker.keys.base, 'first');
    expect(await revive(broker)).toBe(1);
    expect((await list(broker.keys[to])).at(-1)).toBe('#id 0 0\n"x"');
  });

  it('moves a message to base, to wake an idle worker', async () => {
    const broker = aBroker();
    await bury(broker, ['#id 1 0\n"x"'], 'h');
    await revive(broker);
    expect(await list(broker.keys.base)).toEqual(['#id 0 0\n"x"']);
  });

  it('puts no header into the list that Python reads', async () => {
    const broker = aBroker();
    await bury(broker, ['{"n":1}'], 'b', ['worker.b1.1']);
    await bury(broker, ['#again 2 0\n{"n":2}'], 'a');
    expect(await revive(broker, 'plain')).toBe(2);
    expect(await list(broker.keys.requeued)).toEqual(['#worker.b1.1 0 0\n{"n":1}', '#again 0 0\n{"n":2}']);
    expect(await list(broker.keys.base)).toEqual([]);
  });

  it('removes an entry without a message', async () => {
    const broker = aBroker();
    await redis().zadd(broker.keys.dead, 5, 'ghost');
    expect(await revive(broker)).toBe(0);
    expect(await isEmpty(broker)).toBe(true);
  });

  it('puts back a dead letter of an earlier version, which has no lane', async () => {
    const broker = aBroker();
    await redis().hset(broker.keys.deadMessages, 'old', '{"reason":"x","attempts":1}\n#old 3 0\n"x"');
    await redis().zadd(broker.keys.dead, 5, 'old');
    expect(await revive(broker)).toBe(1);
    expect(await list(broker.keys.base)).toEqual(['#old 0 0\n"x"']);
  });
});

describe('revive and drop', () => {
  const verbs = {
    revive: (broker: Broker, buried: readonly DeadLetterRef[], request: string) =>
      broker.revive(buried, 'hotqueue', request, at),
    drop: (broker: Broker, buried: readonly DeadLetterRef[], request: string) => broker.drop(buried, request, at),
  };

  it.each(Object.entries(verbs))('%s: sent again, gets the same reply and does nothing', async (verb, send) => {
    const broker = aBroker();
    await bury(broker, ['#one 1 0\n1', '#two 1 0\n2']);
    const both = await letters(broker);
    expect(await send(broker, both, 'request')).toBe(2);
    await redis().del(broker.keys.base);
    // The message is buried again at the same ms: only the request id shows that this call is the old one.
    await redis().zadd(broker.keys.dead, both[0]!.at, 'one');
    await redis().hset(broker.keys.deadMessages, 'one', '{"lane":"b"}\n#one 1 0\n1');
    expect(await send(broker, both, 'request')).toBe(2);
    expect(await letters(broker)).toHaveLength(1);
    expect(await list(broker.keys.base)).toEqual([]);
    expect(await redis().pttl(broker.keys.request('request'))).toBeGreaterThan(0);
    expect(verb in verbs).toBe(true);
  });

  it.each(Object.entries(verbs))(
    '%s: does not touch a message that was buried again after the client read it',
    async (_verb, send) => {
      const broker = aBroker();
      await bury(broker, ['#one 1 0\n1']);
      const [one] = await letters(broker);
      expect(await send(broker, [{ key: one!.key, at: String(Number(one!.at) - 1) }], 'request')).toBe(0);
      expect(await letters(broker)).toEqual([one]);
    },
  );

  it.each(Object.entries(verbs))('%s: does nothing for an unknown key', async (_verb, send) => {
    const broker = aBroker();
    expect(await send(broker, [{ key: 'unknown', at: '5' }], 'request')).toBe(0);
    expect(await list(broker.keys.base)).toEqual([]);
  });

  it('drop: deletes the message and its entry', async () => {
    const broker = aBroker();
    await bury(broker, ['#one 1 0\n1', '#two 1 0\n2']);
    const [one] = await letters(broker);
    expect(await broker.drop([one!], 'request', at)).toBe(1);
    expect(await redis().hkeys(broker.keys.deadMessages)).toEqual(['two']);
    expect(await redis().zrange(broker.keys.dead, 0, '-1')).toEqual(['two']);
  });
});

describe('dead letters are bounded', () => {
  const bounded = (most: number, maxAgeMs = 3_600_000): Broker => {
    const { connection, keys } = aBroker();
    return new Broker(connection, keys, 30_000, { most, maxAgeMs });
  };

  it('by count: a burial beyond the limit drops the oldest one', async () => {
    const broker = bounded(2);
    await bury(broker, ['#one 1 0\n1']);
    await redis().zincrby(broker.keys.dead, -1_000, 'one'); // buried a second earlier
    await bury(broker, ['#two 1 0\n2']);
    await redis().zincrby(broker.keys.dead, -500, 'two');
    await bury(broker, ['#three 1 0\n3']);
    expect((await letters(broker)).map(({ key }) => key)).toEqual(['two', 'three']);
    expect((await redis().hkeys(broker.keys.deadMessages)).sort()).toEqual(['three', 'two']);
  });

  it('by count: after the limit was lowered, a burial drops a hundred at once', async () => {
    const broker = bounded(5);
    const longAgo = Date.now() - 600_000;
    const old = Array.from({ length: 250 }, (_, index) => [longAgo + index, `old-${index}`] as const);
    await redis().zadd(broker.keys.dead, ...old.flat());
    await redis().hset(broker.keys.deadMessages, Object.fromEntries(old.map(([, key]) => [key, '{}\nx'])));
    await bury(broker, ['#new 1 0\n1']);
    expect(await redis().zcard(broker.keys.dead)).toBe(151);
    expect(await redis().hlen(broker.keys.deadMessages)).toBe(151);
    await broker.sweep(['0', '0'], at);
    expect((await letters(broker)).map(({ key }) => key)).toEqual(['old-246', 'old-247', 'old-248', 'old-249', 'new']);
    expect(await redis().hlen(broker.keys.deadMessages)).toBe(5);
  });

  it('by age: a sweep drops those that are too old, and no others', async () => {
    const broker = bounded(100, 60_000);
    await bury(broker, ['#old 1 0\n1', '#young 1 0\n2']);
    await redis().zincrby(broker.keys.dead, -61_000, 'old');
    await redis().zincrby(broker.keys.dead, -50_000, 'young');
    await broker.sweep(['0', '0'], at);
    expect((await letters(broker)).map(({ key }) => key)).toEqual(['young']);
    expect(await redis().hkeys(broker.keys.deadMessages)).toEqual(['young']);
  });

  it('by default to 100,000 and 180 days', () => {
    expect(aBroker().deadLetters).toEqual({ most: 100_000, maxAgeMs: 180 * 86_400_000 });
  });
});
