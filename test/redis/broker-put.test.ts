import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../src/redis/broker.js';
import type { DelayedPut, PutBatch } from '../../src/redis/transitions.js';
import { until } from '../support/facts.js';
import { aBroker, redis } from '../support/queue.js';

const at = { withinMs: 5_000 };
const hour = 3_600_000;
type PutTerms = Pick<PutBatch, 'own' | 'limit'>;
const all = (count: number) => ({ accepted: count, duplicates: new Map() });
const own = (...ids: string[]): PutTerms => ({ own: { ids, forMs: hour } });
const limited = (most: number, ...calls: number[]): PutTerms => ({ limit: { most, calls } });
const postponed = (...ids: string[]): DelayedPut[] =>
  ids.map((id) => ({ id, due: { afterMs: hour }, lane: 'b', message: `message ${id}` }));
const delayedIds = (broker: Broker): Promise<string[]> => redis().zrange(broker.keys.delayed, 0, '-1');

/** Both ways to put: the same tests run for each. */
const ways = {
  put: (broker: Broker, number: number, ids: readonly string[], terms?: PutTerms) =>
    broker.put({ producer: 'producer', number, messages: ids, ...terms }, at),
  'put with a delay': async (broker: Broker, number: number, ids: readonly string[], terms?: PutTerms) => {
    const { accepted, duplicates } = await broker.put(
      { producer: 'producer', number, delayed: postponed(...ids), ...terms },
      at,
    );
    return { accepted, duplicates };
  },
};
const countOf = async (broker: Broker): Promise<number> =>
  (await broker.reader.size(at)) + (await redis().zcard(broker.keys.delayed));

describe.each(Object.entries(ways))('%s', (_way, put) => {
  it('stores a batch once for its number, and replies the same each time it is sent', async () => {
    const broker = aBroker();
    expect(await put(broker, 1, ['a', 'b'])).toEqual(all(2));
    expect(await put(broker, 1, ['a', 'b'])).toEqual(all(2));
    expect(await put(broker, 2, ['c'])).toEqual(all(1));
    await put(broker, 1, ['a', 'b']); // a late duplicate of the first call
    expect(await countOf(broker)).toBe(3);
  });

  it('shares its numbers with the other way', async () => {
    const broker = aBroker();
    await put(broker, 5, ['a']);
    for (const other of Object.values(ways)) await other(broker, 4, ['ghost']);
    for (const other of Object.values(ways)) await other(broker, 5, ['ghost']);
    expect(await countOf(broker)).toBe(1);
  });

  it('stores whole calls, from the first, while there is room, and replies with their number of messages', async () => {
    const broker = aBroker();
    expect(await put(broker, 1, ['a', 'b', 'c', 'd', 'e'], limited(4, 1, 2, 2))).toEqual(all(3));
    expect(await countOf(broker)).toBe(3);
    expect(await put(broker, 2, ['d', 'e', 'f'], limited(4, 2, 1))).toEqual(all(0)); // no call is stored after one that did not fit
    expect(await countOf(broker)).toBe(3);
  });

  it('never stores a refused batch when it is sent again, also if there is room now', async () => {
    const broker = aBroker();
    await put(broker, 1, ['a'], limited(1, 1));
    expect(await put(broker, 2, ['b'], limited(1, 1))).toEqual(all(0));
    await broker.clear('request', at);
    expect(await put(broker, 2, ['b'], limited(1, 1))).toEqual(all(0));
    expect(await countOf(broker)).toBe(0);
  });

  it('counts the messages of every list, and delayed messages', async () => {
    const broker = aBroker();
    const { base, inbox, high, low, requeued, quarantine, delayed } = broker.keys;
    for (const list of [base, inbox, high, low, requeued, quarantine]) await redis().rpush(list, 'x');
    await redis().zadd(delayed, 1, 'x');
    expect(await put(broker, 1, ['a'], limited(7, 1))).toEqual(all(0));
    expect(await put(broker, 2, ['a'], limited(8, 1))).toEqual(all(1));
  });

  it('stores a caller’s own id once within its time, and replies the same to a number that is sent again', async () => {
    const broker = aBroker();
    expect(await put(broker, 1, ['a', 'b'], own('a', 'b'))).toEqual(all(2));
    expect(await put(broker, 1, ['a', 'b'], own('a', 'b'))).toEqual(all(2));
    expect(await put(broker, 2, ['b', 'c', 'c'], own('b', 'c', 'c'))).toEqual({
      accepted: 3,
      duplicates: new Map([
        [0, undefined],
        [2, undefined],
      ]),
    });
    expect(await put(broker, 2, ['b', 'c', 'c'], own('b', 'c', 'c'))).toEqual({
      accepted: 3,
      duplicates: new Map([
        [0, undefined],
        [2, undefined],
      ]),
    });
    expect(await countOf(broker)).toBe(3);
    const left = await redis().pttl(broker.keys.mark('a'));
    expect(left).toBeGreaterThan(hour - 60_000);
    expect(left).toBeLessThanOrEqual(hour);
  });

  it('recognizes its own batch by the marks if Redis has lost the number of the put batcher', async () => {
    const broker = aBroker();
    await put(broker, 1, ['a'], own('a'));
    await redis().del(`${broker.keys.producers}producer`);
    expect(await put(broker, 1, ['a', 'a'], own('a', 'a'))).toEqual({
      accepted: 2,
      duplicates: new Map([[1, undefined]]),
    });
    expect(await countOf(broker)).toBe(1);
  });

  it('does not count duplicates against the limit, and does not mark refused ids', async () => {
    const broker = aBroker();
    await put(broker, 1, ['a'], own('a'));
    const terms = { ...own('a', 'b', 'c'), ...limited(2, 1, 1, 1) };
    expect(await put(broker, 2, ['a', 'b', 'c'], terms)).toEqual({
      accepted: 2,
      duplicates: new Map([[0, undefined]]),
    });
    expect(await redis().exists(broker.keys.mark('c'))).toBe(0);
  });
});

