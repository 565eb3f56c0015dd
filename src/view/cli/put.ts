import { Option, type Command } from 'commander';
import { HotQueueError, type HotQueue, type Job, type Priority, type PutOptions } from 'hotqueue';
import type { Duration } from '../../contract/durations.js';
import { duration, instant, redisCommand, usage, wholeFrom, withQueue, type RedisFlags } from './command.js';
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

/** `put`: one message, many of the same, or a line each. */
export function putCommand(): Command {
  return redisCommand('put', 'Put messages on a queue; each is any JSON value. Prints its id, or how many there were.', [
    ['put emails \'{"to":"ada@example.com"}\'', 'one message'],
    ["put words '\"hello\"'", 'a string: quotes for the shell around those of JSON'],
    ['put emails @welcome.json --delay 10m', 'from a file, ready in ten minutes'],
    ['put emails - < emails.ndjson', 'a message from each line'],
    ['put load \'{"n":1}\' --count 100000', 'the same again and again'],
  ])
    .argument('<queue>')
    .argument('[message]', 'JSON, @file (one message, or one per line), or - for lines from standard input')
    .option('-c, --count <number>', 'put it so many times', wholeFrom(1))
    .addOption(new Option('--delay <duration>', 'ready so much later, such as 90s or 10m').argParser(duration).conflicts('at'))
    .option('--at <time>', 'ready then, such as 2026-12-24T18:00', instant)
    .addOption(new Option('--priority <priority>', 'taken before or after the others').choices(['high', 'normal', 'low']))
    .option('--id <id>', 'an id of your own: while Redis knows it, nothing else is stored under it')
    .option('--attempts <number>', 'most attempts, the first included', wholeFrom(1))
    .option('--backoff <duration>', 'time before the second attempt, doubled for each one after it', duration)
    .option('--ttl <duration>', 'not worth handling after so long', duration)
    .action(async (queue: string, message: string | undefined, flags: PutFlags, command: Command) => {
      const source = await sourceOf(message, flags, command);
      await withQueue(queue, flags, (it) => put(it, source, flags));
    });
}

type Messages = { readonly message: Json } | Source;

async function sourceOf(given: string | undefined, { count: times, id }: PutFlags, command: Command): Promise<Messages> {
  if (id !== undefined && times !== undefined) usage(command, '--id names one message, and --count makes many of it: leave out one of the two');
  const source = await readMessage(given, command);
  if ('message' in source) return source;
  if (times !== undefined) usage(command, '--count repeats one message, and here each line is one: leave it out');
  if (id !== undefined) usage(command, '--id names one message, and here each line is one: put them one by one');
  return source;
}

async function readMessage(given: string | undefined, command: Command): Promise<Messages> {
  if (given === undefined && process.stdin.isTTY) usage(command, 'which message? Give JSON, @file, or - for lines from standard input');
  if (given === undefined || given === '-') return fromStdin();
  if (given.startsWith('@')) return fromFile(given.slice(1));
  try {
    return { message: JSON.parse(given) as Json };
  } catch (error) {
    return usage(command, `${notJson(given, error)}\nThe shell takes the outer quotes away, so write them twice: '"hello"' for a string, '{"to":"ada"}' for an object`);
  }
}

async function put(queue: HotQueue, source: Messages, flags: PutFlags): Promise<void> {
  const putter = queue.with(optionsOf(flags));
  const putAll: Put = (messages) => putter.putAll(messages);
  if ('message' in source && flags.count === undefined) {
    const job = await putter.put(source.message);
    print(flags.json ? lineOf(job) : job.id);
    if (job.duplicate) say(`${queue.name} knows this id already: nothing was stored`);
    return;
  }
  const progress = progressOn();
  const stream = 'message' in source ? repeated(source.message, flags.count!) : source.stream;
  const part = 'message' in source ? () => stored / flags.count! : source.part;
  let stored = 0;
  const tell = (jobs: readonly Job[]): void => {
    stored += jobs.length;
    if (flags.json) print(jobs.map(lineOf).join('\n'));
    progress.tell(stored, part());
  };
  try {
    await putLines(stream, putAll, tell);
  } catch (error) {
    progress.end();
    if (error instanceof HotQueueError && error.code !== 'INVALID_LINE') say(`${count(stored, 'message')} stored before this:`);
    throw error;
  }
  progress.end();
  if (!flags.json) print(`${count(stored, 'message')} put on ${queue.name}`);
}

/** As lines, so that many of one are put the way many others are. */
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
