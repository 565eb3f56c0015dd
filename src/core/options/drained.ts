import { a, checkOptions, type OptionSchema } from './schema.js';

/**
 * Options of `drained()`.
 *
 * @example
 * ```ts
 * await runner.drained({ delayed: true, signal: AbortSignal.timeout(60_000) });
 * ```
 */
export interface DrainedOptions {
  /** Also waits for delayed messages that are not due yet: those of a put with a delay, and retries. Default: false. */
  delayed?: boolean;
  /** Ends the wait: the promise rejects with the reason of the signal. */
  signal?: AbortSignal;
}

const schema: OptionSchema<Required<DrainedOptions>> = { delayed: a.flag, signal: a.signal };

export const drainedOptions = (given: unknown): Partial<DrainedOptions> => checkOptions('drained()', given, schema);
