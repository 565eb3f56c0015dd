import type { Duration } from '../core/duration.js';
import { defaultShutdownTimeoutMs, type WorkerRunner } from './runner.js';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Resolves when the worker runner has finished.
 *
 * The first SIGINT or SIGTERM stops it. The second forces it: active messages go back at once, and the signal then ends the
 * process as it does without this library.
 */
export async function untilSignalled(
  runner: WorkerRunner,
  shutdownTimeout: Duration = defaultShutdownTimeoutMs,
): Promise<void> {
  let forcedBy: NodeJS.Signals | undefined;
  let isAsked = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isAsked) forcedBy = signal;
    else process.stderr.write(`hotqueue: ${signal}: stopping, ${runner.running} running; send it again to force\n`);
    void runner.stop({ shutdownTimeout: isAsked ? 0 : shutdownTimeout }).catch(() => undefined); // `finished` reports the error
    isAsked = true;
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await runner.finished;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
  if (forcedBy) process.kill(process.pid, forcedBy);
}
