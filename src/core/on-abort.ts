/** The calls that wait for a signal, and the one listener that makes them. */
interface Waiting {
  readonly calls: Set<() => void>;
  readonly listener: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/**
 * Calls a function when a signal aborts. Not for a signal that has aborted already.
 *
 * All calls share one listener of the signal, because Node warns of more than ten. The last one removes it: a signal of
 * `AbortSignal.any` with a listener is never collected.
 *
 * @param call must not throw
 * @returns a function that removes it; a second call is allowed
 */
export function onAbort(signal: AbortSignal, call: () => void): () => void {
  const { calls, listener } = waiting.get(signal) ?? listen(signal);
  const own = (): void => call(); // the same function may be given twice
  calls.add(own);
  return () => {
    if (!calls.delete(own) || calls.size > 0) return;
    signal.removeEventListener('abort', listener);
    waiting.delete(signal);
  };
}

function listen(signal: AbortSignal): Waiting {
  const calls = new Set<() => void>();
  const listener = (): void => calls.forEach((call) => call());
  const begun = { calls, listener };
  waiting.set(signal, begun);
  signal.addEventListener('abort', listener, { once: true });
  return begun;
}
