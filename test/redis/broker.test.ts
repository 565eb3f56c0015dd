import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { Broker } from '../../src/redis/broker.js';
import { claimsLayout } from '../../src/redis/layouts.js';
import type { TakeReply, Take } from '../../src/redis/take.js';
import { until } from '../support/facts.js';
import { aBroker, redis } from '../support/queue.js';
import { serverKind } from '../support/server.js';
import { aTake, aWorker, endLease, places, retryOf, take, textsOf } from '../support/takes.js';

const at = { withinMs: 5_000 };

const list = (key: string): Promise<string[]> => redis().lrange(key, 0, -1);

/** Names of the fields in the claims hash of a worker. */
const fieldsOf = async ({ keys }: Broker, worker: string): Promise<string[]> =>
  (await redis().hkeys(keys.claims(worker))).sort();

/** A worker with the active messages `#id 0 0\n0`, `#id 0 0\n1`, …, in one take. */
async function holding(count: number): Promise<{ broker: Broker; worker: string; held: Take }> {
  const broker = aBroker();
  await broker.put(
    { producer: 'producer', number: 1, messages: Array.from({ length: count }, (_, index) => `#id 0 0\n${index}`) },
    at,
  );
  const worker = await aWorker(broker);
  return { broker, worker, held: await take(broker, worker, 1, count) };
}

/** The same take with these messages settled: its state at an earlier or later time. */
function inState({ number, size, lanes }: Take, acked: string, effects = ''): Take {
  return aTake(
    number,
    lanes,
    Array.from({ length: size }, () => 'x'),
    acked,
    effects,
  );
}

describe('put', () => {
  it('stores a batch in order, once for its number, also if it is sent several times', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b'] }, at);
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b'] }, at);
    await broker.put({ producer: 'producer', number: 2, messages: ['c'] }, at);
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b'] }, at);
    expect(await broker.reader.peek(10, at)).toEqual(['a', 'b', 'c']);
  });

  it('counts numbers separately for each put batcher', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'one', number: 1, messages: ['a'] }, at);
    await broker.put({ producer: 'two', number: 1, messages: ['b'] }, at);
    expect(await broker.reader.size(at)).toBe(2);
  });

  it('stores more messages than Lua can unpack at once', async () => {
    const broker = aBroker();
    const many = Array.from({ length: 9_500 }, (_, index) => String(index));
    await broker.put({ producer: 'producer', number: 1, messages: many }, at);
    expect(await broker.reader.size(at)).toBe(9_500);
    expect(await broker.reader.peek(2, at)).toEqual(['0', '1']);
  });
});

describe('join', () => {
  it('is refused if it arrives later than a lease after it was sent: otherwise a recovered worker would be registered again', async () => {
    const { connection, keys } = aBroker();
    const [seconds] = await redis().time();
    const longAgo = Number(seconds) * 1_000 - 31_000;
    expect(
      await connection.script(
        'join',
        [keys.workers, keys.registry, keys.heartbeats, keys.meta, keys.earlier.registry],
        ['late', longAgo, 30_000, '', 'process', claimsLayout],
      ),
    ).toEqual([0]);
    expect(await redis().exists(keys.workers, keys.registry, keys.earlier.registry)).toBe(0);
  });

  it('stores the process of the worker', async () => {
    const broker = aBroker();
    await aWorker(broker, 'worker', 'process');
    expect(await redis().hgetall(broker.keys.registry)).toEqual({ worker: 'process' });
  });
});