describe('put', () => {
  it('moves the next message to an empty base list, to wake a worker: from inbox, then high, then low', async () => {
    const broker = aBroker();
    const { base, inbox, high, low } = broker.keys;
    await broker.put({ producer: 'producer', number: 1, messages: ['h1', 'h2'], lane: 'h' }, at);
    expect(await redis().lrange(base, 0, -1)).toEqual(['h1']);
    await redis().lmove(base, inbox, 'LEFT', 'RIGHT');
    await broker.put({ producer: 'producer', number: 2, messages: ['l1'], lane: 'l' }, at);
    expect(await redis().lrange(base, 0, -1)).toEqual(['h1']);
    await redis().del(base);
    await broker.put({ producer: 'producer', number: 3, messages: ['l2'], lane: 'l' }, at);
    expect(await redis().lrange(base, 0, -1)).toEqual(['h2']);
    expect(await redis().lrange(low, 0, -1)).toEqual(['l1', 'l2']);
    expect(await redis().exists(high)).toBe(0);
  });

  it('stores more messages than Lua can unpack at once, also with callers’ own ids', async () => {
    const broker = aBroker();
    const many = Array.from({ length: 9_500 }, (_, index) => String(index));
    expect(
      await broker.put({ producer: 'producer', number: 1, messages: many, lane: 'l', ...own(...many) }, at),
    ).toEqual(all(9_500));
    expect(await broker.reader.size(at)).toBe(9_500);
  });
});

