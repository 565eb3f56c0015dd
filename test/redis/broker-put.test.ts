import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Broker, Postponed, PutTerms } from '../../src/redis/broker.js';
import { until } from '../support/facts.js';
import { aBroker, redis } from '../support/queue.js';

const at = { withinMs: 5_000 };
const hour = 3_600_000;
const all = (count: number) => ({ accepted: count, duplicates: [] });
const own = (...ids: string[]): PutTerms => ({ own: { ids, forMs: hour } });
const limited = (most: number, ...calls: number[]): PutTerms => ({ limit: { most, calls } });
const postponed = (...ids: string[]): Postponed[] => ids.map((id) => ({ id, due: { afterMs: hour }, lane: 'b', message: `message ${id}` }));
const delayedIds = (broker: Broker): Promise<string[]> => redis().zrange(broker.keys.delayed, 0, '-1');

/** Both ways to put, so that what holds for one is asked of the other. */
const ways = {
  put: (broker: Broker, number: number, ids: readonly string[], terms?: PutTerms) => broker.put('producer', number, ids, at, 'b', terms),
  delay: async (broker: Broker, number: number, ids: readonly string[], terms?: PutTerms) => {
    const { accepted, duplicates } = await broker.delay('producer', number, postponed(...ids), at, terms);
    return { accepted, duplicates };
  },
};
const countOf = async (broker: Broker): Promise<number> => (await broker.size(at)) + (await redis().zcard(broker.keys.delayed));

describe.each(Object.entries(ways))('%s', (_way, put) => {
  it('stores a number once, and answers it the same however often it is sent', async () => {
    const broker = aBroker();
    expect(await put(broker, 1, ['a', 'b'])).toEqual(all(2));
    expect(await put(broker, 1, ['a', 'b'])).toEqual(all(2));
    expect(await put(broker, 2, ['c'])).toEqual(all(1));
    await put(broker, 1, ['a', 'b']); // a ghost, which nobody waits for
    expect(await countOf(broker)).toBe(3);
  });

  it('shares its numbers with the other way', async () => {
    const broker = aBroker();
    await put(broker, 5, ['a']);
    for (const other of Object.values(ways)) await other(broker, 4, ['ghost']);
    for (const other of Object.values(ways)) await other(broker, 5, ['ghost']);
    expect(await countOf(broker)).toBe(1);
  });

  it('stores whole calls from the first as long as there is room, and says how many messages that were', async () => {
    const broker = aBroker();
    expect(await put(broker, 1, ['a', 'b', 'c', 'd', 'e'], limited(4, 1, 2, 2))).toEqual(all(3));
    expect(await countOf(broker)).toBe(3);
    expect(await put(broker, 2, ['d', 'e', 'f'], limited(4, 2, 1))).toEqual(all(0)); // nothing overtakes what found no room
    expect(await countOf(broker)).toBe(3);
  });

  it('never stores late what it refused, though there is room by now', async () => {
    const broker = aBroker();
    await put(broker, 1, ['a'], limited(1, 1));
    expect(await put(broker, 2, ['b'], limited(1, 1))).toEqual(all(0));
    await broker.clear('request', at);
    expect(await put(broker, 2, ['b'], limited(1, 1))).toEqual(all(0));
    expect(await countOf(broker)).toBe(0);
  });

  it('counts every list, and what is delayed', async () => {
    const broker = aBroker();
    const { base, inbox, high, low, again, suspects, delayed } = broker.keys;
    for (const list of [base, inbox, high, low, again, suspects]) await redis().rpush(list, 'x');
    await redis().zadd(delayed, 1, 'x');
    expect(await put(broker, 1, ['a'], limited(7, 1))).toEqual(all(0));
    expect(await put(broker, 2, ['a'], limited(8, 1))).toEqual(all(1));
  });

  it('stores an id of the caller’s own once in its window, and answers a number that is sent again the same', async () => {
    const broker = aBroker();
    expect(await put(broker, 1, ['a', 'b'], own('a', 'b'))).toEqual(all(2));
    expect(await put(broker, 1, ['a', 'b'], own('a', 'b'))).toEqual(all(2));
    expect(await put(broker, 2, ['b', 'c', 'c'], own('b', 'c', 'c'))).toEqual({ accepted: 3, duplicates: [0, 2] });
    expect(await put(broker, 2, ['b', 'c', 'c'], own('b', 'c', 'c'))).toEqual({ accepted: 3, duplicates: [0, 2] });
    expect(await countOf(broker)).toBe(3);
    const left = await redis().pttl(broker.keys.mark('a'));
    expect(left).toBeGreaterThan(hour - 60_000);
    expect(left).toBeLessThanOrEqual(hour);
  });

  it('knows its own batch again by the marks, should Redis have forgotten the producer', async () => {
    const broker = aBroker();
    await put(broker, 1, ['a'], own('a'));
    await redis().del(broker.keys.producer('producer'));
    expect(await put(broker, 1, ['a', 'a'], own('a', 'a'))).toEqual({ accepted: 2, duplicates: [1] });
    expect(await countOf(broker)).toBe(1);
  });

  it('gives no room to duplicates, and marks nothing that it refuses', async () => {
    const broker = aBroker();
    await put(broker, 1, ['a'], own('a'));
    const terms = { ...own('a', 'b', 'c'), ...limited(2, 1, 1, 1) };
    expect(await put(broker, 2, ['a', 'b', 'c'], terms)).toEqual({ accepted: 2, duplicates: [0] });
    expect(await redis().exists(broker.keys.mark('c'))).toBe(0);
  });
});

