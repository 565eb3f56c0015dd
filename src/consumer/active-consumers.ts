import { linkSignals } from '../core/linked-signal.js';

/** An active consumer of this process: a loop over `consume()`, a `get` that waits, or a runner. */
export interface ActiveConsumer {
  readonly kind: 'consumer' | 'worker';
  /** Stops taking. Messages of handlers that still run after `deadlineMs`, and the active messages of a loop, go back. */
  stop(deadlineMs: number): Promise<unknown>;
}

/** Observes all active consumers. Only the prompt uses it, to stop those that were started there. */
export interface ActiveConsumerObserver {
  /** @returns a function to call when the consumer has ended @throws if no consumer may start any more */
  begin(consumer: ActiveConsumer): () => void;
}

const noObserver: ActiveConsumerObserver = { begin: () => () => undefined };
let observer = noObserver;

/** Sets the observer of all consumers that begin from now on. @returns a function that removes it */
export function observeActiveConsumers(asked: ActiveConsumerObserver): () => void {
  observer = asked;
  return () => {
    if (observer === asked) observer = noObserver;
  };
}

/** Call this when a consumer begins. @returns a function to call when it has ended; a second call is allowed */
export const registerConsumer = (consumer: ActiveConsumer): (() => void) => observer.begin(consumer);

/**
 * Takes one message as an active consumer. The observer can abort the signal of `take`.
 *
 * @throws if the observer stopped it: after `undefined`, a loop around it would continue, and ask again
 */
export async function whileConsuming<R>(
  signal: AbortSignal | undefined,
  take: (signal: AbortSignal | undefined) => Promise<R | undefined>,
): Promise<R | undefined> {
  if (observer === noObserver) return take(signal);
  const stopped = new AbortController();
  let ended: Promise<unknown> = Promise.resolve();
  const end = registerConsumer({
    kind: 'consumer',
    stop: () => {
      stopped.abort(new Error('stopped while waiting for a message'));
      return ended;
    },
  });
  const linked = signal && linkSignals(signal, stopped.signal);
  const taken = take(linked?.signal ?? stopped.signal).finally(() => {
    linked?.unlink();
    end();
  });
  ended = taken.catch(() => undefined); // the caller gets the error
  const value = await taken;
  if (value === undefined) stopped.signal.throwIfAborted();
  return value;
}
