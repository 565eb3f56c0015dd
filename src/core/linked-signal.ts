import { onAbort } from './on-abort.js';

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
  const removers = signals.map((signal) => {
    const abort = (): void => controller.abort(signal.reason);
    if (!signal.aborted) return onAbort(signal, abort);
    return abort();
  });
  return { signal: controller.signal, unlink: () => removers.forEach((remove) => remove?.()) };
}
