import { setMaxListeners } from 'node:events';

/** The signal, for many waits at the same time: each removes its listener at its end, so Node need not warn of a leak. */
export function forManyWaits(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}

/** A signal that aborts with the first of several, and leaves nothing behind in them. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Call this when the signal is no longer needed. */
  unlink(): void;
}

/**
 * Links signals, as `AbortSignal.any` does. That function leaves an entry in each of them for every call, so a signal of the
 * whole program would grow with each `get`.
 */
export function linkSignals(...signals: readonly AbortSignal[]): LinkedSignal {
  const controller = new AbortController();
  const abort = (event: Event): void => controller.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    else forManyWaits(signal).addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    unlink: () => signals.forEach((signal) => signal.removeEventListener('abort', abort)),
  };
}