describe('put with a delay', () => {
  it('keeps the order of puts with equal due times, and stores equal ids separately', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, delayed: postponed('1', '2', '2', '3') }, at);
    expect(await delayedIds(broker)).toEqual(['1', '2', '2~1', '3']);
    expect(await redis().hget(broker.keys.delayedMessages, '2~1')).toBe('bmessage 2');
  });

  it('replies when the next message is due, also to a call that is sent again', async () => {
    const broker = aBroker();
    for (const _ of [1, 2]) {
      const { nextDueMs } = await broker.put({ producer: 'producer', number: 1, delayed: postponed('a') }, at);
      expect(nextDueMs).toBeGreaterThan(hour - 60_000);
      expect(nextDueMs).toBeLessThanOrEqual(hour);
    }
  });

  it('makes a message waiting at once if its time is past, by the clock of the server', async () => {
    const broker = aBroker();
    const delayed: DelayedPut[] = [
      { id: 'now', due: { at: (await broker.reader.now(at)) - 1 }, lane: 'h', message: 'now' },
      { id: 'later', due: { at: (await broker.reader.now(at)) + hour }, lane: 'h', message: 'later' },
    ];
    await broker.put({ producer: 'producer', number: 1, delayed }, at);
    expect(await broker.reader.peek(5, at)).toEqual(['now']);
    expect(await delayedIds(broker)).toEqual(['later']);
  });

  it('leads to a promotion to the lane of each message', async () => {
    const broker = aBroker();
    const { high, base, low } = broker.keys;
    await redis().rpush(base, 'first');
    const messages = (['h', 'b', 'l'] as const).map((lane) => ({ id: lane, due: { afterMs: 1 }, lane, message: lane }));
    await broker.put({ producer: 'producer', number: 1, delayed: messages }, at);
    let promoted = 0;
    await until(
      async () => (promoted += (await broker.promote(at)).promoted),
      (sum) => sum === 3,
    );
    const lists = await Promise.all([high, base, low].map((list) => redis().lrange(list, 0, -1)));
    expect(lists).toEqual([['h'], ['first', 'b'], ['l']]);
  });
});

describe('move', () => {
  it('changes the due time; a message that is due now moves to base, to wake a worker', async () => {
    const broker = aBroker();
    await broker.put(
      { producer: 'producer', number: 1, delayed: [{ id: 'a', due: { afterMs: 1_000_000 }, lane: 'h', message: 'a' }] },
      at,
    );
    const later = await broker.move('a', { at: Date.now() + hour }, randomUUID(), at);
    expect(later.isMoved).toBe(true);
    expect(later.nextDueMs).toBeGreaterThan(hour - 60_000);
    expect(await broker.move('a', { afterMs: 0 }, randomUUID(), at)).toEqual({ isMoved: true });
    expect(await redis().lrange(broker.keys.base, 0, -1)).toEqual(['a']);
    expect(await redis().exists(broker.keys.delayed, broker.keys.delayedMessages)).toBe(0);
    expect(await broker.move('a', { afterMs: 0 }, randomUUID(), at)).toEqual({ isMoved: false });
  });

  it('that is sent again or arrives late gets the same reply and changes nothing', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, delayed: postponed('a') }, at);
    const [first, second] = [randomUUID(), randomUUID()];
    await broker.move('a', { at: Date.now() + 5 * hour }, first, at);
    await broker.move('a', { at: Date.now() + 9 * hour }, second, at);
    const due = await redis().zscore(broker.keys.delayed, 'a');
    expect((await broker.move('a', { at: Date.now() + 5 * hour }, first, at)).isMoved).toBe(true);
    expect(await redis().zscore(broker.keys.delayed, 'a')).toBe(due);
    const last = randomUUID();
    for (const _ of [1, 2]) expect((await broker.move('a', { afterMs: 0 }, last, at)).isMoved).toBe(true);
    expect(await broker.reader.size(at)).toBe(1);
  });
});

describe('cancel', () => {
  it('drops a message, and replies the same when it is sent again', async () => {
    const broker = aBroker();
    await broker.put({ producer: 'producer', number: 1, delayed: postponed('a', 'b') }, at);
    const request = randomUUID();
    for (const _ of [1, 2]) expect(await broker.cancel('a', request, at)).toBe(true);
    expect(await broker.cancel('a', randomUUID(), at)).toBe(false);
    expect(await delayedIds(broker)).toEqual(['b']);
    expect(await redis().hkeys(broker.keys.delayedMessages)).toEqual(['b']);
  });

  it('that arrives late does not drop a newer message with the same id', async () => {
    const broker = aBroker();
    const request = randomUUID();
    await broker.put({ producer: 'producer', number: 1, delayed: postponed('a') }, at);
    await broker.cancel('a', request, at);
    await broker.put({ producer: 'producer', number: 2, delayed: postponed('a') }, at);
    await broker.cancel('a', request, at);
    expect(await delayedIds(broker)).toEqual(['a']);
  });
});
