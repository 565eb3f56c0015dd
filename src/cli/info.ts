import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { addressOf, durationMs, missing, openQueue, redisCommand, type RedisFlags } from './command.js';
import { infoAsJson, infoAsText, type Info } from './info-text.js';
import { ratesBetween, Snapshots, type QueueSnapshot } from '../inspect/snapshot.js';
import { jsonLine, widthOf } from './output.js';
import { columnsOf } from './text-width.js';
import { printed, untilInterrupted } from './printed.js';
import { steadyNow } from './clock.js';

interface InfoFlags extends RedisFlags {
  /** In ms. */
  readonly interval?: number;
}

/** `info`: prints queues and workers, once or at an interval. */
export function infoCommand(): Command {
  return redisCommand('info', 'Print the number of messages in each state, and the workers.', [
    ['info', 'all queues'],
    ['info emails --interval 2s', 'every two seconds, with rates, until Ctrl-C'],
    ['info --json | jq .queues', 'for other programs'],
  ])
    .argument('[queue...]', 'names of queues (default: all queues)')
    .option('-i, --interval <duration>', 'print again after each interval', durationMs)
    .action(async (names: string[], flags: InfoFlags) => {
      const snapshots = new Snapshots(addressOf(flags), names, (name) => openQueue(name, flags));
      try {
        await (flags.interval === undefined
          ? once(snapshots, flags)
          : untilInterrupted((signal) => again(snapshots, flags, signal)));
      } finally {
        await snapshots.close();
      }
    });
}

async function once(snapshots: Snapshots, { json }: InfoFlags): Promise<void> {
  const info = infoOf(await snapshots.take());
  if (info.queues.length === 0 && !json)
    return missing('no queue yet: put a message first, for example  hotqueue put emails \'"hello"\'');
  await printed(json ? jsonLine(infoAsJson(info)) : infoAsText(info));
}

async function again(snapshots: Snapshots, { json, interval }: InfoFlags, signal: AbortSignal): Promise<void> {
  const intervalMs = Math.max(100, interval!);
  for (let before: Info | undefined, lines = 0; !signal.aborted;) {
    const info = infoOf(await snapshots.take(), before);
    await snapshots.watch();
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
  return text.split('\n').reduce((rows, line) => rows + Math.max(1, Math.ceil(columnsOf(line) / widthOf())), 0);
}

function infoOf(snapshots: readonly QueueSnapshot[], before?: Info): Info {
  const at = steadyNow();
  const earlier = new Map(before?.queues.map((queue) => [queue.name, queue]));
  return {
    at,
    queues: snapshots.map((queue) => ({
      ...queue,
      rates: ratesBetween(earlier.get(queue.name), queue, at - (before?.at ?? at)),
    })),
  };
}
