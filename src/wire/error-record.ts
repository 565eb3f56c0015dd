import { inspect } from 'node:util';
import { InvalidPayloadError, type Violation } from '../core/errors.js';

/**
 * What is kept of an error: plain data of a bounded size, with up to 16 errors in all.
 *
 * @example
 * const letter = await queue.dead.get(key);
 * for (const { path, message } of letter?.error?.violations ?? []) console.log(path, message);
 * console.log(letter?.error?.cause?.code); // such as ECONNREFUSED
 */
export interface ErrorRecord {
  /** Class of the error, such as `TypeError`, at most 128 characters. */
  readonly name: string;
  /** At most 8,192 characters. A longer one is cut, and its length is added. */
  readonly message: string;
  /** At most 8,192 characters. */
  readonly stack?: string;
  /** `code` of the error, such as `ECONNREFUSED`. */
  readonly code?: string | number;
  /** The broken rules, for an invalid payload. */
  readonly violations?: readonly Violation[];
  /** `cause` of the error. */
  readonly cause?: ErrorRecord;
  /** `errors` of an `AggregateError`. */
  readonly errors?: readonly ErrorRecord[];
}

const longestText = 8_192;
const longestName = 128;
const longestCauses = 1_000;
/** Errors in one record: the error, its causes, and those of an AggregateError. */
const mostErrors = 16;

/** Name, message and stack of a thrown value, each of a bounded size. Never throws: a handler may throw any value, and its getters may throw too. */
export function wordsOf(thrown: unknown): { name: string; message: string; stack?: string } {
  try {
    if (!(thrown instanceof Error)) return { name: 'Error', message: bounded(textOf(thrown)) };
    const stack: unknown = thrown.stack;
    return {
      name: String(thrown.name).slice(0, longestName),
      message: bounded(String(thrown.message)),
      ...(typeof stack === 'string' && { stack: stack.slice(0, longestText) }),
    };
  } catch {
    return { name: 'Error', message: 'unknown error: the thrown value cannot be read' };
  }
}

/** {@link wordsOf}, and the code, the broken rules and the causes. */
export function errorRecord(thrown: unknown): ErrorRecord {
  return recordOf(thrown, { left: mostErrors, seen: new Set() });
}

/**
 * An error and its causes as one line: `TypeError: fetch failed (cause: Error: connect ECONNREFUSED 127.0.0.1:9)`. Of the causes, at
 * most 1,000 characters.
 */
export function errorLine(error: ErrorRecord): string {
  return lineOf(error, false);
}

function lineOf(error: ErrorRecord, isCause: boolean): string {
  const causes = causesOf(error);
  const title = titleOf(error, isCause);
  return causes === '' ? title : `${title} (${causes})`;
}

/** The causes of an error, as {@link errorLine} has them; `''` if it has none. @param most characters */
export function causesOf({ cause, errors = [] }: ErrorRecord, most = longestCauses): string {
  const parts = [
    ...(cause ? [`cause: ${lineOf(cause, true)}`] : []),
    ...(errors.length > 0 ? [`errors: ${errors.map((error) => lineOf(error, true)).join('; ')}`] : []),
  ];
  const text = parts.join('; ');
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** A cause has its code too, unless its message says it: an AggregateError of a connection has an empty message. */
function titleOf({ name, message, code }: ErrorRecord, isCause: boolean): string {
  const hasCode = code !== undefined && (isCause || message === '') && !message.includes(String(code));
  const title = hasCode ? `${name} ${code}` : name;
  return message === '' ? title : `${title}: ${message}`;
}

/** The error of a record, as it was thrown in another process, with its causes. */
export function errorOf({ name, message, stack, code, cause, errors }: ErrorRecord): Error {
  const options = cause ? { cause: errorOf(cause) } : undefined;
  const error = errors ? new AggregateError(errors.map(errorOf), message, options) : new Error(message, options);
  const own = { name, ...(stack !== undefined && { stack }), ...(code !== undefined && { code }) };
  for (const [key, value] of Object.entries(own))
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: key === 'code' });
  return error;
}

/** Reads a record that another program may have written: what has another form is left out. */
export function readErrorRecord(given: unknown, depth = 0): ErrorRecord | undefined {
  if (typeof given !== 'object' || given === null || depth > mostErrors) return undefined;
  const { name, message, stack, code, violations, cause, errors } = given as Record<string, unknown>;
  const readCause = readErrorRecord(cause, depth + 1);
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : '',
    ...(typeof stack === 'string' && { stack }),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(Array.isArray(violations) && { violations: violations.filter(isViolation) }),
    ...(readCause && { cause: readCause }),
    ...(Array.isArray(errors) && {
      errors: errors.flatMap((error) => readErrorRecord(error, depth + 1) ?? []),
    }),
  };
}

interface Budget {
  left: number;
  readonly seen: Set<unknown>;
}

function recordOf(thrown: unknown, budget: Budget): ErrorRecord {
  budget.left -= 1;
  budget.seen.add(thrown);
  const { code, violations, cause, errors } = partsOf(thrown);
  const record = (error: unknown): ErrorRecord[] =>
    budget.left > 0 && !budget.seen.has(error) ? [recordOf(error, budget)] : [];
  const [readCause] = cause === undefined ? [] : record(cause);
  const readErrors = errors?.flatMap(record) ?? [];
  return {
    ...wordsOf(thrown),
    ...(code !== undefined && { code }),
    ...(violations && { violations }),
    ...(readCause && { cause: readCause }),
    ...(readErrors.length > 0 && { errors: readErrors }),
  };
}

type Parts = Pick<ErrorRecord, 'code' | 'violations'> & { cause?: unknown; errors?: readonly unknown[] };

/** Never throws, as {@link wordsOf}. */
function partsOf(thrown: unknown): Parts {
  try {
    if (!(thrown instanceof Error)) return {};
    const { code, cause, errors } = thrown as Error & { code?: unknown; errors?: unknown };
    return {
      ...(typeof code === 'string' && { code: code.slice(0, longestName) }),
      ...(typeof code === 'number' && { code }),
      ...(thrown instanceof InvalidPayloadError && { violations: thrown.violations }),
      ...(cause !== undefined && { cause }),
      ...(Array.isArray(errors) && { errors: errors.slice(0, mostErrors) as unknown[] }),
    };
  } catch {
    return {};
  }
}

/** `String` of an object is mostly `[object Object]`. */
function textOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  return inspect(thrown, { depth: 1, breakLength: Infinity, customInspect: false, maxStringLength: 1_000 });
}

/** The reason of a dead letter, of a bounded size. It is a text, or what a handler in JavaScript has given in place of one. Never throws. */
export function reasonText(given: unknown): string {
  return typeof given === 'string' ? bounded(given) : wordsOf(given).message;
}

function bounded(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 64)}… (${text.length} characters in all)`;
}

function isViolation(given: unknown): given is Violation {
  const { path, rule, message } = (given ?? {}) as Record<string, unknown>;
  return [path, rule, message].every((part) => typeof part === 'string');
}
