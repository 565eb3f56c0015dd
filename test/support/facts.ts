import { setTimeout as pause } from 'node:timers/promises';

/** Asks until the answer satisfies; gives the answer. Fails with the last one when that takes too long. */
export async function until<T>(ask: () => T | Promise<T>, holds: (answer: T) => boolean = Boolean, withinMs = 20_000): Promise<T> {
  const givenUpAt = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > givenUpAt) throw new Error(`still not so after ${withinMs} ms: ${JSON.stringify(answer)}`);
    await pause(10);
  }
}

/** A promise that is opened from outside. */
export interface Latch<T = void> extends Promise<T> {
  open(value: T): void;
}

export function latch<T = void>(): Latch<T> {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return Object.assign(promise, { open });
}
