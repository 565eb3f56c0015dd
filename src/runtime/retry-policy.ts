import { doubling, type Waits } from '../contract/backoff.js';
import { toMs, type Duration } from '../contract/durations.js';
import { describe } from '../contract/options.js';

/** A worker's own words on failures. */
export interface RetryRules {
  readonly attempts?: number;
  readonly backoff?: Waits;
  /** Whether an error is worth another attempt. */
  readonly retryIf?: (error: unknown, attempt: number) => boolean;
  /** Ms that an attempt may take. */
  readonly timeoutMs?: number;
}

/** What holds for one message. */
export interface RetryPolicy extends RetryRules {
  /** Most attempts, the first included. */
  readonly attempts: number;
  readonly backoff: Waits;
}

/** Three tries, a second and two seconds apart: enough for a hiccup, over before anybody has to wait for the verdict. */
export const defaultPolicy: RetryPolicy = { attempts: 3, backoff: doubling(1_000) };

/**
 * Milliseconds to wait before the next attempt.
 *
 * Jitter takes a random part of the upper half away ("equal jitter"), so that messages which failed together do not come
 * back together.
 *
 * @param attempt the attempt that just failed, 1 for the first
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function delayAfter(attempt: number, backoff: Waits, error?: unknown, random: () => number = Math.random): number {
  switch (backoff.type) {
    case 'own':
      return toMs(backoff.delay(attempt, error), 'backoff');
    case 'listed':
      return backoff.delaysMs[Math.min(attempt, backoff.delaysMs.length) - 1]!;
    case 'fixed':
      return jittered(backoff.delayMs, backoff.jitter, random);
    case 'exponential':
      // 2 ** 1024 is Infinity, and nothing times Infinity is NaN.
      return jittered(Math.min(backoff.delayMs * 2 ** Math.min(attempt - 1, 60), backoff.maxMs), backoff.jitter, random);
  }
}

function jittered(fullMs: number, jitter: boolean, random: () => number): number {
  return jitter ? Math.round(fullMs / 2 + random() * (fullMs / 2)) : fullMs;
}

/**
 * The same rules with functions that never throw, so that no slip in them can lose a message: one that throws, or answers
 * nonsense, is told to `warn`, and the default holds.
 */
export function guarded<R extends RetryRules>(rules: R, warn: (sentence: string) => void): R {
  const { retryIf, backoff } = rules;
  return {
    ...rules,
    ...(retryIf && { retryIf: guardedFilter(retryIf, warn) }),
    ...(backoff?.type === 'own' && { backoff: { type: 'own', delay: guardedDelay(backoff.delay, warn) } }),
  };
}

function guardedFilter(retryIf: NonNullable<RetryRules['retryIf']>, warn: (sentence: string) => void): typeof retryIf {
  return (error, attempt) => {
    try {
      const answer: unknown = retryIf(error, attempt);
      if (typeof answer === 'boolean') return answer;
      defuse(answer);
      warn(`retryIf answered ${describe(answer)} where true or false belongs: the message is tried again`);
    } catch (thrown) {
      warn(`retryIf threw (${String(thrown)}): the message is tried again`);
    }
    return true;
  };
}

function guardedDelay(delay: (attempt: number, error: unknown) => Duration, warn: (sentence: string) => void): typeof delay {
  return (attempt, error) => {
    try {
      const given = delay(attempt, error);
      defuse(given);
      return toMs(given, 'backoff');
    } catch (thrown) {
      const insteadMs = delayAfter(attempt, defaultPolicy.backoff);
      warn(`backoff gave no duration (${String(thrown)}): the message is tried again in ${insteadMs} ms`);
      return insteadMs;
    }
  };
}

/** A promise is what an `async` function answers; nobody awaits it, so its rejection must not end the process. */
function defuse(answer: unknown): void {
  if (answer instanceof Promise) answer.catch(() => undefined);
}
