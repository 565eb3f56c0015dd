import { Option, type Command } from 'commander';
import { durationMs, redisCommand, wholeFrom } from './command.js';
import type { TopFlags } from './top/watch.js';

/** `top`: a full screen with queues, workers and the next messages. */
export function topCommand(): Command {
  return redisCommand(
    'top',
    'Watch queues, workers and the next messages on a full screen. Keys pause a queue, or revive or drop its dead letters. Prints lines if stdout is not a terminal.',
    [
      ['top', 'all queues, until q or Ctrl-C; ? lists the keys'],
      ['top emails images --interval 5s', 'two queues, updated every 5 s'],
      ['top --once', 'print one snapshot as lines'],
      ['top emails --json', 'a line of JSON per snapshot, for other programs'],
    ],
  )
    .argument('[queue...]', 'names of queues (default: all queues)')
    .addOption(
      new Option('-i, --interval <duration>', 'time between two snapshots').argParser(durationMs).default(1_000, '1s'),
    )
    .option(
      '-n, --number <number>',
      'in lines and JSON: number of the next messages of each queue',
      wholeFrom(0, 1_000),
      5,
    )
    .option('--once', 'print one snapshot as lines, then exit; exits with 3 if there is no queue')
    .action(async (names: string[], flags: TopFlags) => {
      const { watchTop } = await import('./top/watch.js');
      await watchTop(names, flags);
    });
}
