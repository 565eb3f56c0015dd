import { HotQueue, type QueueOptions } from 'hotqueue';
import { addressOf, type RedisFlags } from './flags.js';

/** Opens an untyped queue at the address in the flags. The caller closes it. */
export function openQueue(name: string, flags: RedisFlags, more: QueueOptions = {}): HotQueue {
  return new HotQueue(name, { ...addressOf(flags), ...more });
}
