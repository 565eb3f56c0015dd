import { createRequire } from 'node:module';

// The ioredis of hotqueue, not the one that is pinned for the peers.
export const { Redis } = createRequire(new URL('../../dist/index.js', import.meta.url))('ioredis');

/** Calls `turn` again and again, until it returns false or the consumer is closed. */
export function repeating(client, turn) {
  let isClosing = false;
  const loop = async () => {
    while (!isClosing && (await turn()));
  };
  const ended = loop();
  return {
    async close() {
      isClosing = true;
      await ended;
      client.disconnect();
    },
  };
}

/**
 * An upper bound: a hand-written loop over one list, in batches of the same size as hotqueue's. It gives no guarantees: if the
 * process dies, the jobs that it has taken are lost.
 *
 * @type {import('./index.js').System}
 */
export const system = {
  title: 'bare ioredis loop',
  async producer(address, key) {
    const client = new Redis(address);
    const putMany = (payloads) =>
      client.rpush(
        key,
        payloads.map((payload) => JSON.stringify(payload)),
      );
    return {
      put: (payload) => client.rpush(key, JSON.stringify(payload)),
      putMany,
      async putInFlight(count, make, batch = 1_000) {
        for (let from = 0; from < count; from += batch) {
          const texts = [];
          for (let n = from; n < Math.min(count, from + batch); n += 1) texts.push(JSON.stringify(make(n)));
          await client.rpush(key, texts);
        }
      },
      close: () => client.quit(),
    };
  },
  async consumer(address, key, { handle, batch = 1_000 }) {
    const client = new Redis(address);
    return repeating(client, async () => {
      const texts = await client.lpop(key, batch);
      for (const text of texts ?? []) await handle(JSON.parse(text));
      return texts !== null;
    });
  },
  async left(address, key) {
    const client = new Redis(address);
    return () => client.llen(key);
  },
};
