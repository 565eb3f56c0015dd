import { doubling, type BackoffCurve } from '../core/options/backoff.js';
import { defuse } from '../core/defuse.js';
import { toMs, type Duration } from '../core/duration.js';
import { errorFields, textOf, type LogFields } from '../core/logger.js';
import { describe } from '../core/shown.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { MessageOptions } from '../wire/envelope.js';

/** Retry options of a worker. */
export interface RetryRules {
  readonly attempts?: number;
  readonly backoff?: BackoffCurve;
  /** Whether to retry after this error. */
  readonly retryIf?: (error: unknown, attempt: number) => boolean;
  /** Maximum duration of an attempt, in ms. */
  readonly timeoutMs?: number;
}

/** Retry options of one message. */
export interface RetryPolicy extends RetryRules {
  /** Maximum number of attempts, including the first. */
  readonly attempts: number;
  readonly backoff: BackoffCurve;
}

/** Three attempts, with waits of 1 s and 2 s: enough for a short failure, and the final result does not take long. */
export const defaultPolicy: RetryPolicy = { attempts: 3, backoff: doubling(1_000) };

/** The policy of a queue, for messages and workers that have no options of their own. */
export function policyOf({ attempts, backoffMs, backoffsMs, timeoutMs }: QueueContext['retryDefaults']): RetryPolicy {
  return {
    attempts: attempts ?? defaultPolicy.attempts,
    backoff: curveOf({ backoffMs, backoffsMs }) ?? defaultPolicy.backoff,
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

/** The backoff that a message has of its own. */
export function curveOf({
  backoffMs,
  backoffsMs,
}: Pick<MessageOptions, 'backoffMs' | 'backoffsMs'>): BackoffCurve | undefined {
  if (backoffsMs) return { type: 'listed', delaysMs: backoffsMs };
  return backoffMs === undefined ? undefined : doubling(backoffMs);
}

/**
 * Milliseconds to wait before the next attempt.
 *
 * Jitter makes half of the delay random ("equal jitter"), so that messages that failed together do not come back together.
 *
 * @param attempt number of the attempt that just failed, from 1
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function delayAfter(
  attempt: number,
  backoff: BackoffCurve,
  error?: unknown,
  random: () => number = Math.random,
): number {
  switch (backoff.type) {
    case 'own':
      return toMs(backoff.delay(attempt, error), 'backoff');
    case 'listed':
      return backoff.delaysMs[Math.min(attempt, backoff.delaysMs.length) - 1]!;
    case 'fixed':
      return jittered(backoff.delayMs, backoff.jitter, random);
    case 'exponential':
      // 2 ** 1024 is Infinity, and 0 * Infinity is NaN.
      return jittered(
        Math.min(backoff.delayMs * 2 ** Math.min(attempt - 1, 60), backoff.maxMs),
        backoff.jitter,
        random,
      );
  }
}

function jittered(fullMs: number, jitter: boolean, random: () => number): number {
  return jitter ? Math.round(fullMs / 2 + random() * (fullMs / 2)) : fullMs;
}

/** Logs a function of the user that failed, with the fields that say which one. */
export type Warn = (fields: Omit<LogFields, 'queue'>, sentence: string) => void;

/**
 * The same rules with functions that never throw: an error in them must not lose a message. If one throws or returns an
 * invalid value, `warn` is called and the default applies.
 */
export function guarded<R extends RetryRules>(rules: R, warn: Warn): R {
  const { retryIf, backoff } = rules;
  return {
    ...rules,
    ...(retryIf && { retryIf: guardedFilter(retryIf, warn) }),
    ...(backoff?.type === 'own' && { backoff: { type: 'own', delay: guardedDelay(backoff.delay, warn) } }),
  };
}

function guardedFilter(retryIf: NonNullable<RetryRules['retryIf']>, warn: Warn): typeof retryIf {
  return (error, attempt) => {
    try {
      const answer: unknown = retryIf(error, attempt);
      if (typeof answer === 'boolean') return answer;
      defuse(answer);
      warn(
        { option: 'retryIf', attempt },
        `retryIf returned ${describe(answer)}, expected true or false: the message will be retried`,
      );
    } catch (thrown) {
      warn(
        { option: 'retryIf', attempt, ...errorFields(thrown) },
        `retryIf threw (${textOf(thrown)}): the message will be retried`,
      );
    }
    return true;
  };
}

function guardedDelay(delay: (attempt: number, error: unknown) => Duration, warn: Warn): typeof delay {
  return (attempt, error) => {
    try {
      const given = delay(attempt, error);
      defuse(given);
      return toMs(given, 'backoff');
    } catch (thrown) {
      const insteadMs = delayAfter(attempt, defaultPolicy.backoff);
      warn(
        { option: 'backoff', attempt, delayMs: insteadMs, ...errorFields(thrown) },
        `backoff did not return a duration (${textOf(thrown)}): the message will be retried in ${insteadMs} ms`,
      );
      return insteadMs;
    }
  };
}
