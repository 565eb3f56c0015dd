import { constants } from 'node:os';
import type { Duration } from '../core/duration.js';
import { defaultShutdownTimeoutMs, type WorkerRunner } from './runner.js';

/** Signals that end a process and that it can handle: Ctrl-C, a stop, a closed terminal, Ctrl-\, the restart of tools such as nodemon. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
/** Programs use the others for purposes of their own, such as to read their settings again. Then these do not end the process. */
const alwaysEnd: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGTERM']);

type Observe = (signal: NodeJS.Signals) => void;

/** Those that observe signals. The process has one listener for all of them: twelve would cause a warning of Node. */
const observers = new Set<Observe>();

function onSignal(signal: NodeJS.Signals): void {
  if (!alwaysEnd.has(signal) && process.listenerCount(signal) > 1) return;
  for (const observe of observers) observe(signal);
}

/** Observes the signals that would end the process. @returns a function that ends it */
export function observeEndingSignals(observe: Observe): () => void {
  if (observers.size === 0) for (const signal of endingSignals) process.on(signal, onSignal);
  observers.add(observe);
  return () => {
    if (!observers.delete(observe) || observers.size > 0) return;
    for (const signal of endingSignals) process.off(signal, onSignal);
  };
}

/**
 * Resolves when the worker runner has finished.
 *
 * The first signal that would end the process stops the runner. The second forces it: active messages go back at once, and the
 * signal then ends the process as it does without this library.
 */
export async function untilSignalled(
  runner: WorkerRunner,
  shutdownTimeout: Duration = defaultShutdownTimeoutMs,
): Promise<void> {
  let forcedBy: NodeJS.Signals | undefined;
  let isAsked = false;
  const unobserve = observeEndingSignals((signal) => {
    if (isAsked) forcedBy = signal;
    else process.stderr.write(`hotqueue: ${signal}: stopping, ${runner.running} running; send it again to force\n`);
    void runner.stop({ shutdownTimeout: isAsked ? 0 : shutdownTimeout }).catch(() => undefined); // `finished` reports the error
    isAsked = true;
  });
  try {
    await runner.finished;
  } finally {
    unobserve();
  }
  if (forcedBy) endBy(forcedBy);
}

/** Ends the process as the signal would. The first process of a container cannot be ended by a signal without a listener. */
function endBy(signal: NodeJS.Signals): void {
  if (process.pid === 1 && process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal]);
  process.kill(process.pid, signal);
}
