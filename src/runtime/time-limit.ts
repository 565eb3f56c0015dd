import type { TimedOutError } from '../contract/errors.js';
import { Verdict } from '../contract/verdicts.js';

/** How long a handler may take to heed its signal before its place is given to the next message. */
const graceMs = 1_000;
/** Node fires timers beyond this at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Runs a handler that has so long to end.
 *
 * When its time is up, `tellIt` is called and it gets a moment to wind up; then the attempt has failed, whatever the handler
 * goes on to do. It cannot be stopped from outside, so one that ignores its signal runs on beside the next attempt.
 *
 * @param tellIt makes the error, and aborts the signal with it
 * @throws TimedOutError; what the handler throws in time; the verdict it gives in its last moment
 */
export async function inTime(timeoutMs: number, handle: () => unknown, tellIt: () => TimedOutError): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const after = (ms: number) => new Promise<'late'>((resolve) => (timer = setTimeout(resolve, Math.min(ms, longestTimerMs), 'late')));
  const running = (async () => void (await handle()))();
  try {
    if ((await Promise.race([running, after(timeoutMs)])) !== 'late') return;
    const error = tellIt();
    const said: unknown = await Promise.race([running.catch((thrown: unknown) => thrown), after(graceMs)]);
    throw said instanceof Verdict ? said : error;
  } finally {
    clearTimeout(timer);
  }
}