describe('take', () => {
  it('is refused to a worker that never joined', async () => {
    expect(await aBroker().take('unknown', 1, 1, at)).toBe('lost');
  });

  it('claims in order; the same number brings the same messages again, not new ones', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b', 'c'] }, at);
    const worker = await aWorker(broker);
    const first = await take(broker, worker, 1, 2);
    expect(textsOf(first)).toEqual(['a', 'b']);
    const again = await take(broker, worker, 1, 2);
    expect([again.number, again.lanes, textsOf(again)]).toEqual([first.number, first.lanes, textsOf(first)]);
    expect(textsOf(await take(broker, worker, 2))).toEqual(['c']);
  });

  it('stores one field with its messages, one with their acknowledgements, and its number', async () => {
    const { broker, worker } = await holding(3);
    expect(await fieldsOf(broker, worker)).toEqual(['a1', 'seq', 't1']);
    expect(await redis().hmget(broker.keys.claims(worker), 'seq', 'a1')).toEqual(['1', '0 3 ']);
  });

  it('sent again, replies which messages are acknowledged, retried, buried or released', async () => {
    const { broker, worker, held } = await holding(5);
    held.ack(1);
    held.ack(2);
    await broker.ack(worker, [held]);
    await broker.retry(worker, { take: held, index: 4 }, retryOf({ take: held, index: 4 }, 0));
    await broker.release(worker, places(held, 5));
    const again = await take(broker, worker, 1);
    expect(textsOf(again)).toEqual(['#id 0 0\n2']);
    expect(again.acknowledgements).toEqual(['1', '2', '5', '1-2']);
  });

  it('sent again after all its messages are settled, brings nothing, also no new message', async () => {
    const { broker, worker, held } = await holding(1);
    held.ack(1);
    await broker.ack(worker, [held]);
    await broker.put({ producer: 'producer', number: 2, messages: ['next'] }, at);
    expect(await broker.take(worker, 1, 10, at)).toMatchObject({ status: 'served' });
    expect(((await broker.take(worker, 1, 10, at)) as TakeReply).take).toBeUndefined();
    expect(textsOf(await take(broker, worker, 2))).toEqual(['next']);
  });

  it.each([1, 15, 16, 31, 32, 255, 256, 65_535, 65_536])(
    'brings messages of %i bytes unchanged, with any content',
    async (bytes) => {
      const broker = aBroker();
      const messages = [
        Buffer.alloc(bytes, 'x'),
        Buffer.alloc(bytes, 'é'),
        Buffer.alloc(bytes, Buffer.from([0xff, 0xfe, 0x80])),
        Buffer.alloc(bytes),
      ];
      await redis().rpush(broker.keys.base, ...messages);
      const held = await take(broker, await aWorker(broker), 1);
      expect(messages.map((message, place) => held.message(place + 1).equals(message))).toEqual([
        true,
        true,
        true,
        true,
      ]);
      expect(held.lanes).toBe('bbbb');
    },
  );

  it.each([14, 15, 1_000])('brings %i messages at once, and they are given back unchanged', async (count) => {
    const { broker, worker, held } = await holding(count);
    expect(held.size).toBe(count);
    const before = textsOf(held);
    await broker.leave(worker);
    expect(await list(broker.keys.base)).toEqual(before);
  });

  it.each([
    ['large messages only', []],
    ['a small message first', ['s']],
  ])('brings about a mebibyte, and leaves further messages in order: %s', async (_what, head) => {
    const broker = aBroker();
    const large = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(400_000));
    await broker.put({ producer: 'producer', number: 1, messages: [...head, ...large, 'f'] }, at);
    const worker = await aWorker(broker);
    expect(textsOf(await take(broker, worker, 1, 100)).map(([letter]) => letter)).toEqual([...head, 'a', 'b', 'c']);
    expect((await broker.reader.peek(10, at)).map(([letter]) => letter)).toEqual(['d', 'e', 'f']);
    expect(textsOf(await take(broker, worker, 2, 100)).map(([letter]) => letter)).toEqual(['d', 'e', 'f']);
  });

  it('is refused with a lower number than the last one', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b'] }, at);
    const worker = await aWorker(broker);
    await take(broker, worker, 1, 1);
    await take(broker, worker, 2, 1);
    expect(await broker.take(worker, 1, 1, at)).toBe('lost');
  });

  it('takes from the shared inbox first, also for another worker than the one that waited', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b'] }, at);
    await redis().lmove(broker.keys.base, broker.keys.inbox, 'LEFT', 'RIGHT');
    expect(textsOf(await take(broker, await aWorker(broker), 1))).toEqual(['a', 'b']);
  });

  it('takes high, then normal, then low; every 16th take starts with low', async () => {
    const broker = aBroker();
    const { high, base, low } = broker.keys;
    await redis().rpush(low, 'low');
    await redis().rpush(base, 'normal');
    await redis().rpush(high, 'high');
    const worker = await aWorker(broker);
    const first = await take(broker, worker, 1);
    expect(textsOf(first)).toEqual(['high', 'normal', 'low']);
    expect(first.lanes).toBe('hbl');
    await redis().rpush(high, 'high');
    await redis().rpush(low, 'low');
    expect(textsOf(await take(broker, worker, 16, 1))).toEqual(['low']);
  });

  it('moves the next message to base if it left base empty, to wake another worker', async () => {
    const broker = aBroker();
    await redis().rpush(broker.keys.high, 'one', 'two', 'three');
    await take(broker, await aWorker(broker), 1, 1);
    expect(await list(broker.keys.base)).toEqual(['two']);
    expect(await list(broker.keys.high)).toEqual(['three']);
  });

  it('replies when the next delayed message is due', async () => {
    const { broker, worker, held } = await holding(1);
    await broker.retry(worker, { take: held, index: 1 }, retryOf({ take: held, index: 1 }, 60_000));
    const { hints } = (await broker.take(worker, 2, 1, at)) as TakeReply;
    expect(hints.nextDueMs).toBeGreaterThan(50_000);
    expect(hints.nextDueMs).toBeLessThanOrEqual(60_000);
  });
});

