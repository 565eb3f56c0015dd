import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { QueueClosedError, RedisUnreachableError } from 'hotqueue';
import { toMs, type Duration } from '../../contract/durations.js';
import { duration, missing, redisCommand, wholeFrom, type RedisFlags } from './command.js';
import { jsonLine, say } from './output.js';
import { printed, untilAsked } from './printed.js';
import { Monitor } from './top/monitor.js';
import { sightAsJson, sightAsText } from './top/plain.js';
import { Eyes, type Sight } from './top/sight.js';

interface TopFlags extends RedisFlags {
  readonly interval: Duration;
  readonly number: number;
  readonly once?: boolean;
}

/** `top`: the screen on which a person watches. */
export function topCommand(): Command {
  return redisCommand('top', 'Watch queues and workers on a full screen, with what comes next; pause, revive, drop by a key. Lines where there is no terminal.', [
    ['top', 'all queues, until q or Ctrl-C; ? lists the keys'],
    ['top emails images --interval 5s', 'two of them, looked at less often'],
    ['top --once', 'one look, as lines'],
    ['top emails --json', 'a line of JSON for each look, for other programs'],
  ])
    .argument('[queue...]', 'all that something was ever put on, when absent')
    .option('-i, --interval <duration>', 'look so often', duration, '1s')
    .option('-n, --number <number>', 'in lines and JSON, so many of the next messages of each queue', wholeFrom(0, 1_000), 5)
    .option('--once', 'one look, as lines, then end; with 3 when there is no queue')
    .action(async (names: string[], flags: TopFlags) => {
      const eyes = new Eyes(flags, names);
      try {
        if (flags.once) await once(eyes, flags);
        else await untilAsked((signal) => (isScreen(flags) ? onScreen(eyes, flags, signal) : asLines(eyes, flags, signal)));
      } finally {
        await eyes.close();
      }
    });
}

const isScreen = ({ json }: TopFlags): boolean => json !== true && process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
const intervalOf = ({ interval }: TopFlags): number => Math.max(100, toMs(interval, 'interval'));

async function once(eyes: Eyes, { json, number }: TopFlags): Promise<void> {
  const sight = await eyes.look(number);
  if (sight.queues.length === 0 && !json) return missing('no queue yet: something has to be put on one, as in  hotqueue put emails \'"hello"\'');
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
    // Whoever ends it does not wait for a Redis that is away.
    const sight: Sight | undefined = await Promise.race([lookAgain(eyes, flags, hasAnswered), asked]);
    hasAnswered ||= sight !== undefined;
    if (sight && !(await printed(flags.json ? jsonLine(sightAsJson(sight)) : `${sightAsText(sight)}\n`))) return;
    await pause(intervalOf(flags), undefined, { signal }).catch(() => undefined);
  }
}

/** A look; none while Redis is away, which stderr is told each time. One that never answered is another Redis than was meant. */
async function lookAgain(eyes: Eyes, { number }: TopFlags, hasAnswered: boolean): Promise<Sight | undefined> {
  try {
    const sight = await eyes.look(number);
    await eyes.watch();
    return sight;
  } catch (error) {
    if (error instanceof QueueClosedError) return undefined; // it was ended meanwhile
    if (!hasAnswered || !(error instanceof RedisUnreachableError)) throw error;
    say(`${error.message}. Trying again`);
    return undefined;
  }
}
