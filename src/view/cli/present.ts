import type { QueueOptions } from 'hotqueue';
import { namedAddress, type Place } from '../../redis/named-address.js';
import { survey } from '../../redis/survey.js';
import { addressOf, type RedisFlags } from './command.js';

/** A Redis that is configured, or that is running already. */
export interface Present {
  readonly address: QueueOptions;
  readonly place: Place;
}

/**
 * The Redis that other commands would use, for commands that must not start one.
 *
 * @returns `undefined` if none is running: other commands would start one, or fail
 *
 * @throws RedisUnreachableError, InvalidOptionError
 */
export async function presentRedis(flags: RedisFlags): Promise<Present | undefined> {
  const address = addressOf(flags);
  const named = namedAddress(address, process.env);
  if (named) return { address, place: named.place };
  const { url } = await survey(process.env, process.cwd());
  if (url === undefined) return undefined;
  const found = { ...address, url };
  return { address: found, place: namedAddress(found, {})!.place };
}