describe('take of quarantined messages', () => {
  /** A queue with this number of quarantined messages, and the other messages. */
  async function withQuarantined(count: number, ...others: string[]): Promise<Broker> {
    const broker = aBroker();
    await redis().rpush(
      broker.keys.quarantine,
      ...Array.from({ length: count }, (_, index) => `#quarantined${index} 0 2\n${index}`),
    );
    if (others.length > 0) await redis().rpush(broker.keys.base, ...others);
    return broker;
  }

  const quarantined = (index: number): string => `#quarantined${index} 0 2\n${index}`;

  it('brings one first, and other messages beside it', async () => {
    const broker = await withQuarantined(2, 'a', 'b');
    const worker = await aWorker(broker);
    const held = await take(broker, worker, 1);
    expect(textsOf(held)).toEqual([quarantined(0), 'a', 'b']);
    expect([held.hasQuarantined, held.lanes]).toEqual([true, 'sbb']);
    expect(await fieldsOf(broker, worker)).toEqual(['a1', 's1', 'seq', 't1']);
    expect(await list(broker.keys.quarantine)).toEqual([quarantined(1)]);
  });

  it('brings one to a worker with other active messages', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b'] }, at);
    const worker = await aWorker(broker);
    await take(broker, worker, 1, 1);
    await redis().rpush(broker.keys.quarantine, quarantined(0));
    expect(textsOf(await take(broker, worker, 2, 1))).toEqual([quarantined(0)]);
  });

  it('brings one before low messages, also if low is taken first', async () => {
    const broker = await withQuarantined(1);
    await redis().rpush(broker.keys.low, 'low');
    const held = await take(broker, await aWorker(broker), 16);
    expect([held.lanes, held.hasQuarantined]).toEqual(['sl', true]);
  });

  it('brings no second one to the same worker, but one to another worker', async () => {
    const broker = await withQuarantined(2, 'a', 'b', 'c');
    const [one, other] = [await aWorker(broker), await aWorker(broker)];
    expect(textsOf(await take(broker, one, 1, 2))).toEqual([quarantined(0), 'a']);
    expect(textsOf(await take(broker, one, 2, 1))).toEqual(['b']);
    expect(textsOf(await take(broker, other, 1, 1))).toEqual([quarantined(1)]);
  });

  it.each<[string, (broker: Broker, worker: string, held: Take) => Promise<unknown>]>([
    ['acknowledged', (broker, worker, held) => (held.ack(1), broker.ack(worker, [held]))],
    [
      'acknowledged with others',
      (broker, worker, held) => ([1, 2, 3].forEach((index) => held.ack(index)), broker.ack(worker, [held])),
    ],
    [
      'retried',
      (broker, worker, held) => broker.retry(worker, places(held, 1)[0]!, retryOf(places(held, 1)[0]!, 60_000)),
    ],
    ['buried', (broker, worker, held) => broker.bury(worker, places(held, 1)[0]!, 'id', '{}')],
    [
      'settled with its whole take',
      (broker, worker, held) => ([1, 2, 3, 4].forEach((index) => held.ack(index)), broker.ack(worker, [held])),
    ],
  ])('brings the next one when the first is %s', async (_how, settle) => {
    const broker = await withQuarantined(2, 'a', 'b', 'c');
    const worker = await aWorker(broker);
    const held = await take(broker, worker, 1);
    await settle(broker, worker, held);
    expect(textsOf(await take(broker, worker, 2))).toEqual([quarantined(1)]);
  });

  // The other indexes begin with 1 too, like the index of the quarantined message.
  it('brings no second one if only other messages of its take are settled', async () => {
    const broker = await withQuarantined(2, ...Array.from({ length: 20 }, (_, index) => `${index}`));
    const worker = await aWorker(broker);
    const held = await take(broker, worker, 1, 15);
    for (const index of [10, 11, 12]) held.ack(index);
    await broker.ack(worker, [held]);
    await broker.bury(worker, places(held, 14)[0]!, 'id', '{}');
    expect(textsOf(await take(broker, worker, 2, 1))).toEqual(['14']);
  });

  it('puts a released one back to the head of the quarantine', async () => {
    const broker = await withQuarantined(2);
    const worker = await aWorker(broker);
    await broker.release(worker, places(await take(broker, worker, 1)));
    expect(await list(broker.keys.quarantine)).toEqual([quarantined(0), quarantined(1)]);
  });
});

