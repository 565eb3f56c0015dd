import { Command, InvalidArgumentError, Option } from 'commander';
import { HotQueue, type QueueOptions } from 'hotqueue';
import { toMs, type Duration } from '../../contract/durations.js';
import { jsonLine, print, say } from './output.js';

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

/** A line that a reader copies behind `hotqueue`, and what it does. */
export type Example = readonly [line: string, what: string];

const redisHeading = 'Which Redis:';

/** A command that talks to Redis, with an example under its help: `$ hotqueue …` and what it does. */
export function redisCommand(name: string, description: string, examples: readonly Example[]): Command {
  const command = withExamples(new Command(name).description(description), examples);
  command.addOption(new Option('--json', 'for programs: JSON on stdout, nothing else'));
  for (const option of redisOptions()) command.addOption(option);
  return command;
}

/** What says which Redis; under a heading of their own, as every command has them. No short `-n`, redis-cli's: here it counts. */
export function redisOptions(): Option[] {
  return [
    new Option('-u, --url <url>', 'redis://, rediss:// or unix://; REDIS_URL when absent'),
    new Option('--host <host>', 'its host, in place of a url'),
    new Option('-p, --port <port>', 'its port').argParser(wholeFrom(1, 65_535)),
    new Option('--db <number>', 'its database').argParser(wholeFrom(0, 65_535)),
    new Option('-a, --password <password>', 'its password; better in REDIS_URL, as others can read a command line'),
    new Option('--prefix <prefix>', "what every key begins with; 'hotqueue' when absent"),
  ].map((option) => option.helpGroup(redisHeading));
}

const shown = new WeakMap<Command, readonly Example[]>();

/** The lines that a reader of `--help` copies; they stand in the command's page too. */
export function withExamples(command: Command, examples: readonly Example[]): Command {
  shown.set(command, examples);
  const widest = Math.max(0, ...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  $ hotqueue ${line.padEnd(widest)}   ${what}`);
  return lines.length === 0 ? command : command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

export const examplesOf = (command: Command): readonly Example[] => shown.get(command) ?? [];

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
  return new HotQueue(name, { ...addressOf(flags), ...more });
}

/** Where to, in the words of {@link QueueOptions}. */
export function addressOf({ url, host, port, db, password, prefix }: RedisFlags): QueueOptions {
  const given = { url, host, port, db, password, prefix };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Prints a result. */
export function answer(flags: RedisFlags, value: unknown, asText: () => string): void {
  print(flags.json === true ? jsonLine(value) : asText());
}

/** Ends the command as one that cannot be understood: nothing was done. */
export function usage(command: Command, sentence: string): never {
  return command.error(`error: ${sentence}`, { exitCode: exitCodes.usage });
}

/** Says what is not there, and has the process end with `nothing`. */
export function missing(sentence: string): void {
  say(sentence);
  process.exitCode = exitCodes.nothing;
}

/** Parses a whole number, for commander. */
export function wholeFrom(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** Parses an instant, for commander: `2026-12-24T18:00`, of this machine's time zone where it names none, or Unix ms. */
export function instant(text: string): Date {
  const at = new Date(/^\d+$/.test(text) ? Number(text) : text);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('Give a time such as 2026-12-24T18:00, 2026-12-24T17:00Z, or Unix milliseconds.');
  return at;
}

/** Parses `90s`, `10m`, `250` (ms), for commander. */
export function duration(text: string): Duration {
  const given = /^\d+$/.test(text) ? Number(text) : (text as Duration);
  try {
    toMs(given, 'duration');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? `${error.message}.` : String(error));
  }
  return given;
}
