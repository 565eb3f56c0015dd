import type { Command } from 'commander';
import { addressOf, answer, missing, redisCommand, type RedisFlags } from './command.js';

/** `queues`: prints the names of all queues. */
export function queuesCommand(): Command {
  return redisCommand(
    'queues',
    'Print the names of all queues that this library has put messages on or taken messages from. Exits with 3 if there is none.',
    [
      ['queues', 'one name per line'],
      ['info $(hotqueue queues | grep mail)', 'use some of the names in another command'],
    ],
  ).action(async (flags: RedisFlags) => {
    const { queueNames } = await import('../inspect/queues.js');
    const queues = await queueNames(addressOf(flags));
    if (queues.length > 0 || flags.json) answer(flags, { queues }, () => queues.join('\n'));
    if (queues.length === 0) missing('no queue yet');
  });
}