describe('ack', () => {
  it('removes a take when all its messages are done', async () => {
    const { broker, worker, held } = await holding(3);
    for (const index of [2, 1, 3]) held.ack(index);
    expect(await broker.ack(worker, [held])).toBe('done');
    expect(await fieldsOf(broker, worker)).toEqual(['seq']);
    await broker.leave(worker);
    expect(await broker.reader.size(at)).toBe(0);
  });

  it('keeps a take that is partly done: the rest goes back when the worker leaves', async () => {
    const { broker, worker, held } = await holding(12);
    for (const index of [1, 2, 3, 5, 10, 12]) held.ack(index);
    expect(await broker.ack(worker, [held])).toBe('done');
    expect(await redis().hget(broker.keys.claims(worker), 'a1')).toBe('6 12 1-3,5,10,12');
    await broker.leave(worker);
    expect(await list(broker.keys.base)).toEqual([4, 6, 7, 8, 9, 11].map((index) => `#id 0 0\n${index - 1}`));
  });

  it('that arrives late or twice does not undo newer acknowledgements', async () => {
    const { broker, worker, held } = await holding(4);
    const states = ['1', '1-2', '1-2,4'].map((acked) => inState(held, acked));
    expect(await broker.ack(worker, [states[1]!])).toBe('done');
    expect(await broker.ack(worker, [states[2]!])).toBe('done');
    expect(await broker.ack(worker, [states[0]!])).toBe('already');
    expect(await broker.ack(worker, [states[2]!])).toBe('already');
    expect(await redis().hget(broker.keys.claims(worker), 'a1')).toBe('3 4 1-2,4');
    expect(await broker.ack(worker, [inState(held, '1-4')])).toBe('done');
    expect(await broker.ack(worker, [states[2]!])).toBe('already');
    expect(await fieldsOf(broker, worker)).toEqual(['seq']);
  });

  it('settles several takes in one call, and replies "already" if one of them was settled before', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b', 'c', 'd', 'e', 'f'] }, at);
    const worker = await aWorker(broker);
    const [one, two, three] = [
      await take(broker, worker, 1, 2),
      await take(broker, worker, 2, 2),
      await take(broker, worker, 3, 2),
    ];
    const over = inState(one, '1-2');
    expect(await broker.ack(worker, [over, inState(two, '2')])).toBe('done');
    expect(await broker.ack(worker, [over, inState(two, '1-2'), inState(three, '1')])).toBe('already');
    expect(await fieldsOf(broker, worker)).toEqual(['a3', 'seq', 't3']);
    await broker.leave(worker);
    expect(await list(broker.keys.base)).toEqual(['f']);
    expect(await broker.ack(worker, [inState(three, '1-2')])).toBe('lost');
  });

  it('removes the marks of retried, buried and released messages with their take', async () => {
    const { broker, worker, held } = await holding(3);
    await broker.bury(worker, places(held, 2)[0]!, 'id', '{}');
    await broker.release(worker, places(held, 3));
    expect(await fieldsOf(broker, worker)).toEqual(['a1', 'e1.2', 'e1.3', 'seq', 't1']);
    expect(await broker.ack(worker, [inState(held, '1', '2,3')])).toBe('done');
    expect(await fieldsOf(broker, worker)).toEqual(['seq']);
  });

  it('removes the mark of a quarantined message with its take', async () => {
    const broker = aBroker();
    await redis().rpush(broker.keys.quarantine, '#quarantined 0 2\nx');
    const worker = await aWorker(broker);
    await broker.ack(worker, [inState(await take(broker, worker, 1), '1')]);
    expect(await fieldsOf(broker, worker)).toEqual(['seq']);
  });

  // The JavaScript engine has no such limit, and needs half a minute for this number.
  it.runIf(serverKind() === 'redis')(
    'removes a take with more settled messages than Lua can unpack at once',
    async () => {
      const { broker, worker, held } = await holding(9_000);
      await redis().hset(
        broker.keys.claims(worker),
        Object.fromEntries(Array.from({ length: held.size }, (_, place) => [`e1.${place + 1}`, '1'])),
      );
      for (let index = 1; index <= held.size; index++) held.confirm(index);
      expect(await broker.ack(worker, [held])).toBe('done');
      expect(await fieldsOf(broker, worker)).toEqual(['seq']);
    },
  );
});

