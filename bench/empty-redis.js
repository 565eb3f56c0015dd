import { Redis } from 'ioredis';

/** Removes all keys, scripts and statistics. */
export async function emptyRedis(address) {
  const client = new Redis(address);
  await client.flushall();
  await client.script('FLUSH');
  await client.config('RESETSTAT');
  client.disconnect();
}
