import type { Command } from 'commander';
import { redisCommand, withQueue } from '../command.js';
import { waitOption, type WaitFlags } from './wait-option.js';

/** `result`: prints what the handler of a tracked job returned. */
export function resultCommand(): Command {
  return redisCommand(
    'result',
    'Print what the handler of a tracked job returned, as a line of JSON. Exits with 1 if the job failed, was cancelled or has expired, with 3 if there is no record of it, and with 4 if it has not ended.',
    [
      ['result pages 0199f2…', 'the result, if there is one already'],
      ['result pages 0199f2… --wait 30s', 'wait up to 30 seconds for it'],
    ],
  )
    .argument('<queue>')
    .argument('<id>', 'id of the job, which "put --track" prints')
    .addOption(waitOption('wait until the job has ended, for at most this time; without a time, until Ctrl-C'))
    .action((queue: string, id: string, flags: WaitFlags) =>
      withQueue(queue, flags, async (it) => (await import('./await-result.js')).printResult(it.job(id), flags)),
    );
}
