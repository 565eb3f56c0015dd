import { IsInt } from 'class-validator';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { start } from 'hotqueue';
import { until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

class Task {
  @IsInt() n!: number;
}

describe('messages of other clients', () => {
  it('that HotQueue for Python or redis-cli pushed are consumed', async () => {
    const queue = aQueue();
    // Python's json.dumps writes spaces after separators and escapes characters beyond ASCII.
    await redis().rpush(queue.key, '{"path": "\\u00e9t\\u00e9.jpg", "sizes": [1, 2]}', '"two"', 'null');
    expect(await queue.get()).toEqual({ path: 'été.jpg', sizes: [1, 2] });
    expect(await queue.get()).toBe('two');
    expect(await queue.get()).toBeNull();
  });

  it('are validated like our own', async () => {
    const queue = aQueue({ payload: Task });
    await redis().rpush(queue.key, '{"n": 1.5}', '{"n": 2}');
    expect(await queue.get()).toEqual({ n: 2 });
    expect(await queue.dead.list()).toMatchObject([{ error: { violations: [{ path: 'n', rule: 'isInt' }] } }]);
  });

  it('get an id, which is the same for each attempt', async () => {
    const queue = aQueue();
    await redis().rpush(queue.key, '"bare"');
    const ids: string[] = [];
    const runner = start(
      queue.worker(
        (_item, job) => {
          ids.push(job.id);
          if (job.attempt < 3) throw new Error('again');
        },
        { backoff: 1 },
      ),
    );
    await until(() => ids.length === 3);
    await runner.stop();
    expect(new Set(ids).size).toBe(1);
  });

  it('with NaN, which Python writes but JSON does not allow, are buried with their bytes', async () => {
    const queue = aQueue();
    await redis().rpush(queue.key, '{"n": NaN}');
    expect(await queue.get()).toBeUndefined();
    expect((await queue.dead.list())[0]!.bytes.toString()).toBe('{"n": NaN}');
  });
});

describe("wire: 'plain'", () => {
  it("puts bare JSON, as Python's get() reads it", async () => {
    const queue = aQueue({ wire: 'plain', payload: Task });
    await queue.put({ n: 1 }, { n: 2 });
    expect(await redis().lrange(queue.key, 0, -1)).toEqual(['{"n":1}', '{"n":2}']);
    expect(await queue.size()).toBe(2);
  });

  it('never puts a header into the list that Python reads, also for a retry', async () => {
    const queue = aQueue({ wire: 'plain' });
    await queue.put('twice', 'waits');
    const attempts: number[] = [];
    const runner = start(
      queue.worker(
        async (item, job) => {
          if (item === 'waits') return;
          attempts.push(job.attempt);
          for (const bytes of await redis().lrange(queue.key, 0, -1)) expect(bytes.startsWith('#')).toBe(false);
          if (job.attempt < 3) throw new Error('again');
        },
        { backoff: 5 },
      ),
    );
    await until(() => attempts.length === 3);
    await runner.stop();
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('releases a message as the same bare JSON', async () => {
    const queue = aQueue({ wire: 'plain' });
    await queue.put('a');
    for await (const _ of queue.consume()) break;
    expect(await redis().lrange(queue.key, 0, -1)).toEqual(['"a"']);
  });
});

describe('our own wire', () => {
  it('is one header line and the payload; the header of a waiting message is shorter than 64 bytes', async () => {
    const queue = aQueue();
    const { id } = await queue.with({ attempts: 5, backoff: '2s' }).put({ n: 1 });
    await queue.put('plain');
    const [first, second] = await redis().lrange(queue.key, 0, -1);
    expect(first).toBe(`#${id} 0 0 a=5 b=2000\n{"n":1}`);
    expect(second!.length - '"plain"'.length).toBeLessThan(64);
  });

  it('keeps header fields that this version does not know', async () => {
    const queue = aQueue();
    await redis().rpush(queue.key, '#some-id 0 2 t=00-abc-01 a=9\n"future"');
    for await (const delivery of queue.deliveries({ limit: 1 })) {
      expect(delivery.id).toBe('some-id');
      await delivery.retry({ delay: 0 });
    }
    const [message] = await redis().lrange(queue.key, 0, -1);
    expect(message).toMatch(/^#some-id 1 2 t=00-abc-01 a=9 d=\d+\n"future"$/);
  });
});

describe('a header beyond ASCII', () => {
  it('is not read as a header: its length in characters differs from its length in bytes, and a retry would cut into the payload', async () => {
    const queue = aQueue();
    await redis().rpush(queue.key, '#idx 0 0 x=éé\n"p"');
    expect(await queue.get()).toBeUndefined();
    expect((await queue.dead.list())[0]!.bytes.toString()).toBe('#idx 0 0 x=éé\n"p"');
  });
});

describe('serializers', () => {
  it('may be an object with dumps and loads, JSON itself, or null for bare strings', async () => {
    const reversed = aQueue({
      serializer: {
        dumps: (value) => [...JSON.stringify(value)].reverse().join(''),
        loads: (text) => JSON.parse([...text].reverse().join('')) as unknown,
      },
    });
    await reversed.put({ a: 1 });
    expect((await redis().lrange(reversed.key, 0, -1))[0]).toMatch(/\n}1:"a"{$/);
    expect(await reversed.get()).toEqual({ a: 1 });

    const json = aQueue({ serializer: JSON });
    await json.put([1]);
    expect(await json.get()).toEqual([1]);

    const bare = aQueue({ serializer: null, wire: 'plain' });
    await bare.put('as it is');
    expect(await redis().lrange(bare.key, 0, -1)).toEqual(['as it is']);
    expect(await bare.get()).toBe('as it is');
    await expect(bare.put({ no: 'string' })).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
  });
});

describe("a caller's own client", () => {
  it('gives its queues the address of Redis, and is neither used nor closed', async () => {
    const client = new Redis(redisUrl(), { lazyConnect: true, connectionName: aName() });
    const ours = async (): Promise<number> =>
      String(await redis().client('LIST')).split(`name=${client.options.connectionName} `).length - 1;
    const queues = [1, 2].map(() => aQueue({ url: undefined as never, connection: client }));
    for (const queue of queues) {
      await queue.put('a');
      expect(await queue.get()).toBe('a');
    }
    expect(await ours()).toBe(1);
    expect(client.status).toBe('wait');
    for (const queue of queues) await queue.close();
    await until(ours, (count) => count === 0);
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });
});
