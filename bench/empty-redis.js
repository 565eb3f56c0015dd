import { Redis } from 'ioredis';

/** Removes every key, script and statistic. */
export async function emptyRedis(address) {
  const client = new Redis(address);
  await client.flushall();
  await client.script('FLUSH');
  await client.config('RESETSTAT');
  client.disconnect();
}
