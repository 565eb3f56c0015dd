import type { Duration } from '../contract/durations.js';
import { defaultDeadlineMs, type Crew } from './runner.js';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Resolves when the worker runner has finished.
 *
 * The first SIGINT or SIGTERM stops it. The second forces it: active messages go back at once, and the signal then ends the
 * process as it does without this library.
 */
export async function untilSignalled(crew: Crew, deadline: Duration = defaultDeadlineMs): Promise<void> {
  let forcedBy: NodeJS.Signals | undefined;
  let isAsked = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isAsked) forcedBy = signal;
    else process.stderr.write(`hotqueue: ${signal}: stopping, ${crew.running} running; send it again to force\n`);
    void crew.stop({ deadline: isAsked ? 0 : deadline }).catch(() => undefined); // `finished` reports the error
    isAsked = true;
  };
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await crew.finished;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
  if (forcedBy) process.kill(process.pid, forcedBy);
}
