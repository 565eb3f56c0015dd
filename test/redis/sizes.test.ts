/** Large messages: no script copies much more than it moves, no command grows without bound, and a message that no client can hold is buried. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { mostMessageBytes } from '../../src/core/sizes.js';
import { monitored } from '../support/monitor.js';
import { aClient } from '../support/project.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { realProgram, startRedis } from '../support/servers.js';
import { until } from '../support/facts.js';
import { aWorker, places, take } from '../support/takes.js';

const at = { withinMs: 30_000 };
const large = 300_000;

/** Calls of a script, with the bytes of each. */
function spied(broker: Broker, name: string) {
  const script = vi.spyOn(broker.connection, 'script');
  return (): number[] =>
    script.mock.calls
      .filter(([called]) => called === name)
      .map(([, , args]) => args.reduce<number>((sum, arg) => sum + String(arg).length, 0));
}

/** Bytes that the commands of a take copied out of the lists, as MONITOR shows them. */
async function copiedBy(messages: readonly string[]): Promise<{ copied: number; taken: number }> {
  // A server of its own: MONITOR shows the commands of all clients.
  const server = await startRedis(await realProgram());
  onTestFinished(server.stop);
  const client = aClient(server.url);
  const connection = Connection.share({ url: server.url });
  onTestFinished(() => connection.leave());
  const broker = new Broker(connection, new Keys(aName()));
  await client.rpush(broker.keys.base, ...messages);
  const worker = await aWorker(broker);
  const monitor = await monitored(server.url);
  const commandsOnList = () =>
    monitor.commands
      .filter(({ source, args }) => source === 'lua' && args[1] === broker.keys.base)
      .map(({ args: [name, , from, to] }) => ({ name: name!.toLowerCase(), from: Number(from), to: Number(to) }));
  const { size } = await take(broker, worker, 1, 1_000);
  await until(() => commandsOnList().some(({ name }) => name === 'ltrim'));
  monitor.close();
  const bytesOf = (from: number, to: number): number =>
    messages.slice(from, to + 1).reduce((sum, { length }) => sum + length, 0);
  const copied = commandsOnList().map(({ name, from, to }) => {
    if (name === 'lrange') return bytesOf(from, to);
    return name === 'lindex' ? bytesOf(from, from) : 0;
  });
  return { copied: copied.reduce((sum, bytes) => sum + bytes, 0), taken: size };
}

describe('a take', () => {
  it.each<[string, readonly string[]]>([
    ['one small message before large ones', ['"x"', ...Array<string>(100).fill('x'.repeat(large))]],
    [
      'nine small messages before large ones',
      [...Array<string>(9).fill('"x"'), ...Array<string>(100).fill('x'.repeat(large))],
    ],
    [
      'a hundred small messages before large ones',
      [...Array<string>(100).fill('"x"'), ...Array<string>(100).fill('x'.repeat(large))],
    ],
    [
      'large and small messages in turns',
      Array.from({ length: 200 }, (_, index) => (index % 2 ? 'x' : 'x'.repeat(large))),
    ],
  ])('of %s copies few that it does not take', async (_, messages) => {
    const { copied, taken } = await copiedBy(messages);
    expect(taken).toBeGreaterThan(1);
    expect(copied).toBeLessThan(24 * large); // there are 100 large messages
  });

  it('brings messages of any sizes in order', async () => {
    const broker = aBroker();
    const sizes = Array.from({ length: 300 }, (_, index) =>
      index % 37 === 5 ? 200_000 : index % 11 === 3 ? 9_000 : 3,
    );
    const messages = sizes.map((size, index) => `${index}:${'x'.repeat(size)}`);
    await redis().rpush(broker.keys.base, ...messages);
    const worker = await aWorker(broker);
    const seen: string[] = [];
    for (let number = 1; seen.length < messages.length; number++) {
      const taken = await take(broker, worker, number, 100);
      for (let index = 1; index <= taken.size; index++) seen.push(taken.text(index));
    }
    expect(seen).toEqual(messages);
  });
});

