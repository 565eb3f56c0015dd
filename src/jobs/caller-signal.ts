import type { ResultLimits } from './waits.js';

type SignalSource = () => AbortSignal | undefined;

const noSignal: SignalSource = () => undefined;
let source = noSignal;

/**
 * Sets the source of a signal that ends the waits of the calling code. Only the prompt uses it: Ctrl-C ends the waits of its line.
 *
 * @returns a function that removes it
 */
export function endWaitsWith(asked: SignalSource): () => void {
  source = asked;
  return () => {
    if (source === asked) source = noSignal;
  };
}

/** The signal of the calling code; `undefined` outside of a prompt. */
export const callerSignal = (): AbortSignal | undefined => source();

/** The limits, and the signal of the calling code if it has one. */
export function withCallerSignal(limits: ResultLimits): ResultLimits {
  const caller = callerSignal();
  if (!caller) return limits;
  return { ...limits, signal: limits.signal ? AbortSignal.any([limits.signal, caller]) : caller };
}
