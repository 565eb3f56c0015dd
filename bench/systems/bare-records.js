import { createRequire } from 'node:module';

const { Redis } = createRequire(new URL('../../dist/index.js', import.meta.url))('ioredis');

const keepMs = 600_000;

/**
 * An upper bound for jobs whose results are awaited: a hand-written loop over one list that keeps a hash for each job, with an
 * index for each status, and nothing else. A crash loses jobs, or leaves records that are wrong.
 *
 * @type {import('./index.js').System}
 */
export const system = {
  title: 'bare ioredis loop with records',
  async asker(address, key) {
    const client = new Redis(address);
    const subscriber = client.duplicate();
    const waits = new Map();
    await subscriber.subscribe(`${key}:ended`);
    subscriber.on('message', (_channel, text) => {
      for (const [id, result] of JSON.parse(text)) {
        waits.get(id)(result);
        waits.delete(id);
      }
    });
    let asked = [];
    const flush = () => {
      const now = Date.now();
      const pipeline = client.pipeline();
      for (const { id, payload } of asked)
        pipeline.hset(`${key}:job:${id}`, 'status', 'waiting', 'put', now, 'payload', payload);
      pipeline.zadd(`${key}:waiting`, ...asked.flatMap(({ id }) => [now, id]));
      pipeline.rpush(key, ...asked.map(({ id, payload }) => `${id} ${payload}`));
      void pipeline.exec();
      asked = [];
    };
    let asks = 0;
    return {
      ask: (payload) =>
        new Promise((resolve) => {
          const id = String((asks += 1));
          waits.set(id, resolve);
          if (asked.push({ id, payload: JSON.stringify(payload) }) === 1) setImmediate(flush);
        }),
    };
  },
  async consumer(address, key, { handle, batch = 1_000 }) {
    const client = new Redis(address);
    let isClosing = false;
    const loop = async () => {
      while (!isClosing) {
        const taken = await client.blmpop(1, 1, key, 'LEFT', 'COUNT', batch);
        if (taken !== null) await run(taken[1]);
      }
    };
    const run = async (texts) => {
      const ended = [];
      const now = Date.now();
      const pipeline = client.pipeline();
      for (const text of texts) {
        const [id, payload] = text.split(' ', 2);
        const result = await handle(JSON.parse(payload));
        const record = `${key}:job:${id}`;
        pipeline.hset(record, 'status', 'done', 'ended', now, 'result', JSON.stringify(result));
        pipeline.pexpire(record, keepMs);
        ended.push([id, result]);
      }
      pipeline.zrem(`${key}:waiting`, ...ended.map(([id]) => id));
      pipeline.zadd(`${key}:done`, ...ended.flatMap(([id]) => [now, id]));
      pipeline.publish(`${key}:ended`, JSON.stringify(ended));
      await pipeline.exec();
    };
    const ended = loop();
    return {
      async close() {
        isClosing = true;
        await ended;
        client.disconnect();
      },
    };
  },
};
