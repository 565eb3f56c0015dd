import { causesOf, errorRecord } from './error-record.js';

/**
 * One failed attempt of a message.
 *
 * @example
 * const [letter] = await queue.dead.list();
 * for (const { attempt, at, name, message } of letter.failures) console.log(attempt, new Date(at), `${name}: ${message}`);
 */
export interface Failure {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Time of the failure, Unix ms, by the clock of the worker. */
  readonly at: number;
  /** `name` of the error, such as `TypeError`, at most 64 characters. */
  readonly name: string;
  /** `message` of the error, at most 200 characters. */
  readonly message: string;
  /** The causes of the error as one line, such as `cause: Error: connect ECONNREFUSED …`; absent without causes. At most 200
   * characters, and 1,000 for the last failure of a dead letter. */
  readonly causes?: string;
}

const mostFailures = 10;
const mostBytes = 4_096;
const longestName = 64;
const longestMessage = 200;

/** The record of a failed attempt. */
export function failureOf(error: unknown, attempt: number, at: number): Failure {
  const record = errorRecord(error);
  const causes = causesOf(record, longestMessage);
  return {
    ...{ attempt, at, name: record.name.slice(0, longestName), message: record.message.slice(0, longestMessage) },
    ...(causes !== '' && { causes }),
  };
}

/**
 * The last ten failures as one line of JSON, fewer if the line would be too long. ASCII only, so that its length is its size
 * in bytes.
 */
export function writeFailures(failures: readonly Failure[]): string {
  for (let kept = failures.slice(-mostFailures); ; kept = kept.slice(1)) {
    const line = JSON.stringify(kept).replace(
      /[\u007f-\uffff]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    if (line.length < mostBytes) return line;
  }
}

/** The failures in a line, without entries of another form: another program may have written the line. */
export function readFailures(line: string): Failure[] {
  try {
    const failures: unknown = JSON.parse(line);
    return Array.isArray(failures) ? failures.filter(isFailure).map(withoutOthers) : [];
  } catch {
    return [];
  }
}

function withoutOthers({ attempt, at, name, message, causes }: Failure): Failure {
  return { attempt, at, name, message, ...(typeof causes === 'string' && { causes }) };
}

function isFailure(value: unknown): value is Failure {
  const { attempt, at, name, message } = (value ?? {}) as Record<string, unknown>;
  const isDate = typeof at === 'number' && Math.abs(at) <= 8.64e15; // the range of Date
  return isDate && typeof attempt === 'number' && typeof name === 'string' && typeof message === 'string';
}