describe('a message that no worker can hold', () => {
  it('is buried, also behind others and in another lane; the worker goes on', async () => {
    const queue = aQueue();
    const broker = aBroker(queue.name);
    const seen: unknown[] = [];
    const buried: unknown[] = [];
    queue.events.on('bury', (event) => buried.push(event));
    await queue.put('before');
    await redis().rpush(broker.keys.base, Buffer.alloc(mostMessageBytes + 1, 'x'));
    await queue.put('after');
    for (let item = await queue.get(); item !== undefined; item = await queue.get()) seen.push(item);
    expect(seen).toEqual(['before', 'after']);
    expect(buried).toMatchObject([{ reason: `too large: ${mostMessageBytes + 1} bytes` }]);
    expect(await queue.dead.size()).toBe(1);
    await queue.dead.dropAll();
  }, 120_000);

  it.each([1, 2, 3, 7, 8, 9, 60])('is not taken if it is message %i of 10 or more', async (place) => {
    const broker = aBroker();
    const { workers, meta, waiting, delayed, base } = broker.keys;
    const small = Array.from({ length: place - 1 }, (_, index) => `m${index}`);
    await redis().rpush(base, ...small, ...Array<string>(10).fill('x'.repeat(2_000)));
    const worker = await aWorker(broker);
    const keys = [broker.keys.claims(worker), workers, meta, ...waiting, delayed];
    const reply = (await broker.connection.script('take', keys, [worker, 1, 100, 1_000_000, 1_000])) as unknown[];
    expect(reply[0]).toBe(place === 1 ? 2 : 0);
    expect(await redis().llen(base)).toBe(10);
    expect(await broker.reader.peek(1, at)).toEqual(['x'.repeat(2_000)]);
  });

  it('is buried once, also if several workers ask, and smaller ones stay', async () => {
    const broker = aBroker();
    await redis().rpush(broker.keys.base, `#big 4 1\n${'x'.repeat(2_000)}`, 'small');
    await redis().rpush(broker.keys.high, 'x'.repeat(2_000), 'y'.repeat(2_000));
    expect(await broker.buryLarge('w', at, 1_000)).toHaveLength(2);
    expect(await broker.buryLarge('v', at, 1_000)).toHaveLength(1);
    expect(await broker.buryLarge('v', at, 1_000)).toEqual([]);
    expect(await broker.reader.peek(5, at)).toEqual(['small']);
    expect(JSON.parse((await redis().hget(broker.keys.deadMessages, 'big'))!.split('\n')[0]!)).toMatchObject({
      lane: 'b',
      attempts: 4,
      reason: 'too large: 2009 bytes, and a worker takes at most 1000',
    });
  });
});

describe('a batch', () => {
  it('of putAll is split by bytes, and stays in order', async () => {
    const queue = aQueue();
    const texts = Array.from({ length: 1_000 }, (_, index) => `${index}:${'x'.repeat(8_000)}`);
    const jobs = await queue.putAll(texts);
    expect(jobs).toHaveLength(1_000);
    expect(jobs.map(({ payload }) => payload)).toEqual(texts);
    const waiting = await aBroker(queue.name).reader.peek(1_000, at);
    expect(waiting.map((text) => JSON.parse(text.slice(text.indexOf('\n') + 1)) as string)).toEqual(texts);
  });

  it('of putAll may be larger than the longest text', async () => {
    const queue = aQueue({ maxBytes: 2 ** 21 });
    const text = 'x'.repeat(2 ** 20);
    // Redis need not keep them.
    const dropping = setInterval(() => void redis().ltrim(queue.key, -1, -1), 50);
    try {
      expect(await queue.putAll(Array<string>(560).fill(text))).toHaveLength(560);
    } finally {
      clearInterval(dropping);
    }
  }, 120_000);

  it('of one put call that is too large is refused before it is sent', async () => {
    const queue = aQueue({ maxBytes: 2 ** 26 });
    const text = 'x'.repeat(2 ** 25);
    await expect(queue.put(text, text, text, text, text)).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' });
    expect(await queue.size()).toBe(0);
  });

  it('of release, promote and revive is split by bytes, and stays in order', async () => {
    const broker = aBroker();
    const texts = Array.from({ length: 12 }, (_, index) => `#m${index} 0 0\n${index}${'x'.repeat(large)}`);
    const waiting = async (): Promise<string[]> => broker.reader.peek(50, at);
    await redis().rpush(broker.keys.base, ...texts);
    const worker = await aWorker(broker);
    const takes = [];
    for (let number = 1, taken = 0; taken < texts.length; number++) {
      takes.push(await take(broker, worker, number, 50));
      taken += takes.at(-1)!.size;
    }
    const releases = spied(broker, 'release');
    expect(
      await broker.release(
        worker,
        takes.flatMap((one) => places(one)),
        at,
      ),
    ).toBe('done');
    expect(await waiting()).toEqual(texts);
    expect(releases().length).toBeGreaterThan(2);
    expect(Math.max(...releases())).toBeLessThan(2_000_000);

    await redis().del(broker.keys.base);
    const now = await broker.reader.now(at);
    const delayed = texts.map((message, index) => ({
      id: `m${index}`,
      due: { at: now + 60_000 + index },
      lane: 'b' as const,
      message,
    }));
    await broker.put({ producer: 'p', number: 1, delayed }, at);
    await redis().zadd(broker.keys.delayed, ...texts.flatMap((_, index) => [index + 1, `m${index}`])); // they are due
    const { promoted, nextDueMs } = await broker.promote(at);
    expect(promoted).toBeLessThan(12);
    expect(nextDueMs).toBe(0);
    while ((await broker.promote(at)).nextDueMs !== undefined);
    expect(await waiting()).toEqual(texts);

    await redis().del(broker.keys.base);
    for (const [index, text] of texts.entries()) {
      await redis().hset(broker.keys.deadMessages, `m${index}`, `{"lane":"b"}\n${text}`);
      await redis().zadd(broker.keys.dead, index, `m${index}`);
    }
    const letters = texts.map((_, index) => ({ key: `m${index}`, at: String(index) }));
    const revivals = spied(broker, 'revive');
    expect(await broker.revive(letters, 'hotqueue', 'request', at)).toBe(12);
    expect(revivals().length).toBeGreaterThan(2);
    expect(await broker.revive(letters, 'hotqueue', 'request', at)).toBe(12);
    expect(await waiting()).toEqual(texts);
  });
});
