import { sleep } from '../../core/timer.js';
import { QueueClosedError, RedisUnreachableError } from 'hotqueue';
import { missing, type RedisFlags } from '../command.js';
import { jsonLine, say } from '../output.js';
import { printed, untilInterrupted } from '../printed.js';
import { Monitor } from './monitor.js';
import { topAsJson, topAsText } from './plain.js';
import { TopSnapshots, type TopSnapshot } from './snapshot.js';

/** Options of `hotqueue top`. */
export interface TopFlags extends RedisFlags {
  /** In ms. */
  readonly interval: number;
  readonly number: number;
  readonly once?: boolean;
}

/** Shows snapshots on a full screen, or as lines. */
export async function watchTop(names: readonly string[], flags: TopFlags): Promise<void> {
  const snapshots = new TopSnapshots(flags, names);
  try {
    if (flags.once) await once(snapshots, flags);
    else
      await untilInterrupted((signal) =>
        isScreen(flags) ? onScreen(snapshots, flags, signal) : asLines(snapshots, flags, signal),
      );
  } finally {
    await snapshots.close();
  }
}

const isScreen = ({ json }: TopFlags): boolean =>
  json !== true && process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
const intervalOf = ({ interval }: TopFlags): number => Math.max(100, interval);

async function once(snapshots: TopSnapshots, { json, number }: TopFlags): Promise<void> {
  const snapshot = await snapshots.take(number);
  if (snapshot.queues.length === 0 && !json)
    return missing('no queue yet: put a message first, for example  hotqueue put emails \'"hello"\'');
  await printed(json ? jsonLine(topAsJson(snapshot)) : topAsText(snapshot));
}

async function onScreen(snapshots: TopSnapshots, flags: TopFlags, signal: AbortSignal): Promise<void> {
  const first = await snapshots.take(process.stdout.rows || 24);
  await new Monitor(snapshots, flags, intervalOf(flags), first).run(signal);
}

async function asLines(snapshots: TopSnapshots, flags: TopFlags, signal: AbortSignal): Promise<void> {
  let hasAnswered = false;
  const interrupted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  while (!signal.aborted) {
    // A signal ends the command at once, also while Redis does not answer.
    const snapshot: TopSnapshot | undefined = await Promise.race([
      takeAgain(snapshots, flags, hasAnswered),
      interrupted,
    ]);
    hasAnswered ||= snapshot !== undefined;
    if (snapshot && !(await printed(flags.json ? jsonLine(topAsJson(snapshot)) : `${topAsText(snapshot)}\n`))) return;
    await sleep(intervalOf(flags), signal);
  }
}

/**
 * Takes a snapshot. While Redis does not answer, prints a note on stderr and returns `undefined`.
 *
 * @throws RedisUnreachableError if Redis has never answered: then the address is probably wrong
 */
async function takeAgain(
  snapshots: TopSnapshots,
  { number }: TopFlags,
  hasAnswered: boolean,
): Promise<TopSnapshot | undefined> {
  try {
    const snapshot = await snapshots.take(number);
    await snapshots.watch();
    return snapshot;
  } catch (error) {
    if (error instanceof QueueClosedError) return undefined; // the command was ended meanwhile
    if (!hasAnswered || !(error instanceof RedisUnreachableError)) throw error;
    say(`${error.message}. Reconnecting`);
    return undefined;
  }
}
