import type { Command } from 'commander';
import { durationMs, redisCommand } from './command.js';
import type { InfoFlags } from './print-info.js';

/** `info`: prints queues and workers, once or at an interval. */
export function infoCommand(): Command {
  return redisCommand('info', 'Print the number of messages in each state, and the workers.', [
    ['info', 'all queues'],
    ['info emails --interval 2s', 'every two seconds, with rates, until Ctrl-C'],
    ['info --json | jq .queues', 'for other programs'],
  ])
    .argument('[queue...]', 'names of queues (default: all queues)')
    .option('-i, --interval <duration>', 'print again after each interval', durationMs)
    .action(async (names: string[], flags: InfoFlags) => {
      const { printInfo } = await import('./print-info.js');
      await printInfo(names, flags);
    });
}