describe('settling', () => {
  it('replies "done", "already" or "lost", for each verb', async () => {
    const settle: Record<
      string,
      (broker: Broker, worker: string, place: { take: Take; index: number }) => Promise<string>
    > = {
      ack: (broker, worker, { take: held, index }) => (held.ack(index), broker.ack(worker, [held])),
      retry: (broker, worker, place) => broker.retry(worker, place, retryOf(place, 0)),
      bury: (broker, worker, place) => broker.bury(worker, place, 'id', '{}'),
      release: (broker, worker, place) => broker.release(worker, [place]),
    };
    for (const [verb, send] of Object.entries(settle)) {
      const { broker, worker, held } = await holding(1);
      const place = { take: held, index: 1 };
      expect([verb, await send(broker, worker, place), await send(broker, worker, place)]).toEqual([
        verb,
        'done',
        'already',
      ]);
      await broker.leave(worker);
      expect([verb, await send(broker, worker, place)]).toEqual([verb, 'lost']);
    }
  });

  it.each<[string, (broker: Broker, worker: string, place: { take: Take; index: number }) => Promise<string>]>([
    ['retry', (broker, worker, place) => broker.retry(worker, place, retryOf(place, 0))],
    ['retry later', (broker, worker, place) => broker.retry(worker, place, retryOf(place, 60_000))],
    ['bury', (broker, worker, place) => broker.bury(worker, place, 'id', '{}')],
    ['release', (broker, worker, place) => broker.release(worker, [place])],
  ])('%s: settles only its message, and later calls do not settle it again', async (_verb, send) => {
    const { broker, worker, held } = await holding(3);
    await send(broker, worker, { take: held, index: 2 });
    const elsewhere = async (): Promise<number> =>
      (await broker.reader.size(at)) +
      (await redis().zcard(broker.keys.delayed)) +
      (await redis().zcard(broker.keys.dead));
    expect(await elsewhere()).toBe(1);
    for (const late of [
      broker.release(worker, places(held, 2)),
      broker.bury(worker, { take: held, index: 2 }, 'id', '{}'),
      broker.retry(worker, { take: held, index: 2 }, retryOf({ take: held, index: 2 }, 0)),
    ])
      expect(await late).toBe('already');
    expect(await elsewhere()).toBe(1);
    expect(textsOf(await take(broker, worker, 1))).toEqual(['#id 0 0\n0', '#id 0 0\n2']);
  });

  it('retries at once to the tail, with a new header and the same payload', async () => {
    const { broker, worker, held } = await holding(2);
    await broker.retry(
      worker,
      { take: held, index: 1 },
      retryOf({ take: held, index: 1 }, 0, { message: Buffer.from('#id 1 0\n0') }),
    );
    await broker.release(worker, places(held, 2));
    expect(await broker.reader.peek(10, at)).toEqual(['#id 0 0\n1', '#id 1 0\n0']);
  });

  it('retries with a delay, and promotes due messages; equal ids do not overwrite each other', async () => {
    const { broker, worker, held } = await holding(2);
    for (const place of places(held)) await broker.retry(worker, place, retryOf(place, 1));
    let promoted = 0;
    await until(
      async () => (promoted += (await broker.promote()).promoted),
      (sum) => sum === 2,
    );
    expect(await broker.reader.peek(10, at)).toEqual(['#id 0 0\n0', '#id 0 0\n1']);
    expect(await redis().exists(broker.keys.delayed, broker.keys.delayedMessages)).toBe(0);
  });

  it('promotes no message before it is due', async () => {
    const { broker, worker, held } = await holding(1);
    await broker.retry(worker, { take: held, index: 1 }, retryOf({ take: held, index: 1 }, 60_000));
    expect((await broker.promote()).promoted).toBe(0);
  });

  it('buries messages byte for byte, also several with the same id', async () => {
    const { broker, worker, held } = await holding(2);
    await broker.bury(worker, { take: held, index: 1 }, 'id', '{"reason":"one"}');
    await broker.bury(worker, { take: held, index: 2 }, 'id', '{"reason":"two"}');
    expect(await redis().hvals(broker.keys.deadMessages)).toEqual([
      '{"reason":"one"}\n#id 0 0\n0',
      '{"reason":"two"}\n#id 0 0\n1',
    ]);
    expect(await redis().zcard(broker.keys.dead)).toBe(2);
  });

  it('keeps bytes that are not text, for a bury, a retry and a release', async () => {
    const broker = aBroker();
    const bytes = Buffer.from([0x80, 0xff, 0x00, 0x0a, 0xc3]);
    await redis().rpush(broker.keys.base, bytes, bytes, bytes);
    const worker = await aWorker(broker);
    const held = await take(broker, worker, 1);
    await broker.bury(worker, { take: held, index: 1 }, 'dead', '{}');
    await broker.retry(worker, { take: held, index: 2 }, retryOf({ take: held, index: 2 }, 60_000, { id: 'late' }));
    await broker.release(worker, places(held, 3));
    expect(
      (await redis().hgetBuffer(broker.keys.deadMessages, 'dead'))!.equals(Buffer.concat([Buffer.from('{}\n'), bytes])),
    ).toBe(true);
    expect(
      (await redis().hgetBuffer(broker.keys.delayedMessages, 'late'))!.equals(Buffer.concat([Buffer.from('b'), bytes])),
    ).toBe(true);
    expect((await redis().lrangeBuffer(broker.keys.base, 0, 0))[0]!.equals(bytes)).toBe(true);
  });

  it('releases messages to the head in the order of the take, before those of the inbox', async () => {
    const { broker, worker, held } = await holding(3);
    await redis().rpush(broker.keys.base, 'later', 'last');
    await redis().lmove(broker.keys.base, broker.keys.inbox, 'LEFT', 'RIGHT');
    expect(await broker.release(worker, places(held))).toBe('done');
    expect(await broker.reader.peek(10, at)).toEqual(['#id 0 0\n0', '#id 0 0\n1', '#id 0 0\n2', 'later', 'last']);
  });

  it('releases messages of several takes in the order of the takes', async () => {
    const broker = aBroker();
    await broker.put(
      { producer: 'producer', number: 1, messages: Array.from({ length: 15 }, (_, index) => `${index}`) },
      at,
    );
    const worker = await aWorker(broker);
    const takes = [await take(broker, worker, 9, 12), await take(broker, worker, 10, 3)];
    await broker.release(
      worker,
      takes.flatMap((held) => places(held)),
    );
    expect(await list(broker.keys.base)).toEqual(Array.from({ length: 15 }, (_, index) => `${index}`));
  });
});

