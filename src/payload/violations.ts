import { InvalidPayloadError, type Violation } from '../core/errors.js';
import { describe } from '../core/shown.js';

/** Maximum number of reported violations. A hostile message could otherwise produce an error of any size. */
const most = 20;
const longestKey = 64;

/**
 * The type of a payload value in words: `a number`, `an array`, `null`. Without the value itself, which must not get into
 * logs.
 */
export function typeOf(value: unknown): string {
  return typeof value === 'object' || typeof value === 'function' || value === undefined
    ? describe(value)
    : `a ${typeof value}`;
}

/** The error for one violation. */
export function invalid(payload: string, path: string, rule: string, message: string): InvalidPayloadError {
  return new InvalidPayloadError(payload, [{ path, rule, message }]);
}

/** Whether there are more violations than an error reports. The search for others can then stop. */
export const isEnough = (violations: readonly Violation[]): boolean => violations.length > most;

/** The error for a list of violations. It has the first 20; if there are others, the last entry has the rule `more`. */
export function invalidAll(payload: string, violations: readonly Violation[]): InvalidPayloadError {
  if (!isEnough(violations)) return new InvalidPayloadError(payload, violations);
  return new InvalidPayloadError(payload, [
    ...violations.slice(0, most),
    { path: '', rule: 'more', message: 'and more' },
  ]);
}

/**
 * A key from a message as a part of a path: at most 64 characters, without control characters, which could forge a line in a
 * log.
 */
export function segment(key: PropertyKey): string {
  const text = String(key).replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/gu, '?');
  return text.length <= longestKey ? text : `${text.slice(0, longestKey)}…`;
}

/** A path with one more key. */
export const join = (path: string, key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);

/** A path of keys that come from a message. */
export const pathOf = (keys: readonly PropertyKey[]): string => keys.map(segment).join('.');

/** Class of an error that {@link guard} does not wrap. */
type Kept = abstract new (...args: never[]) => Error;

/**
 * Runs `work`, which may be asynchronous, so that it fails only with InvalidPayloadError or one of `kept`. Any other error,
 * of a rule, a constructor or a transform, means that the message is invalid, and becomes the `cause`.
 */
export function guard<R>(payload: string, work: () => R | Promise<R>, ...kept: Kept[]): R | Promise<R> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch((cause: unknown) => fail(payload, cause, ...kept)) : result;
  } catch (cause) {
    return fail(payload, cause, ...kept);
  }
}

/** Throws what {@link guard} throws for an error. For the hot path, where a closure for each message would cost too much. */
export function fail(payload: string, cause: unknown, ...kept: Kept[]): never {
  if (cause instanceof InvalidPayloadError || kept.some((kind) => cause instanceof kind)) throw cause;
  throw threw(payload, cause);
}

// Without the text of the cause: it may quote the payload.
function threw(payload: string, cause: unknown): InvalidPayloadError {
  const kind = cause instanceof Error ? cause.constructor.name : typeof cause;
  const message = `could not be validated: its rules, transforms or constructor threw ${kind} (see the cause)`;
  return new InvalidPayloadError(payload, [{ path: '', rule: 'throws', message }], { cause });
}

/** Calls `next` with a value, or with the result of its promise. Synchronous for a value that is not a promise. */
export function andThen<A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
