import { Command, InvalidArgumentError, Option } from 'commander';
import type { HotQueue, QueueOptions, Duration } from 'hotqueue';
import { toMs } from '../core/duration.js';
import type { RedisFlags } from './flags.js';
import type { JsonText } from './json-text.js';
import { jsonLine, print, say } from './output.js';

export { addressOf, type RedisFlags } from './flags.js';

/** Exit codes of the commands. docs/cli lists them. */
export const exitCodes = {
  done: 0,
  /** The command failed; a sentence on stderr says why. */
  failed: 1,
  /** An unknown option or argument, or an invalid value. */
  usage: 2,
  /** Nothing found: an empty queue, an unknown id. */
  nothing: 3,
  /** The job has not ended. */
  notEnded: 4,
} as const;

/** A command line without the word `hotqueue`, and what it does. */
export type Example = readonly [line: string, what: string];

const redisHeading = 'Which Redis:';

/** A command that talks to Redis. `--help` shows the examples below the options. */
export function redisCommand(name: string, description: string, examples: readonly Example[]): Command {
  const command = withExamples(new Command(name).description(description), examples);
  command.addOption(new Option('--json', 'print JSON on stdout and nothing else, for programs'));
  for (const option of redisOptions()) command.addOption(option);
  return command;
}

/**
 * The options that say which Redis to use. They have their own heading in `--help`.
 *
 * The database has no short option `-n` as in redis-cli: here `-n` is a number of messages.
 */
export function redisOptions(): Option[] {
  return [
    new Option('-u, --url <url>', 'address of Redis: redis://, rediss:// or unix:// (default: REDIS_URL)'),
    new Option('--host <host>', 'host of Redis, instead of --url'),
    new Option('-p, --port <port>', 'port of Redis').argParser(wholeFrom(1, 65_535)),
    new Option('--db <number>', 'number of the database').argParser(wholeFrom(0, 65_535)),
    new Option(
      '-a, --password <password>',
      'password; REDIS_URL is safer, because other users can read a command line',
    ),
    new Option('--prefix <prefix>', "first part of every key (default: 'hotqueue')"),
  ].map((option) => option.helpGroup(redisHeading));
}

const shown = new WeakMap<Command, readonly Example[]>();

/** Adds examples to `--help` and to the command's page in docs/cli. */
export function withExamples(command: Command, examples: readonly Example[]): Command {
  shown.set(command, examples);
  const widest = Math.max(0, ...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  $ hotqueue ${line.padEnd(widest)}   ${what}`);
  return lines.length === 0 ? command : command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

export const examplesOf = (command: Command): readonly Example[] => shown.get(command) ?? [];

/** Opens an untyped queue at the address in the flags, and closes it after `use`. */
export async function withQueue<R>(
  name: string,
  flags: RedisFlags,
  use: (queue: HotQueue) => Promise<R>,
  more: QueueOptions = {},
): Promise<R> {
  const { openQueue } = await import('./open-queue.js');
  const queue = openQueue(name, flags, more);
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}

/** As {@link withQueue}, for a queue whose payloads are {@link JsonText}: they are put and taken as text. */
export async function withTextQueue<R>(
  name: string,
  flags: RedisFlags,
  use: (queue: HotQueue<JsonText>) => Promise<R>,
): Promise<R> {
  const { jsonTextSerializer } = await import('./json-text.js');
  // Its payloads have no class: the serializer makes them.
  return withQueue(name, flags, (queue) => use(queue as unknown as HotQueue<JsonText>), {
    serializer: jsonTextSerializer,
  });
}

/** Prints a result: as JSON with `--json`, else as text. */
export function answer(flags: RedisFlags, value: unknown, asText: () => string): void {
  print(flags.json === true ? jsonLine(value) : asText());
}

/** Ends the command with exit code 2 for a wrong command line. Call it before the command changes anything. */
export function usage(command: Command, sentence: string): never {
  return command.error(`error: ${sentence}`, { exitCode: exitCodes.usage });
}

/** Prints what was not found on stderr, and sets exit code 3. */
export function missing(sentence: string): void {
  say(sentence);
  process.exitCode = exitCodes.nothing;
}

/** Prints why nothing was changed on stderr, and sets exit code 1. */
export function refused(sentence: string): void {
  say(sentence);
  process.exitCode = exitCodes.failed;
}

export const priorityOption = (): Option =>
  new Option('--priority <priority>', 'taken before (high) or after (low) normal messages').choices([
    'high',
    'normal',
    'low',
  ]);

/** Parses a whole number, for commander. */
export function wholeFrom(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** Parses `90s`, `10m`, `250ms`, for commander. Keeps the text, which options of the library accept too. */
export function duration(text: string): Duration {
  durationMs(text);
  return text as Duration;
}

/** Parses the same texts to milliseconds. A bare number is refused: some programs mean seconds by it, others milliseconds. */
export function durationMs(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError(`It has no unit: write ${text}s or ${text}ms.`);
  try {
    return toMs(text as Duration, 'duration');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
}