describe('put', () => {
  it('rings with the next message where base is empty: inbox before high before low', async () => {
    const broker = aBroker();
    const { base, inbox, high, low } = broker.keys;
    await broker.put('producer', 1, ['h1', 'h2'], at, 'h');
    expect(await redis().lrange(base, 0, -1)).toEqual(['h1']);
    await redis().lmove(base, inbox, 'LEFT', 'RIGHT');
    await broker.put('producer', 2, ['l1'], at, 'l');
    expect(await redis().lrange(base, 0, -1)).toEqual(['h1']);
    await redis().del(base);
    await broker.put('producer', 3, ['l2'], at, 'l');
    expect(await redis().lrange(base, 0, -1)).toEqual(['h2']);
    expect(await redis().lrange(low, 0, -1)).toEqual(['l1', 'l2']);
    expect(await redis().exists(high)).toBe(0);
  });

  it('stores more than Lua can unpack at once, under ids of their own too', async () => {
    const broker = aBroker();
    const many = Array.from({ length: 9_500 }, (_, index) => String(index));
    expect(await broker.put('producer', 1, many, at, 'l', own(...many))).toEqual(all(9_500));
    expect(await broker.size(at)).toBe(9_500);
  });
});

describe('delay', () => {
  it('keeps the order in which equal times were put, and tells equal ids apart', async () => {
    const broker = aBroker();
    await broker.delay('producer', 1, postponed('1', '2', '2', '3'), at);
    expect(await delayedIds(broker)).toEqual(['1', '2', '2~1', '3']);
    expect(await redis().hget(broker.keys.delayedMessages, '2~1')).toBe('bmessage 2');
  });

  it('says when the next is due, also when it is asked again', async () => {
    const broker = aBroker();
    for (const _ of [1, 2]) {
      const { nextDueMs } = await broker.delay('producer', 1, postponed('a'), at);
      expect(nextDueMs).toBeGreaterThan(hour - 60_000);
      expect(nextDueMs).toBeLessThanOrEqual(hour);
    }
    expect((await broker.delay('producer', 2, [{ id: 'b', due: { at: 1 }, lane: 'h', message: 'b' }], at)).nextDueMs).toBe(0);
  });

  it('brings each message to its own lane when it is due', async () => {
    const broker = aBroker();
    const { high, base, low } = broker.keys;
    await redis().rpush(base, 'bell');
    const messages = (['h', 'b', 'l'] as const).map((lane) => ({ id: lane, due: { afterMs: 1 }, lane, message: lane }));
    await broker.delay('producer', 1, messages, at);
    let promoted = 0;
    await until(async () => (promoted += (await broker.promote(at)).promoted), (sum) => sum === 3);
    const lists = await Promise.all([high, base, low].map((list) => redis().lrange(list, 0, -1)));
    expect(lists).toEqual([['h'], ['bell', 'b'], ['l']]);
  });
});

describe('move', () => {
  it('gives another time, and makes ready what is due now, ringing for it', async () => {
    const broker = aBroker();
    await broker.delay('producer', 1, [{ id: 'a', due: { afterMs: 1_000_000 }, lane: 'h', message: 'a' }], at);
    const later = await broker.move('a', { at: Date.now() + hour }, randomUUID(), at);
    expect(later.isMoved).toBe(true);
    expect(later.nextDueMs).toBeGreaterThan(hour - 60_000);
    expect(await broker.move('a', { afterMs: 0 }, randomUUID(), at)).toEqual({ isMoved: true });
    expect(await redis().lrange(broker.keys.base, 0, -1)).toEqual(['a']);
    expect(await redis().exists(broker.keys.delayed, broker.keys.delayedMessages)).toBe(0);
    expect(await broker.move('a', { afterMs: 0 }, randomUUID(), at)).toEqual({ isMoved: false });
  });

  it('that is sent again, or comes late, is answered the same and changes nothing', async () => {
    const broker = aBroker();
    await broker.delay('producer', 1, postponed('a'), at);
    const [first, second] = [randomUUID(), randomUUID()];
    await broker.move('a', { at: Date.now() + 5 * hour }, first, at);
    await broker.move('a', { at: Date.now() + 9 * hour }, second, at);
    const due = await redis().zscore(broker.keys.delayed, 'a');
    expect((await broker.move('a', { at: Date.now() + 5 * hour }, first, at)).isMoved).toBe(true);
    expect(await redis().zscore(broker.keys.delayed, 'a')).toBe(due);
    const last = randomUUID();
    for (const _ of [1, 2]) expect((await broker.move('a', { afterMs: 0 }, last, at)).isMoved).toBe(true);
    expect(await broker.size(at)).toBe(1);
  });
});

describe('cancel', () => {
  it('drops a message, and says so again when it is sent again', async () => {
    const broker = aBroker();
    await broker.delay('producer', 1, postponed('a', 'b'), at);
    const request = randomUUID();
    for (const _ of [1, 2]) expect(await broker.cancel('a', request, at)).toBe(true);
    expect(await broker.cancel('a', randomUUID(), at)).toBe(false);
    expect(await delayedIds(broker)).toEqual(['b']);
    expect(await redis().hkeys(broker.keys.delayedMessages)).toEqual(['b']);
  });

  it('that comes late does not drop what was put under the same id since', async () => {
    const broker = aBroker();
    const request = randomUUID();
    await broker.delay('producer', 1, postponed('a'), at);
    await broker.cancel('a', request, at);
    await broker.delay('producer', 2, postponed('a'), at);
    await broker.cancel('a', request, at);
    expect(await delayedIds(broker)).toEqual(['a']);
  });
});
