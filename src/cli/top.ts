import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { QueueClosedError, RedisUnreachableError } from 'hotqueue';
import { toMs, type Duration } from '../core/duration.js';
import { duration, missing, redisCommand, wholeFrom, type RedisFlags } from './command.js';
import { jsonLine, say } from './output.js';
import { printed, untilAsked } from './printed.js';
import { Monitor } from './top/monitor.js';
import { sightAsJson, sightAsText } from './top/plain.js';
import { Eyes, type Snapshot } from './top/snapshot.js';

interface TopFlags extends RedisFlags {
  readonly interval: Duration;
  readonly number: number;
  readonly once?: boolean;
}

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
    .option('-i, --interval <duration>', 'time between two snapshots', duration, '1s')
    .option(
      '-n, --number <number>',
      'in lines and JSON: number of the next messages of each queue',
      wholeFrom(0, 1_000),
      5,
    )
    .option('--once', 'print one snapshot as lines, then exit; exits with 3 if there is no queue')
    .action(async (names: string[], flags: TopFlags) => {
      const eyes = new Eyes(flags, names);
      try {
        if (flags.once) await once(eyes, flags);
        else
          await untilAsked((signal) =>
            isScreen(flags) ? onScreen(eyes, flags, signal) : asLines(eyes, flags, signal),
          );
      } finally {
        await eyes.close();
      }
    });
}

const isScreen = ({ json }: TopFlags): boolean =>
  json !== true && process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
const intervalOf = ({ interval }: TopFlags): number => Math.max(100, toMs(interval, 'interval'));

async function once(eyes: Eyes, { json, number }: TopFlags): Promise<void> {
  const sight = await eyes.look(number);
  if (sight.queues.length === 0 && !json)
    return missing('no queue yet: put a message first, for example  hotqueue put emails \'"hello"\'');
  await printed(json ? jsonLine(sightAsJson(sight)) : sightAsText(sight));
}

async function onScreen(eyes: Eyes, flags: TopFlags, signal: AbortSignal): Promise<void> {
  const first = await eyes.look(process.stdout.rows || 24);
  await new Monitor(eyes, flags, intervalOf(flags), first).run(signal);
}

async function asLines(eyes: Eyes, flags: TopFlags, signal: AbortSignal): Promise<void> {
  let hasAnswered = false;
  const asked = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  while (!signal.aborted) {
    // A signal ends the command at once, also while Redis does not answer.
    const sight: Snapshot | undefined = await Promise.race([lookAgain(eyes, flags, hasAnswered), asked]);
    hasAnswered ||= sight !== undefined;
    if (sight && !(await printed(flags.json ? jsonLine(sightAsJson(sight)) : `${sightAsText(sight)}\n`))) return;
    await pause(intervalOf(flags), undefined, { signal }).catch(() => undefined);
  }
}

/**
 * Takes a snapshot. While Redis does not answer, prints a note on stderr and returns `undefined`.
 *
 * @throws RedisUnreachableError if Redis has never answered: then the address is probably wrong
 */
async function lookAgain(eyes: Eyes, { number }: TopFlags, hasAnswered: boolean): Promise<Snapshot | undefined> {
  try {
    const sight = await eyes.look(number);
    await eyes.watch();
    return sight;
  } catch (error) {
    if (error instanceof QueueClosedError) return undefined; // the command was ended meanwhile
    if (!hasAnswered || !(error instanceof RedisUnreachableError)) throw error;
    say(`${error.message}. Reconnecting`);
    return undefined;
  }
}
