import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';
import { ratesBetween, Snapshots, type QueueSnapshot } from '../inspect/snapshot.js';
import { sleep } from '../core/timer.js';
import { steadyNow } from './clock.js';
import { addressOf, missing, type RedisFlags } from './command.js';
import { infoAsJson, infoAsText, type Info } from './info-text.js';
import { openQueue } from './open-queue.js';
import { jsonLine, widthOf } from './output.js';
import { printed, untilInterrupted } from './printed.js';
import { columnsOf } from './text-width.js';

/** Options of `hotqueue info`. */
export interface InfoFlags extends RedisFlags {
  /** In ms. */
  readonly interval?: number;
}

/** Prints queues and workers, once or at an interval. */
export async function printInfo(names: readonly string[], flags: InfoFlags): Promise<void> {
  const snapshots = new Snapshots(addressOf(flags), names, (name) => openQueue(name, flags));
  try {
    await (flags.interval === undefined
      ? once(snapshots, flags)
      : untilInterrupted((signal) => again(snapshots, flags, signal)));
  } finally {
    await snapshots.close();
  }
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
    await sleep(intervalMs, signal);
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
