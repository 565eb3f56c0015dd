import { onAbort } from './on-abort.js';

/** Node fires a timer with a longer delay at once. */
export const longestTimeoutMs = 2 ** 31 - 1;

/** A timer that is also right for delays of more than 24.8 days. */
export class Timer {
  #timeout: NodeJS.Timeout | undefined;

  /** @param fire called after `ms` */
  constructor(ms: number, fire: () => void) {
    this.#start(ms, fire);
  }

  stop(): void {
    clearTimeout(this.#timeout);
  }

  #start(ms: number, fire: () => void): void {
    this.#timeout =
      ms <= longestTimeoutMs
        ? setTimeout(fire, ms)
        : setTimeout(() => this.#start(ms - longestTimeoutMs, fire), longestTimeoutMs);
  }
}

/** Resolves after `ms`, or when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.stop();
      forget?.();
      resolve();
    };
    const timer = new Timer(ms, end);
    const forget = signal && onAbort(signal, end);
  });
}
