/** Something in this process that takes messages: a loop over `consume()`, a `get` that waits, or a runner. */
export interface Taker {
  readonly kind: 'consumer' | 'worker';
  /** Takes nothing more; what a handler has not done after so long, and what a loop has in hand, goes back. */
  stop(deadlineMs: number): Promise<unknown>;
}

/** Hears of every taker; only a prompt, which must be able to stop what somebody started there, asks for that. */
export interface TakerWatch {
  /** @returns to be called when it has ended @throws where nothing may begin any more */
  begin(taker: Taker): () => void;
}

const nobody: TakerWatch = { begin: () => () => undefined };
let watch = nobody;

/** Tells a watch of all takers that begin from now on. @returns ends that */
export function watchTakers(asked: TakerWatch): () => void {
  watch = asked;
  return () => {
    if (watch === asked) watch = nobody;
  };
}

/** To be called when a taker begins. @returns to be called when it has ended, perhaps twice */
export const begin = (taker: Taker): (() => void) => watch.begin(taker);

/**
 * Takes one, for as long as `take` runs, under a signal that whoever watches can abort too.
 *
 * @throws when it was stopped by the watch: `undefined` would let a loop around it go on, and ask again
 */
export async function taking<R>(signal: AbortSignal | undefined, take: (signal: AbortSignal | undefined) => Promise<R | undefined>): Promise<R | undefined> {
  if (watch === nobody) return take(signal);
  const stopped = new AbortController();
  let ended: Promise<unknown> = Promise.resolve();
  const end = begin({
    kind: 'consumer',
    stop: () => {
      stopped.abort(new Error('what waited here for a message was stopped'));
      return ended;
    },
  });
  const taken = take(signal ? AbortSignal.any([signal, stopped.signal]) : stopped.signal).finally(end);
  ended = taken.catch(() => undefined); // whoever takes hears of it
  const value = await taken;
  if (value === undefined) stopped.signal.throwIfAborted();
  return value;
}
