import { defuse } from '../core/defuse.js';
import { InvalidOptionError } from '../core/errors.js';
import { describe } from '../core/shown.js';
import type { StoredDeadLetter } from '../redis/dead-reader.js';
import type { DeadLetterRef } from '../redis/transitions.js';
import { readDeadLetterRecord } from '../wire/dead-letter-record.js';
import { open } from '../wire/envelope.js';
import { causesOf, type ErrorRecord } from '../wire/error-record.js';
import { readFailures, type Failure } from '../wire/failures.js';

/**
 * A message that was buried. Redis keeps it with the reason until it is revived or dropped, or until there are too many or it
 * is too old (option `deadLetters` of the queue).
 *
 * @example
 * ```ts
 * for (const letter of await queue.dead.list()) {
 *   console.log(letter.key, letter.reason, letter.error?.message, letter.text);
 * }
 * ```
 */
export interface DeadLetter {
  /** Id of the message. Two dead letters can have the same id, but not the same `key`. */
  readonly id: string;
  /** Name of this dead letter in `get`, `revive` and `drop`: its id, plus `~` and a number if another dead letter has that id. */
  readonly key: string;
  /** Name of the queue. */
  readonly queue: string;
  /** Why it was buried: for example `invalid payload`, `expired`, `failed 3 of 3 attempts`, or the text given to `Bury` or `bury(reason)`. */
  readonly reason: string;
  /** The error that led to the burial; `undefined` if there was none. */
  readonly error: ErrorRecord | undefined;
  /** Number of attempts that it had. */
  readonly attempts: number;
  /** Errors of its attempts, oldest first: up to ten before the final one, then the final one. */
  readonly failures: readonly Failure[];
  /** Time of the burial: Unix ms, by the clock of the Redis server. */
  readonly buriedAt: number;
  /** The message exactly as it was stored in Redis, including its header line. */
  readonly bytes: Buffer;
  /** The payload as it was stored, not parsed: JSON text by default. */
  readonly text: string;
}

/**
 * Selects dead letters: the one with this `key`, or all for which `where` returns true. `where` must not be async.
 *
 * @example
 * ```ts
 * await queue.dead.revive(letter.key);
 * await queue.dead.drop({ where: (letter) => letter.error?.name === 'TimeoutError' });
 * ```
 */
export type DeadLetterFilter =
  | string
  | {
      /** Called for each dead letter, the oldest first. Only `true` selects it. */
      where: (letter: DeadLetter) => boolean;
    };

/** A dead letter as a program reads it. */
export function letterOf(queue: string, { key, at, record, message: bytes }: StoredDeadLetter): DeadLetter {
  const { reason, attempts, error } = readDeadLetterRecord(record);
  const { header, failures, text } = open(bytes.toString('utf8'));
  const buriedAt = Number(at);
  const before = failures === '' ? [] : readFailures(failures);
  const causes = error ? causesOf(error) : '';
  const last = error
    ? [{ attempt: attempts, at: buriedAt, name: error.name, message: error.message, ...(causes !== '' && { causes }) }]
    : [];
  return {
    id: header?.id ?? key,
    key,
    queue,
    reason,
    error,
    attempts,
    failures: [...before, ...last],
    buriedAt,
    bytes,
    text,
  };
}

/** The letters for which `where` returns true. */
export function chosen(letters: readonly DeadLetter[], where: (letter: DeadLetter) => boolean): DeadLetterRef[] {
  const wanted = letters.filter((letter) => {
    const answer: unknown = where(letter);
    if (typeof answer === 'boolean') return answer;
    defuse(answer);
    // An async function returns a promise, which is truthy: it would choose every dead letter.
    throw new InvalidOptionError(
      'where',
      `invalid result of where: it returned ${describe(answer)} for dead letter ${letter.key}; return true or false, and do not use an async function`,
    );
  });
  return wanted.map(({ key, buriedAt }) => ({ key, at: String(buriedAt) }));
}
