import type { TimedOutError } from '../core/errors.js';
import { Timer } from '../core/timer.js';
import { Verdict } from '../core/verdicts.js';

/** How long a handler may take to react to its signal before its slot is given to the next message. */
const graceMs = 1_000;
const late = Symbol('late');

/**
 * Runs a handler with a time limit.
 *
 * When the time is up, it calls `tellIt` and gives the handler one more second to end. Then the attempt has failed, even if
 * the handler continues. A handler cannot be stopped from outside: one that ignores its signal runs on beside the next
 * attempt.
 *
 * @param tellIt creates the error, and aborts the signal with it
 * @returns what the handler returned
 * @throws TimedOutError when the time is up; the error that the handler throws in time; the verdict (`Bury`, `RetryIn`) that it
 *   throws in its last second
 */
export async function withTimeout(
  timeoutMs: number,
  handle: () => unknown,
  tellIt: () => TimedOutError,
): Promise<unknown> {
  let timer: Timer | undefined;
  const after = (ms: number) => new Promise<typeof late>((resolve) => (timer = new Timer(ms, () => resolve(late))));
  const running = new Promise((resolve) => resolve(handle()));
  try {
    const result = await Promise.race([running, after(timeoutMs)]);
    if (result !== late) return result;
    const error = tellIt();
    const said: unknown = await Promise.race([running.catch((thrown: unknown) => thrown), after(graceMs)]);
    throw said instanceof Verdict ? said : error;
  } finally {
    timer?.stop();
  }
}
