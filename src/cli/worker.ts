import { Command, Option } from 'commander';
import { durationMs, redisOptions, wholeFrom, withExamples } from './command.js';
import { healthAddress } from './worker/health-address.js';
import { bytes, names } from './worker/settings.js';
import type { WorkerFlags } from './worker/work.js';

/** `hotqueue worker <files…>` */
export function workerCommand(): Command {
  const command = withExamples(
    new Command('worker').description(
      'Run the workers that the files export or pass to run(), until SIGTERM or Ctrl-C.',
    ),
    [
      ['worker src/workers.ts', 'all workers in the file'],
      ['worker src/*.ts --queue urgent,mail --concurrency 8', 'two queues, "urgent" first, eight messages at once'],
      [
        'worker dist/workers.js --processes 4 --max-memory 512mb',
        'in production: four processes, replaced when they die or grow',
      ],
      ['worker src/workers.ts --burst', 'handle all messages, then exit'],
      ['worker src/workers.ts --watch', 'during development'],
    ],
  )
    .argument('<files...>', 'modules: JavaScript, or TypeScript with decorators if @oxc-node/core is installed')
    .option('--class <names>', 'only these classes, separated by commas', names)
    .option('-q, --queue <names>', 'only these queues, separated by commas, in this order', names)
    .addOption(
      new Option(
        '--order <order>',
        'how queues share the concurrency slots: in order (strict) or in turn (fair)',
      ).choices(['strict', 'fair']),
    )
    .option(
      '-c, --concurrency <number>',
      'most messages at once in a process (default: as the workers declare)',
      wholeFrom(1, 10_000),
    )
    .option('--processes <number>', 'number of processes; a process that dies is restarted', wholeFrom(1, 256))
    .option('--burst', 'exit when no message is waiting, due, or active in any process')
    .option('--no-wait-for-redis', 'exit if Redis does not answer at the start (default: wait for it)')
    .option(
      '--max-jobs <number>',
      'exit after this number of messages; with --processes, a new process replaces it',
      wholeFrom(1),
    )
    .option('--max-idle <duration>', 'exit when there was no message for this time', durationMs)
    .option(
      '--max-memory <size>',
      'exit when the process uses more, such as 512mb; with --processes, a new process replaces it',
      bytes,
    )
    .option(
      '--health <address>',
      'serve /livez, /readyz and /metrics, such as 127.0.0.1:8080; not with --processes or --watch',
      healthAddress,
    )
    .option('--health-public', 'allow --health at an address that other machines can reach')
    .option('--name <name>', 'name in the log and in "hotqueue workers ls" (default: HOTQUEUE_NAME)')
    .option('--watch', 'restart when a source file in the folders of the files changes')
    .option(
      '--shutdown-timeout <duration>',
      'on stop: how long active messages may take to finish (default: 25s)',
      durationMs,
    )
    .addOption(
      new Option(
        '--log <form>',
        'form of the log, one line for each attempt (default: pretty on a terminal, else json)',
      ).choices(['json', 'pretty', 'none']),
    )
    .option('--json', 'the same as --log json');
  // No --prefix: the user's files create the queues, and set the prefix there.
  for (const option of redisOptions().filter(({ long }) => long !== '--prefix')) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nThe Redis options apply to queues that are created without an address.\nExits with 0 if it was stopped or reached a limit, 1 if it could not start or was forced to stop, 2 for a wrong option.',
    )
    .action(async (files: string[], flags: WorkerFlags) => {
      const { work } = await import('./worker/work.js');
      await work(files, flags);
    });
}
