import type { Duration } from '../contract/durations.js';
import { defaultDeadlineMs, type Crew } from './runner.js';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Resolves when the crew has finished, which the first SIGINT or SIGTERM asks it to do. The second forces it: what runs
 * is given back at once, and the signal then ends the process as it would have without us.
 */
export async function untilSignalled(crew: Crew, deadline: Duration = defaultDeadlineMs): Promise<void> {
  let forcedBy: NodeJS.Signals | undefined;
  let isAsked = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isAsked) forcedBy = signal;
    else process.stderr.write(`hotqueue: ${signal}: stopping, ${crew.running} running; again to force\n`);
    void crew.stop({ deadline: isAsked ? 0 : deadline }).catch(() => undefined); // told by `finished`
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
