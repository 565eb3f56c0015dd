import { Option, type Command } from 'commander';
import { duration, priorityOption, redisCommand, wholeFrom } from './command.js';
import { instant } from './instant.js';
import { waitOption } from './jobs/wait-option.js';
import type { PutFlags } from './put-messages.js';

/** `put`: puts one message, the same message many times, or a message for each line. */
export function putCommand(): Command {
  return redisCommand(
    'put',
    'Put messages on a queue. A message is any JSON value. Prints the id of a single message, else the number of messages; with --wait, the result.',
    [
      ['put emails \'{"to":"ada@example.com"}\'', 'one message'],
      ['put words \'"hello"\'', 'a string: shell quotes around JSON quotes'],
      ['put emails @welcome.json --delay 10m', 'a message from a file, due in ten minutes'],
      ['put emails - < emails.ndjson', 'one message per line'],
      ['put load \'{"n":1}\' --count 100000', 'the same message many times'],
      ['put pages \'{"url":"https://example.com"}\' --wait 30s', 'track it, and print what the handler returns'],
    ],
  )
    .argument('<queue>')
    .argument('[message]', 'JSON, @file (one message, or one per line), or - for lines from standard input')
    .option('-c, --count <number>', 'number of times to put the message', wholeFrom(1))
    .addOption(
      new Option('--delay <duration>', 'due after this time, such as 90s or 10m').argParser(duration).conflicts('at'),
    )
    .option('--at <time>', 'due at this time, such as 2026-12-24T18:00', instant)
    .addOption(priorityOption())
    .option('--id <id>', 'your own id: while Redis knows it, a second put with it stores nothing')
    .option('--attempts <number>', 'most attempts, including the first one', wholeFrom(1))
    .option('--backoff <duration>', 'wait before the second attempt; it doubles for each later one', duration)
    .option('--ttl <duration>', 'bury the message if it waits longer than this', duration)
    .option('--track', 'keep its status and its result: see "result", "job" and "jobs"')
    .option(
      '--unique <key>',
      'store nothing while a job with this key has not ended, and print its id; the job is tracked',
    )
    .option('--replace', 'with --unique: the message replaces that of the job, as long as that one has not started')
    .addOption(
      waitOption(
        'track the message, and print its result: wait at most this time; without a time, until Ctrl-C. Exit codes as of "result"',
      ).implies({ track: true }),
    )
    .action(async (queue: string, message: string | undefined, flags: PutFlags, command: Command) => {
      const { putMessages } = await import('./put-messages.js');
      await putMessages(queue, message, flags, command);
    });
}