describe('leave', () => {
  it('gives back all unsettled messages, in order, and removes the worker from the registry', async () => {
    const { broker, worker, held } = await holding(12);
    await broker.put({ producer: 'producer', number: 2, messages: ['more', 'last'] }, at);
    const second = await take(broker, worker, 2);
    held.ack(3);
    await broker.ack(worker, [held]);
    await broker.bury(worker, places(held, 5)[0]!, 'id', '{}');
    await broker.bury(worker, places(second, 1)[0]!, 'id', '{}');
    await broker.leave(worker);
    expect(await broker.reader.peek(20, at)).toEqual([
      ...[0, 1, 3, 5, 6, 7, 8, 9, 10, 11].map((index) => `#id 0 0\n${index}`),
      'last',
    ]);
    expect(await redis().exists(broker.keys.claims(worker), broker.keys.workers, broker.keys.registry)).toBe(0);
    await broker.leave(worker); // sent again
    expect(await broker.reader.size(at)).toBe(11);
  });

  it('gives each message back to its lane', async () => {
    const broker = aBroker();
    const { quarantine, requeued, high, base, low } = broker.keys;
    for (const key of [quarantine, requeued, high, base, low]) await redis().rpush(key, key);
    const worker = await aWorker(broker);
    expect((await take(broker, worker, 1)).lanes).toBe('sahbl');
    await broker.leave(worker);
    for (const key of [quarantine, requeued, high, base, low]) expect(await list(key)).toEqual([key]);
  });
});

describe('beat', () => {
  /** A worker with two takes of two messages each. */
  async function twice(): Promise<{ broker: Broker; worker: string; one: Take; two: Take }> {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b', 'c', 'd', 'e'] }, at);
    const worker = await aWorker(broker);
    return { broker, worker, one: await take(broker, worker, 1, 2), two: await take(broker, worker, 2, 2) };
  }

  it('gives back takes that the worker does not know, but never the take in flight', async () => {
    const { broker, worker, one, two } = await twice();
    await broker.beat(worker, 3, [one, two], at);
    expect(await list(broker.keys.base)).toEqual(['e']);
    await broker.beat(worker, 2, [one], at); // the reply to take 2 is still in flight
    expect(await list(broker.keys.base)).toEqual(['e']);
    await broker.beat(worker, 2, [], at);
    expect(await list(broker.keys.base)).toEqual(['a', 'b', 'e']);
    await broker.beat(worker, 3, [], at);
    expect(await list(broker.keys.base)).toEqual(['c', 'd', 'a', 'b', 'e']);
    expect(await fieldsOf(broker, worker)).toEqual(['seq']);
  });

  it('gives back only the unsettled messages of such a take, and removes the take', async () => {
    const broker = aBroker();
    await broker.put(
      { producer: 'producer', number: 1, messages: Array.from({ length: 12 }, (_, index) => `${index}`) },
      at,
    );
    await redis().rpush(broker.keys.quarantine, '#quarantined 0 2\nx');
    const worker = await aWorker(broker);
    const held = await take(broker, worker, 1, 13);
    for (const index of [2, 3, 4, 11]) held.ack(index);
    await broker.ack(worker, [held]);
    await broker.bury(worker, places(held, 7)[0]!, 'id', '{}');
    await broker.beat(worker, 2, [], at);
    expect(await list(broker.keys.base)).toEqual(['3', '4', '6', '7', '8', '10', '11']);
    expect(await list(broker.keys.quarantine)).toEqual(['#quarantined 0 2\nx']);
    expect(await fieldsOf(broker, worker)).toEqual(['seq']);
  });

  it('writes an acknowledgement again that a failover rolled back, but no older one', async () => {
    const { broker, worker, one, two } = await twice();
    one.ack(2);
    await broker.ack(worker, [one]);
    await redis().hset(broker.keys.claims(worker), 'a1', '0 2 ');
    await broker.beat(worker, 3, [one, two], at);
    expect(await redis().hget(broker.keys.claims(worker), 'a1')).toBe('1 2 2');
    await broker.beat(worker, 3, [inState(one, ''), two], at);
    expect(await redis().hget(broker.keys.claims(worker), 'a1')).toBe('1 2 2');
  });

  it('does not restore a finished take', async () => {
    const { broker, worker, one, two } = await twice();
    await broker.ack(worker, [inState(one, '1-2')]);
    await broker.beat(worker, 3, [inState(one, '1-2'), two], at);
    expect(await fieldsOf(broker, worker)).toEqual(['a2', 'seq', 't2']);
  });

  it('is refused to an unregistered worker, and changes nothing', async () => {
    const { broker, worker } = await twice();
    await redis().zrem(broker.keys.workers, worker);
    expect(await broker.beat(worker, 3, [], at)).toBe('lost');
    expect(await list(broker.keys.base)).toEqual(['e']);
    expect(await redis().zcard(broker.keys.workers)).toBe(0);
  });
});

