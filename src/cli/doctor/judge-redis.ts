import { HotQueueError, RedisUnsupportedError } from 'hotqueue';
import { readServer } from '../../inspect/server-facts.js';
import { handshake } from '../../redis/handshake.js';
import { labelOf } from '../../redis/named-address.js';
import type { RedisFlags } from '../command.js';
import { existingRedis, type ExistingRedis } from '../existing-redis.js';
import { ok, problem, warning, type Finding } from './finding.js';
import { judgeServer } from './judge-server.js';
import { findOrphans } from './orphans.js';

/** The findings about the server and the queues in it. */
export async function judgeRedis(flags: RedisFlags): Promise<Finding[]> {
  try {
    const existing = await existingRedis(flags);
    if (existing)
      return [
        await version(existing),
        ...(existing.hasLostData ? [lostData] : []),
        ...judgeServer(await readServer(existing.address)),
        ...(await findOrphans(existing.address)),
      ];
    if (process.env['NODE_ENV'] === 'production')
      return [
        problem(
          'redis',
          'no address is configured, and with NODE_ENV=production no server is started',
          'set REDIS_URL',
        ),
      ];
    return [
      warning(
        'redis',
        'no server is running yet: the first use of a queue starts one for this project',
        'set REDIS_URL to use your own server; "hotqueue redis status" shows what would be started',
      ),
    ];
  } catch (error) {
    if (!(error instanceof HotQueueError)) throw error;
    if (error instanceof RedisUnsupportedError)
      return [
        problem('redis', error.message, 'upgrade the server, or run "hotqueue redis install" to get a newer one'),
      ];
    return [problem('redis', error.message, 'start the server, or correct the address (--url, REDIS_URL)')];
  }
}

const lostData = problem(
  'data',
  'the data directory of the running server was deleted: it loses every message when it ends',
  'run "hotqueue redis start": the server writes its messages to a new directory',
);

async function version({ endpoint }: ExistingRedis): Promise<Finding> {
  const { name, version: number } = await handshake(endpoint);
  return ok('redis', `${name} ${number ?? '(unknown version)'} at ${labelOf(endpoint)}`);
}
