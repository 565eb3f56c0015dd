import { isPromise } from 'node:util/types';

/**
 * Called with what a function of the user returned that must not be asynchronous. A promise is not awaited, so its rejection
 * must not end the process.
 */
export function defuse(returned: unknown): void {
  if (isPromise(returned)) returned.catch(() => undefined);
}
