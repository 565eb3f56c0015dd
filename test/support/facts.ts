import { setTimeout as pause } from 'node:timers/promises';
import { inject } from 'vitest';

/**
 * Calls `ask` until its answer satisfies `holds`. @returns the answer @throws with the last answer after `withinMs`: by default a little
 * less than a test of this project may take, as a busy machine is slow
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  holds: (answer: T) => boolean = Boolean,
  withinMs = inject('patienceMs'),
): Promise<T> {
  const givenUpAt = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > givenUpAt)
      throw new Error(`condition not met after ${withinMs} ms, last answer: ${JSON.stringify(answer)}`);
    await pause(10);
  }
}

/** A promise that a call of `open` resolves. */
export interface Latch<T = void> extends Promise<T> {
  open(value: T): void;
}

export function latch<T = void>(): Latch<T> {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return Object.assign(promise, { open });
}