describe('recover', () => {
  const quarantined = '#quarantined 4 2 a=9\n"quarantined"';

  /** A worker with a quarantined message and three others in one take, and one more message in a second take. */
  async function dying(process = randomUUID()): Promise<{ broker: Broker; worker: string; one: Take; two: Take }> {
    const broker = aBroker();
    await redis().rpush(broker.keys.quarantine, quarantined);
    await redis().rpush(broker.keys.base, '#a 0 0\n1', '#b 1 1\n2', 'bare', '#c 0 0\n3');
    const worker = await aWorker(broker, undefined, process);
    return { broker, worker, one: await take(broker, worker, 1, 4), two: await take(broker, worker, 2) };
  }

  it('counts only the crash of a quarantined message: it is buried, and all others go back unchanged', async () => {
    const { broker, worker } = await dying();
    await endLease(broker, worker);
    expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 4, quarantined: 0, buried: 1 });
    expect(await list(broker.keys.base)).toEqual(['#a 0 0\n1', '#b 1 1\n2', 'bare', '#c 0 0\n3']);
    expect(await redis().hgetall(broker.keys.deadMessages)).toEqual({
      quarantined: `{"lane":"s","reason":"its worker died 3 times","attempts":4,"worker":"${worker}"}\n#quarantined 4 3 a=9\n"quarantined"`,
    });
    expect(
      await redis().exists(
        broker.keys.quarantine,
        broker.keys.claims(worker),
        broker.keys.workers,
        broker.keys.registry,
      ),
    ).toBe(0);
  });

  it.each<[string, (broker: Broker, worker: string, held: Take) => Promise<unknown>]>([
    ['acknowledged', (broker, worker, held) => broker.ack(worker, [inState(held, '1')])],
    [
      'retried',
      (broker, worker, held) => broker.retry(worker, places(held, 1)[0]!, retryOf(places(held, 1)[0]!, 60_000)),
    ],
    ['buried', (broker, worker, held) => broker.bury(worker, places(held, 1)[0]!, 'id', '{}')],
    ['over with its take', (broker, worker, held) => broker.ack(worker, [inState(held, '1-4')])],
  ])('counts the crash of each message if the quarantined message was %s before', async (how, settle) => {
    const { broker, worker, one } = await dying();
    await settle(broker, worker, one);
    await endLease(broker, worker);
    const left = how === 'over with its take' ? ['#c 0 1\n3'] : ['#a 0 1\n1', `#${worker}.b1.4 0 1\nbare`, '#c 0 1\n3'];
    expect(await broker.recover(worker, 'hotqueue', at)).toEqual({
      waiting: left.length,
      quarantined: how === 'over with its take' ? 0 : 1,
      buried: 0,
    });
    expect(await list(broker.keys.base)).toEqual(left);
    if (left.length > 1) expect(await list(broker.keys.quarantine)).toEqual(['#b 1 2\n2']);
  });

  it('moves messages with one crash less than the limit to the head of the quarantine, in their order', async () => {
    const broker = aBroker();
    await redis().rpush(broker.keys.base, '#a 0 1\n1', '#b 0 0\n2', '#c 0 1\n3');
    const worker = await aWorker(broker);
    await take(broker, worker, 1);
    await redis().rpush(broker.keys.quarantine, 'waiting');
    await endLease(broker, worker);
    expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 1, quarantined: 2, buried: 0 });
    expect(await list(broker.keys.quarantine)).toEqual(['#a 0 2\n1', '#c 0 2\n3', 'waiting']);
    expect(await list(broker.keys.base)).toEqual(['#b 0 1\n2']);
  });

  it('skips settled messages', async () => {
    const { broker, worker, held } = await holding(12);
    await broker.ack(worker, [inState(held, '2-4,11')]);
    await broker.bury(worker, places(held, 7)[0]!, 'dead', '{}');
    await endLease(broker, worker);
    expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 7, quarantined: 0, buried: 0 });
    expect(await list(broker.keys.base)).toEqual([0, 4, 5, 7, 8, 9, 11].map((index) => `#id 0 1\n${index}`));
  });

  it('on a plain queue adds no header without a counted crash, and puts messages with a crash into a list that Python does not read', async () => {
    const [spared, blamed] = [aBroker(), aBroker()];
    await redis().rpush(spared.keys.quarantine, '#quarantined 0 2\nx');
    for (const broker of [spared, blamed]) {
      await redis().rpush(broker.keys.base, '{"n":1}');
      const worker = await aWorker(broker, `worker-${broker.keys.base}`);
      await take(broker, worker, 1);
      await endLease(broker, worker);
      await broker.recover(worker, 'plain', at);
    }
    expect([await list(spared.keys.base), await list(spared.keys.requeued)]).toEqual([['{"n":1}'], []]);
    expect([await list(blamed.keys.base), await list(blamed.keys.requeued)]).toEqual([
      [],
      [`#worker-${blamed.keys.base}.b1.1 0 1\n{"n":1}`],
    ]);
  });

  describe('of a process with several workers', () => {
    /** A worker without a quarantined message, with an expired lease. */
    async function neighbour(process: string): Promise<{ broker: Broker; worker: string }> {
      const broker = aBroker();
      await redis().rpush(broker.keys.base, '#a 0 1\n1', 'bare');
      const worker = await aWorker(broker, undefined, process);
      await take(broker, worker, 1);
      await endLease(broker, worker);
      return { broker, worker };
    }

    it('counts no crash if another worker of the process held a quarantined message, in any queue', async () => {
      const process = randomUUID();
      const { broker: holding, worker: holder } = await dying(process);
      await holding.noteQuarantined(process, holder);
      const { broker, worker } = await neighbour(process);
      expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 2, quarantined: 0, buried: 0 });
      expect(await list(broker.keys.base)).toEqual(['#a 0 1\n1', 'bare']);
      // The quarantined message counts the crash, in either order of recovery.
      await endLease(holding, holder);
      expect(await holding.recover(holder, 'hotqueue', at)).toMatchObject({ buried: 1 });
    });

    it('counts the crash of each quarantined message if several workers held one', async () => {
      const process = randomUUID();
      const both = [await dying(process), await dying(process)];
      for (const { broker, worker } of both) await broker.noteQuarantined(process, worker);
      for (const { broker, worker } of both) {
        await endLease(broker, worker);
        expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 4, quarantined: 0, buried: 1 });
      }
    });

    it.each<[string, (broker: Broker, process: string, worker: string) => Promise<unknown>]>([
      ['no worker held a quarantined message', () => Promise.resolve()],
      ['another process held a quarantined message', (broker) => broker.noteQuarantined(randomUUID(), 'other')],
      [
        'the other worker had settled its quarantined message',
        async (broker, process) => (
          await broker.noteQuarantined(process, 'other'),
          broker.forgetQuarantined(process, 'other')
        ),
      ],
      [
        'the worker itself had settled its quarantined message',
        (broker, process, worker) => broker.noteQuarantined(process, worker),
      ],
    ])('counts the crash of each message if %s', async (_what, note) => {
      const process = randomUUID();
      const { broker, worker } = await neighbour(process);
      await note(broker, process, worker);
      expect(await broker.recover(worker, 'hotqueue', at)).toEqual({ waiting: 1, quarantined: 1, buried: 0 });
      expect(await list(broker.keys.quarantine)).toEqual(['#a 0 2\n1']);
    });

    it('lets the note about a process expire after a day', async () => {
      const process = randomUUID();
      const broker = aBroker();
      await broker.noteQuarantined(process, 'one');
      await broker.noteQuarantined(process, 'two');
      await broker.forgetQuarantined(process, 'one');
      expect(await redis().hkeys(broker.keys.quarantineOf(process))).toEqual(['two']);
      expect(await redis().pttl(broker.keys.quarantineOf(process))).toBeGreaterThan(86_000_000);
    });
  });
});

