import { Redis, repeating } from './bare.js';

const keepMs = 600_000;

/**
 * A hand-written loop over one list that keeps a hash for each job, an index of those that wait and one of those that are done,
 * and gives results back. It does less than hotqueue: it notes no start and no failure, and if a process dies, the jobs that it
 * has taken are lost.
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
    return repeating(client, async () => {
      const taken = await client.blmpop(1, 1, key, 'LEFT', 'COUNT', batch);
      if (taken !== null) await run(taken[1]);
      return true;
    });
  },
};
