import type { DrainedOptions } from '../core/options/drained.js';
import { sleep } from '../core/timer.js';
import type { Patience } from './connection.js';
import type { Reader } from './reader.js';

const shortestPauseMs = 20;
const longestPauseMs = 500;

/** What is drained: queues, by their readers. */
type Readable = { readonly reader: Reader };

/** Resolves when the queues are {@link areDrained}. Waits as long as Redis is away. @throws the reason of the signal */
export async function untilDrained(queues: readonly Readable[], { delayed, signal }: DrainedOptions): Promise<void> {
  const patience = signal ? { signal } : {};
  for (let pauseMs = shortestPauseMs; !(await areDrained(queues, patience, delayed));) {
    await sleep(pauseMs, signal);
    signal?.throwIfAborted();
    pauseMs = Math.min(1.5 * pauseMs, longestPauseMs);
  }
}

/**
 * Whether no message is active, due, or waiting in a queue that is not paused.
 *
 * @param delayed whether messages that are not due yet count too
 */
export async function areDrained(queues: readonly Readable[], patience: Patience, delayed = false): Promise<boolean> {
  // A handler of one queue may put on another one after that was read. Then the second pass finds the message.
  for (let pass = 0; pass < Math.min(queues.length, 2); pass++)
    for (const { reader } of queues) if (!(await isDrained(reader, patience, delayed))) return false;
  return true;
}

async function isDrained(reader: Reader, patience: Patience, withDelayed: boolean): Promise<boolean> {
  const { waiting, delayed, active } = await reader.count(patience);
  if (active > 0 || (withDelayed && delayed > 0)) return false;
  if (waiting > 0 && !(await reader.isPaused(patience))) return false;
  if (delayed === 0) return true;
  const [first] = await reader.delayed.page({ offset: 0, limit: 1 }, patience);
  return !first || first.dueAt > (await reader.now(patience));
}
