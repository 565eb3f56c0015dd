import type { Command } from 'commander';
import { queueNames } from '../queues.js';
import { addressOf, answer, missing, redisCommand, type RedisFlags } from './command.js';

/** `queues`: their names, and nothing else. */
export function queuesCommand(): Command {
  return redisCommand('queues', 'The names of all queues that something was ever put on. Ends with 3 when there is none.', [
    ['queues', 'a name per line'],
    ['info $(hotqueue queues | grep mail)', 'some of them'],
  ]).action(async (flags: RedisFlags) => {
    const queues = await queueNames(addressOf(flags));
    if (queues.length > 0 || flags.json) answer(flags, { queues }, () => queues.join('\n'));
    if (queues.length === 0) missing('no queue yet');
  });
}
