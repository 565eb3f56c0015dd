import type { Redis } from 'ioredis';

/** Copies of keys: for each key, the command that creates it with its content. */
export type Copies = readonly (readonly [command: string, ...args: (string | Buffer)[]])[];

/** Copies keys without their expiry. */
export async function copyOf(redis: Redis, keys: readonly string[]): Promise<Copies> {
  return Promise.all(
    keys.map(async (key): Promise<Copies[number]> => {
      switch (await redis.type(key)) {
        case 'list':
          return ['rpush', key, ...(await redis.lrangeBuffer(key, 0, -1))];
        case 'hash':
          return ['hset', key, ...Object.entries(await redis.hgetallBuffer(key)).flat()];
        case 'zset': {
          const members = await redis.zrange(key, 0, '-1', 'WITHSCORES');
          return ['zadd', key, ...members.map((_, at) => members[at ^ 1]!)]; // ZADD wants the score first
        }
        default:
          return ['set', key, (await redis.getBuffer(key))!];
      }
    }),
  );
}

/** Deletes `keys`, and creates the copied keys again. */
export async function putBack(redis: Redis, keys: readonly string[], copies: Copies): Promise<void> {
  if (keys.length > 0) await redis.del(...keys);
  for (const [command, ...args] of copies) await redis.call(command, ...args);
}
