import { Command, InvalidArgumentError, Option } from 'commander';
import { HotQueue, type QueueOptions } from 'hotqueue';
import { toMs, type Duration } from '../../contract/durations.js';
import { print } from './output.js';

/** What a command's process ends with; documented in docs/cli. */
export const exitCodes = {
  done: 0,
  /** It could not be done: the sentence on stderr says why. */
  failed: 1,
  /** An option or argument that does not exist, or has no such value. */
  usage: 2,
  /** What was asked for is not there: an empty queue, an unknown id. */
  nothing: 3,
} as const;

/** The options that every command has which talks to Redis. */
export interface RedisFlags {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly db?: number;
  readonly password?: string;
  readonly prefix?: string;
  readonly json?: boolean;
}

/** A command that talks to Redis, with an example under its help: `$ hotqueue …` and what it does. */
export function redisCommand(name: string, description: string, examples: readonly (readonly [line: string, what: string])[]): Command {
  return withExamples(new Command(name).description(description), examples)
    .addOption(new Option('-u, --url <url>', 'which Redis: redis://, rediss:// or unix://; REDIS_URL when absent'))
    .addOption(new Option('--host <host>', 'its host, in place of a url'))
    .addOption(new Option('-p, --port <port>', 'its port').argParser(wholeFrom(1, 65_535)))
    .addOption(new Option('-n, --db <number>', 'its database').argParser(wholeFrom(0, 65_535)))
    .addOption(new Option('-a, --password <password>', 'its password; better in REDIS_URL, as others can read a command line'))
    .addOption(new Option('--prefix <prefix>', "what every key begins with; 'hotqueue' when absent"))
    .addOption(new Option('--json', 'for programs: JSON on stdout, nothing else'));
}

/** The lines that a reader of `--help` copies. */
export function withExamples(command: Command, examples: readonly (readonly [line: string, what: string])[]): Command {
  const widest = Math.max(0, ...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  $ hotqueue ${line.padEnd(widest)}   ${what}`);
  return lines.length === 0 ? command : command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** An untyped queue as the flags say, closed after `use`. */
export async function withQueue<R>(name: string, flags: RedisFlags, use: (queue: HotQueue) => Promise<R>, more: QueueOptions = {}): Promise<R> {
  const queue = openQueue(name, flags, more);
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}

/** An untyped queue as the flags say; its owner closes it. */
export function openQueue(name: string, flags: RedisFlags, more: QueueOptions = {}): HotQueue {
  return new HotQueue(name, { ...addressOf(flags), ...more } as QueueOptions & { payload?: undefined });
}

/** Where to, in the words of {@link QueueOptions}. */
export function addressOf({ url, host, port, db, password, prefix }: RedisFlags): QueueOptions {
  const given = { url, host, port, db, password, prefix };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as QueueOptions;
}

/** Prints a result, and ends with `nothing` when there is none. */
export function answer(flags: RedisFlags, value: unknown, asText: () => string): void {
  print(flags.json === true ? JSON.stringify(value) : asText());
}

/** Parses a whole number, for commander. */
export function wholeFrom(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** Parses `90s`, `10m`, `250` (ms), for commander. */
export function duration(text: string): Duration {
  const given = /^\d+$/.test(text) ? Number(text) : (text as Duration);
  try {
    toMs(given, 'it');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
  return given;
}
