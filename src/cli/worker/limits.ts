import { areDrained } from '../../redis/drained.js';
import type { BoundHandler } from '../../worker/handlers.js';
import type { EndReason, WorkerSettings } from './settings.js';

const checkEveryMs = 100;
const patience = { withinMs: 10_000 };

export type LimitSettings = Pick<WorkerSettings, 'isBurst' | 'maxJobs' | 'maxIdleMs' | 'maxMemoryBytes'>;

/** What the limits are checked against, and what to call when one is reached. */
export interface LimitedWorkers {
  readonly running: () => number;
  readonly stop: (reason: EndReason) => void;
  /** Called when no message is waiting and none is running. */
  readonly drained: () => void;
}

/** Watches the limits of `--burst`, `--max-jobs`, `--max-idle` and `--max-memory`. @returns a function that stops watching */
export function watchLimits(
  handlers: readonly BoundHandler[],
  settings: LimitSettings,
  { running, stop, drained }: LimitedWorkers,
): () => void {
  const { isBurst, maxJobs, maxIdleMs = Infinity, maxMemoryBytes = Infinity } = settings;
  let begun = 0;
  let busyAt = performance.now();
  let isReading = false;
  const busy = (): void => void (busyAt = performance.now());
  const begin = (): void => {
    busy();
    // Stopping gives back messages that have not started, so no more than `maxJobs` start; only a batch that has started is finished.
    if (++begun === maxJobs) stop('max-jobs');
  };
  const emitters = new Set(handlers.map(({ context }) => context.events));
  for (const events of emitters) events.on('take', begin);
  const check = async (): Promise<void> => {
    if (process.memoryUsage.rss() > maxMemoryBytes) return stop('max-memory');
    if (running() > 0) return busy();
    if (performance.now() - busyAt >= maxIdleMs) return stop('max-idle');
    if (!isBurst || isReading) return;
    isReading = true;
    try {
      if ((await isDrained(handlers)) && running() === 0) drained();
    } catch {
      // Redis does not answer. The handlers wait for it or fail, so the limits only have to try again.
    } finally {
      isReading = false;
    }
  };
  const timer = setInterval(() => void check(), checkEveryMs);
  return () => {
    clearInterval(timer);
    for (const events of emitters) events.off('take', begin);
  };
}

/** Whether no message is waiting, due, or active in any process. Messages of a paused queue cannot be taken, so they do not count. */
export function isDrained(handlers: readonly BoundHandler[]): Promise<boolean> {
  return areDrained([...new Set(handlers.map(({ context }) => context.broker))], patience);
}
