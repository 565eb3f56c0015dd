import { Option, type Command } from 'commander';
import { HotQueueError, type HotQueue, type Job, type Priority, type PutOptions, type Duration } from 'hotqueue';
import { duration, redisCommand, usage, wholeFrom, withQueue, type RedisFlags } from './command.js';
import { instant } from './instant.js';
import { count, jsonLine, print, say } from './output.js';
import { progressOn } from './progress.js';
import { fromFile, fromStdin, notJson, putLines, type Json, type Put, type Source } from './put-lines.js';

interface PutFlags extends RedisFlags {
  readonly count?: number;
  readonly delay?: Duration;
  readonly at?: Date;
  readonly priority?: Priority;
  readonly id?: string;
  readonly attempts?: number;
  readonly backoff?: Duration;
  readonly ttl?: Duration;
}

/** `put`: puts one message, the same message many times, or a message for each line. */
export function putCommand(): Command {
  return redisCommand(
    'put',
    'Put messages on a queue. A message is any JSON value. Prints the id of a single message, else the number of messages.',
    [
      ['put emails \'{"to":"ada@example.com"}\'', 'one message'],
      ['put words \'"hello"\'', 'a string: shell quotes around JSON quotes'],
      ['put emails @welcome.json --delay 10m', 'a message from a file, due in ten minutes'],
      ['put emails - < emails.ndjson', 'one message per line'],
      ['put load \'{"n":1}\' --count 100000', 'the same message many times'],
    ],
  )
    .argument('<queue>')
    .argument('[message]', 'JSON, @file (one message, or one per line), or - for lines from standard input')
    .option('-c, --count <number>', 'number of times to put the message', wholeFrom(1))
    .addOption(
      new Option('--delay <duration>', 'due after this time, such as 90s or 10m').argParser(duration).conflicts('at'),
    )
    .option('--at <time>', 'due at this time, such as 2026-12-24T18:00', instant)
    .addOption(
      new Option('--priority <priority>', 'taken before (high) or after (low) normal messages').choices([
        'high',
        'normal',
        'low',
      ]),
    )
    .option('--id <id>', 'your own id: while Redis knows it, a second put with it stores nothing')
    .option('--attempts <number>', 'most attempts, including the first one', wholeFrom(1))
    .option('--backoff <duration>', 'wait before the second attempt; it doubles for each later one', duration)
    .option('--ttl <duration>', 'bury the message if it waits longer than this', duration)
    .action(async (queue: string, message: string | undefined, flags: PutFlags, command: Command) => {
      const source = await sourceOf(message, flags, command);
      await withQueue(queue, flags, (it) => put(it, source, flags));
    });
}

type Messages = { readonly message: Json } | Source;

async function sourceOf(
  given: string | undefined,
  { count: times, id }: PutFlags,
  command: Command,
): Promise<Messages> {
  if (id !== undefined && times !== undefined)
    usage(command, '--id and --count cannot be used together: an id belongs to one message, so leave out one of them');
  const source = await readMessage(given, command);
  if ('message' in source) return source;
  if (times !== undefined)
    usage(command, '--count cannot be used with lines: it repeats a single message, so leave it out');
  if (id !== undefined)
    usage(command, '--id cannot be used with lines: an id belongs to one message, so put the messages one by one');
  return source;
}

async function readMessage(given: string | undefined, command: Command): Promise<Messages> {
  if (given === undefined && process.stdin.isTTY)
    usage(command, 'no message: give JSON, @file, or - for lines from standard input');
  if (given === undefined || given === '-') return fromStdin();
  if (given.startsWith('@')) return fromFile(given.slice(1));
  try {
    return { message: JSON.parse(given) as Json };
  } catch (error) {
    return usage(
      command,
      `${notJson(given, error)}\nThe shell removes the outer quotes, so write two kinds of quotes: '"hello"' for a string, '{"to":"ada"}' for an object`,
    );
  }
}

async function put(queue: HotQueue, source: Messages, flags: PutFlags): Promise<void> {
  const publisher = queue.with(optionsOf(flags));
  const putAll: Put = (messages) => publisher.putAll(messages);
  if ('message' in source && flags.count === undefined) {
    const job = await publisher.put(source.message);
    print(flags.json ? lineOf(job) : job.id);
    if (job.duplicate) say(`${queue.name} knows this id already: nothing was stored`);
    return;
  }
  const progress = progressOn();
  const stream = 'message' in source ? repeated(source.message, flags.count!) : source.stream;
  const part = 'message' in source ? () => stored / flags.count! : source.part;
  let stored = 0;
  const onStored = (jobs: readonly Job[]): void => {
    stored += jobs.length;
    if (flags.json) print(jobs.map(lineOf).join('\n'));
    progress.tell(stored, part());
  };
  try {
    await putLines(stream, putAll, onStored);
  } catch (error) {
    progress.end();
    if (error instanceof HotQueueError && error.code !== 'INVALID_LINE')
      say(`${count(stored, 'message')} stored before this:`);
    throw error;
  }
  progress.end();
  if (!flags.json) print(`${count(stored, 'message')} put on ${queue.name}`);
}

/** Many lines with the same message, so that `--count` can use the code for lines. */
function* repeated(message: Json, times: number): Generator<Buffer> {
  const line = `${JSON.stringify(message)}\n`;
  const most = Math.max(1, Math.floor(65_536 / line.length));
  for (let left = times; left > 0; left -= most) yield Buffer.from(line.repeat(Math.min(most, left)));
}

function optionsOf({ delay, at, priority, id, attempts, backoff, ttl }: PutFlags): PutOptions {
  const given = { delay, at, priority, id, attempts, backoff, ttl };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const lineOf = ({ id, queue, putAt, duplicate = false }: Job): string => jsonLine({ queue, id, putAt, duplicate });
