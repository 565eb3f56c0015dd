import type { Command } from 'commander';
import { HotQueueError, type HotQueue, type Job, type Priority, type PutOptions, type Duration } from 'hotqueue';
import { usage, withTextQueue } from './command.js';
import type { WaitFlags } from './jobs/wait-option.js';
import { jsonText, type JsonText } from './json-text.js';
import { count, jsonLine, print, say } from './output.js';
import type { Progress } from './progress.js';
import { fromFile, fromStdin, notJson, putLines, type Put, type Source } from './put-lines.js';

/** Options of `hotqueue put`. */
export interface PutFlags extends WaitFlags {
  readonly count?: number;
  readonly delay?: Duration;
  readonly at?: Date;
  readonly priority?: Priority;
  readonly id?: string;
  readonly attempts?: number;
  readonly backoff?: Duration;
  readonly ttl?: Duration;
  readonly track?: boolean;
  readonly unique?: string;
  readonly replace?: boolean;
}

/** Puts what the command line names: one message, the same message many times, or a message for each line. */
export async function putMessages(
  queue: string,
  message: string | undefined,
  flags: PutFlags,
  command: Command,
): Promise<void> {
  const source = await sourceOf(message, flags, command);
  await withTextQueue(queue, flags, (it) => put(it, source, flags));
}

/** The progress line is for people: other programs need not load it. */
const progressOnTerminal = async (): Promise<Progress> =>
  process.stderr.isTTY ? (await import('./progress.js')).progressOn() : { show: () => {}, end: () => {} };

type Messages = { readonly message: JsonText } | Source;

/** Options that belong to one message: why, and what to do in place of them with lines. */
const ofOneMessage = {
  id: { why: 'an id belongs to one message', withLines: 'put the messages one by one' },
  wait: { why: 'it prints the result of one message', withLines: 'use --track, and "result" for each id' },
  unique: { why: 'only one message is stored with a unique key', withLines: 'put the messages one by one' },
} as const;

async function sourceOf(given: string | undefined, flags: PutFlags, command: Command): Promise<Messages> {
  const names = Object.keys(ofOneMessage) as (keyof typeof ofOneMessage)[];
  const name = names.find((it) => flags[it] !== undefined);
  if (name !== undefined && flags.count !== undefined)
    usage(
      command,
      `--${name} and --count cannot be used together: ${ofOneMessage[name].why}, so leave out one of them`,
    );
  if (flags.replace === true && flags.unique === undefined)
    usage(command, '--replace needs --unique: it replaces the message of the job that has the key');
  const source = await readMessage(given, command);
  if ('message' in source) return source;
  if (flags.count !== undefined)
    usage(command, '--count cannot be used with lines: it repeats a single message, so leave it out');
  if (name !== undefined) {
    const { why, withLines } = ofOneMessage[name];
    usage(command, `--${name} cannot be used with lines: ${why}, so ${withLines}`);
  }
  return source;
}

async function readMessage(given: string | undefined, command: Command): Promise<Messages> {
  if (given === undefined && process.stdin.isTTY)
    usage(command, 'no message: give JSON, @file, or - for lines from standard input');
  if (given === undefined || given === '-') return fromStdin();
  if (given.startsWith('@')) return fromFile(given.slice(1));
  try {
    return { message: jsonText(given) };
  } catch (error) {
    return usage(
      command,
      `${notJson(given, error)}\nThe shell removes the outer quotes, so write two kinds of quotes: '"hello"' for a string, '{"to":"ada"}' for an object`,
    );
  }
}

async function put(queue: HotQueue<JsonText>, source: Messages, flags: PutFlags): Promise<void> {
  const publisher = queue.with(optionsOf(flags));
  const putAll: Put = (messages) => publisher.putAll(messages);
  if ('message' in source && flags.count === undefined) {
    const job = await publisher.put(source.message);
    if (job.isDuplicate) say(duplicateNote(job, flags));
    if (flags.wait === undefined) return print(flags.json ? jsonLine(fieldsOf(job)) : job.id);
    say(`waiting for the result of job ${job.id}`);
    const { printResult } = await import('./jobs/await-result.js');
    return printResult(job, flags, fieldsOf(job));
  }
  const progress = await progressOnTerminal();
  const stream = 'message' in source ? repeated(source.message, flags.count!) : source.stream;
  const part = 'message' in source ? () => stored / flags.count! : source.part;
  let stored = 0;
  const onStored = (jobs: readonly Job<JsonText>[]): void => {
    stored += jobs.length;
    if (flags.json) print(jobs.map((job) => jsonLine(fieldsOf(job))).join('\n'));
    progress.show(stored, part());
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

function duplicateNote({ queue, id }: Job<JsonText>, { unique, replace }: PutFlags): string {
  if (unique === undefined) return `${queue} knows this id already: nothing was stored`;
  if (replace) return `job ${id} has this key already: its message was replaced if it has not started`;
  return `job ${id} has this key already: nothing was stored`;
}

/** Many lines with the same message, so that `--count` can use the code for lines. */
function* repeated({ text }: JsonText, times: number): Generator<Buffer> {
  const line = `${text}\n`;
  const most = Math.max(1, Math.floor(65_536 / line.length));
  for (let left = times; left > 0; left -= most) yield Buffer.from(line.repeat(Math.min(most, left)));
}

function optionsOf({ delay, at, priority, id, attempts, backoff, ttl, track, unique, replace }: PutFlags): PutOptions {
  const given = { delay, at, priority, id, attempts, backoff, ttl, track, unique, replace };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const fieldsOf = ({ id, queue, putAt, isDuplicate = false }: Job<JsonText>): object => ({
  queue,
  id,
  putAt,
  isDuplicate,
});
