import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Command } from 'commander';
import { toMs, type Duration } from '../core/duration.js';
import { duration, missing, redisCommand, type RedisFlags } from './command.js';
import { infoAsJson, infoAsText } from './info-text.js';
import { Lookout, ratesOf, type Info, type QueueLook } from './look.js';
import { jsonLine, widthOf } from './output.js';
import { printed, untilAsked } from './printed.js';

interface InfoFlags extends RedisFlags {
  readonly interval?: Duration;
}

/** `info`: prints queues and workers, once or at an interval. */
export function infoCommand(): Command {
  return redisCommand('info', 'Print the number of messages in each state, and the workers.', [
    ['info', 'all queues'],
    ['info emails --interval 2s', 'every two seconds, with rates, until Ctrl-C'],
    ['info --json | jq .queues', 'for other programs'],
  ])
    .argument('[queue...]', 'names of queues (default: all queues)')
    .option('-i, --interval <duration>', 'print again after each interval', duration)
    .action(async (names: string[], flags: InfoFlags) => {
      const lookout = new Lookout(flags, names);
      try {
        await (flags.interval === undefined
          ? once(lookout, flags)
          : untilAsked((signal) => again(lookout, flags, signal)));
      } finally {
        await lookout.close();
      }
    });
}

async function once(lookout: Lookout, { json }: InfoFlags): Promise<void> {
  const info = infoOf(await lookout.look());
  if (info.queues.length === 0 && !json)
    return missing('no queue yet: put a message first, for example  hotqueue put emails \'"hello"\'');
  await printed(json ? jsonLine(infoAsJson(info)) : infoAsText(info));
}

async function again(lookout: Lookout, { json, interval }: InfoFlags, signal: AbortSignal): Promise<void> {
  const intervalMs = Math.max(100, toMs(interval!, 'interval'));
  for (let before: Info | undefined, lines = 0; !signal.aborted;) {
    const info = infoOf(await lookout.look(), before);
    await lookout.watch();
    const text = json ? jsonLine(infoAsJson(info)) : infoAsText(info);
    if (!json && process.stdout.isTTY) rewind(lines);
    const isRead = await printed(json || process.stdout.isTTY ? text : `${text}\n`);
    if (!isRead) return;
    lines = rowsOf(text);
    before = info;
    await pause(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Moves the cursor to the start of the last output and clears the screen below it. */
function rewind(lines: number): void {
  if (lines === 0) return;
  moveCursor(process.stdout, 0, -Math.min(lines, (process.stdout.rows || 24) - 1));
  cursorTo(process.stdout, 0);
  clearScreenDown(process.stdout);
}

/** Number of screen rows of a text. A long line takes several. */
function rowsOf(text: string): number {
  return text
    .split('\n')
    .reduce((rows, line) => rows + Math.max(1, Math.ceil(stripVTControlCharacters(line).length / widthOf())), 0);
}

function infoOf(looks: readonly QueueLook[], before?: Info): Info {
  const at = Date.now();
  const earlier = new Map(before?.queues.map((queue) => [queue.name, queue]));
  return {
    at,
    queues: looks.map((look) => ({ ...look, rates: ratesOf(look, earlier.get(look.name), at - (before?.at ?? at)) })),
  };
}
