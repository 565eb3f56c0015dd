import type { QueueOptions } from 'hotqueue';
import { namedAddress, type Endpoint } from '../redis/named-address.js';
import { discover } from '../redis/discover.js';
import { addressOf, type RedisFlags } from './command.js';

/** A Redis that is configured, or that is running already. */
export interface ExistingRedis {
  readonly address: QueueOptions;
  readonly endpoint: Endpoint;
  /** Whether it is the embedded server of this project, and its data directory was deleted. */
  readonly hasLostData?: boolean;
}

/**
 * The Redis that other commands would use, for commands that must not start one.
 *
 * @returns `undefined` if none is running: other commands would start one, or fail
 *
 * @throws RedisUnreachableError, InvalidOptionError
 */
export async function existingRedis(flags: RedisFlags): Promise<ExistingRedis | undefined> {
  const address = addressOf(flags);
  const named = namedAddress(address, process.env);
  if (named) return { address, endpoint: named.endpoint };
  const { url, hasLostData = false } = await discover(process.env, process.cwd());
  if (url === undefined) return undefined;
  const found = { ...address, url };
  return { address: found, endpoint: namedAddress(found, {})!.endpoint, hasLostData };
}
