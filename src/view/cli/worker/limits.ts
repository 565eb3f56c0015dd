import type { BoundHandler } from '../../../runtime/handlers.js';
import type { Ending, WorkerSettings } from './settings.js';

const lookMs = 100;
const patience = { withinMs: 10_000 };

export type Limits = Pick<WorkerSettings, 'isBurst' | 'maxJobs' | 'maxIdleMs' | 'maxMemoryBytes'>;

/** What limits are held against, and what happens when one is reached. */
export interface Limited {
  readonly running: () => number;
  readonly stop: (ending: Ending) => void;
  /** Nothing is ready, and nothing runs. */
  readonly drained: () => void;
}

/** Looks after `--burst`, `--max-jobs`, `--max-idle` and `--max-memory`. @returns what ends it */
export function watchLimits(handlers: readonly BoundHandler[], settings: Limits, { running, stop, drained }: Limited): () => void {
  const { isBurst, maxJobs, maxIdleMs = Infinity, maxMemoryBytes = Infinity } = settings;
  let begun = 0;
  let busyAt = performance.now();
  let isAsking = false;
  const busy = (): void => void (busyAt = performance.now());
  const begin = (): void => {
    busy();
    // Stopping gives back at once what has not begun, so there is no message beyond the number; but of a batch, the rest.
    if (++begun === maxJobs) stop('max-jobs');
  };
  const emitters = new Set(handlers.map(({ channel }) => channel.events));
  for (const events of emitters) events.on('take', begin);
  const look = async (): Promise<void> => {
    if (process.memoryUsage.rss() > maxMemoryBytes) return stop('max-memory');
    if (running() > 0) return busy();
    if (performance.now() - busyAt >= maxIdleMs) return stop('max-idle');
    if (!isBurst || isAsking) return;
    isAsking = true;
    try {
      if ((await isNothingReady(handlers)) && running() === 0) drained();
    } catch {
      // Redis is away: the handlers wait for it, or fail, and so does this.
    } finally {
      isAsking = false;
    }
  };
  const timer = setInterval(() => void look(), lookMs);
  return () => {
    clearInterval(timer);
    for (const events of emitters) events.off('take', begin);
  };
}

/** Whether no queue has a message for anybody who takes now; those of a paused one are for nobody. */
export async function isNothingReady(handlers: readonly BoundHandler[]): Promise<boolean> {
  const brokers = [...new Set(handlers.map(({ channel }) => channel.broker))];
  const ready = await Promise.all(brokers.map(async (broker) => (await broker.size(patience)) > 0 && !(await broker.isPaused(patience))));
  return !ready.includes(true);
}
