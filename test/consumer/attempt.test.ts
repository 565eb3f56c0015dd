import { describe, expect, it } from 'vitest';
import { doubling } from '../../src/core/options/backoff.js';
import { InvalidPayloadError } from '../../src/core/errors.js';
import { Bury, RetryIn } from '../../src/core/verdicts.js';
import { decide, type Outcome, type Performed } from '../../src/consumer/attempt.js';
import type { RetryPolicy } from '../../src/consumer/retry-policy.js';

const error = new Error('no');
const cause = new TypeError('closed since May');
const invalid = new InvalidPayloadError('Image', []);
const three: RetryPolicy = { attempts: 3, backoff: doubling(1_000) };
const once: RetryPolicy = { ...three, attempts: 1 };
const picky: RetryPolicy = { ...three, retryIf: (failed) => failed instanceof TypeError };
const patientOnce: RetryPolicy = { ...three, retryIf: (_error, attempt) => attempt < 2 };

const failed = (thrown: unknown): Performed => ({ kind: 'failed', error: thrown });
const bury = (reason: string, attempts: number, why?: unknown): Outcome => ({
  verb: 'bury',
  reason,
  attempts,
  ...(why !== undefined && { error: why }),
});

class AccountClosed extends Bury {
  constructor() {
    super('account closed');
  }
}
const closed = new AccountClosed();
const in30s = new RetryIn('30s');

describe('the outcome of an attempt', () => {
  it.each<[string, Performed, number, RetryPolicy, Outcome]>([
    ['handled: done', { kind: 'handled' }, 1, three, { verb: 'ack' }],
    ['handled at the last attempt: done', { kind: 'handled' }, 3, three, { verb: 'ack' }],
    [
      'invalid: buried, with any attempts left',
      { kind: 'invalid', error: invalid },
      1,
      three,
      bury('invalid payload', 1, invalid),
    ],
    ['expired: buried, the attempt is not counted', { kind: 'expired' }, 2, three, bury('expired', 1)],
    ['failed: retried', failed(error), 1, three, { verb: 'retry', delayMs: 1_000, error }],
    ['failed again: retried later', failed(error), 2, three, { verb: 'retry', delayMs: 2_000, error }],
    ['failed for the last time: buried', failed(error), 3, three, bury('failed 3 of 3 attempts', 3, error)],
    [
      'failed more often than allowed, by its own retry(): buried',
      failed(error),
      7,
      three,
      bury('failed 7 of 3 attempts', 7, error),
    ],
    ['failed once of one: buried', failed(error), 1, once, bury('failed 1 of 1 attempts', 1, error)],
    [
      'failed with undefined: retried',
      failed(undefined),
      1,
      three,
      { verb: 'retry', delayMs: 1_000, error: undefined },
    ],
    ['retryIf accepts the error: retried', failed(cause), 1, picky, { verb: 'retry', delayMs: 1_000, error: cause }],
    [
      'retryIf refuses the error: buried',
      failed(error),
      1,
      picky,
      bury('failed 1 of 3 attempts, and retryIf returned false', 1, error),
    ],
    [
      'retryIf refuses the attempt: buried',
      failed(error),
      2,
      patientOnce,
      bury('failed 2 of 3 attempts, and retryIf returned false', 2, error),
    ],
    [
      'retryIf accepts the error of the last attempt: buried',
      failed(cause),
      3,
      picky,
      bury('failed 3 of 3 attempts', 3, cause),
    ],
    [
      'Bury: buried at once',
      failed(closed),
      1,
      three,
      { ...bury('account closed', 1, closed), isAsked: true } as Outcome,
    ],
    [
      'Bury with a cause: its error',
      failed(new Bury('gone', { cause })),
      1,
      picky,
      { ...bury('gone', 1, cause), isAsked: true } as Outcome,
    ],
    [
      'Bury at the last attempt: its reason',
      failed(closed),
      3,
      three,
      { ...bury('account closed', 3, closed), isAsked: true } as Outcome,
    ],
    [
      'RetryIn: retried after its delay',
      failed(in30s),
      1,
      three,
      { verb: 'retry', delayMs: 30_000, error: in30s, isAsked: true },
    ],
    [
      'RetryIn: retryIf is not called',
      failed(in30s),
      1,
      picky,
      { verb: 'retry', delayMs: 30_000, error: in30s, isAsked: true },
    ],
    ['RetryIn at the last attempt: buried', failed(in30s), 3, three, bury('failed 3 of 3 attempts', 3, in30s)],
  ])('%s', (_what, performed, attempt, policy, outcome) => {
    expect(decide(performed, attempt, policy, () => 1)).toEqual(outcome);
  });
});