describe('held', () => {
  it('counts the unsettled messages of all takes', async () => {
    const { broker, worker, held } = await holding(5);
    await broker.put({ producer: 'producer', number: 2, messages: ['more', 'last'] }, at);
    await take(broker, worker, 2);
    expect(await broker.reader.activeOf(worker, at)).toBe(7);
    await broker.ack(worker, [inState(held, '1,3')]);
    await broker.bury(worker, places(held, 5)[0]!, 'id', '{}');
    expect(await broker.reader.activeOf(worker, at)).toBe(4);
    await broker.ack(worker, [inState(held, '1-4', '5')]);
    expect(await broker.reader.activeOf(worker, at)).toBe(2);
    await broker.leave(worker);
    expect(await broker.reader.activeOf(worker, at)).toBe(0);
  });

  it('counts no message of a take that is finished while its fields are read', async () => {
    const { broker, worker, held } = await holding(3);
    await broker.put({ producer: 'producer', number: 2, messages: ['more'] }, at);
    await take(broker, worker, 2);
    for (const place of places(held, 2, 3)) await broker.bury(worker, place, 'id', '{}');
    const { connection } = broker;
    const call = connection.call.bind(connection);
    const listing = vi.spyOn(connection, 'call').mockImplementationOnce(async (send, patience) => {
      const fields = await call(send, patience);
      await broker.ack(worker, [inState(held, '1', '2,3')]);
      return fields;
    });
    expect(await broker.reader.activeOf(worker, at)).toBe(1);
    listing.mockRestore();
  });

  it('counts the messages of a worker of an earlier version, which has one field for each', async () => {
    const broker = aBroker();
    await redis().hset(broker.keys.claims('old'), { seq: '1 2', 'a1.1': '#a 1 0\n"again"', 'b1.2': '#b 0 0\n"base"' });
    expect(await broker.reader.activeOf('old', at)).toBe(2);
  });
});

describe('clear', () => {
  it('drops waiting and delayed messages, once for each request', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a', 'b'] }, at);
    expect(await broker.clear('request', at)).toBe(2);
    await broker.put({ producer: 'producer', number: 2, messages: ['c'] }, at);
    expect(await broker.clear('request', at)).toBe(2);
    expect(await broker.reader.size(at)).toBe(1);
  });
});

describe('a script that the server no longer has', () => {
  it('is sent again as source text, also if its reply is bytes', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, messages: ['a'] }, at);
    const worker = await aWorker(broker);
    await redis().script('FLUSH');
    await broker.put({ producer: 'producer', number: 2, messages: ['b'] }, at);
    expect(await broker.reader.size(at)).toBe(2);
    await redis().script('FLUSH');
    expect(textsOf(await take(broker, worker, 1))).toEqual(['a', 'b']);
  });
});
