import { InvalidPayloadError, type Violation } from '../contract/errors.js';

/** More than a person reads, and a bound on what a hostile message can make us write. */
const most = 20;
const longestKey = 64;

/** One violation alone, as an error. */
export function invalid(payload: string, path: string, rule: string, message: string): InvalidPayloadError {
  return new InvalidPayloadError(payload, [{ path, rule, message }]);
}

/** Whether there are more violations than will be reported, so that nobody need look for others. */
export const isEnough = (violations: readonly Violation[]): boolean => violations.length > most;

/** The error for a list of violations; beyond 20 it only says, under the rule `more`, that there are others. */
export function invalidAll(payload: string, violations: readonly Violation[]): InvalidPayloadError {
  if (!isEnough(violations)) return new InvalidPayloadError(payload, violations);
  return new InvalidPayloadError(payload, [...violations.slice(0, most), { path: '', rule: 'more', message: 'and more' }]);
}

/** A key from anywhere as a part of a path: shortened, and without what could forge a second line in a log. */
export function segment(key: PropertyKey): string {
  const text = String(key).replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/gu, '?');
  return text.length <= longestKey ? text : `${text.slice(0, longestKey)}…`;
}

export const join = (path: string, key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);

/** A path of which no part is trusted. */
export const pathOf = (keys: readonly PropertyKey[]): string => keys.map(segment).join('.');

/** The class of an error we let through as it is. */
type Kept = abstract new (...args: never[]) => Error;

/**
 * Runs `work`, now or later, so that it fails with InvalidPayloadError (or one of `kept`) and nothing else: whatever a
 * rule, a constructor or a transform throws says that the message is bad, and is kept as the `cause`.
 */
export function guard<R>(payload: string, work: () => R | Promise<R>, ...kept: Kept[]): R | Promise<R> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch((cause: unknown) => fail(payload, cause, kept)) : result;
  } catch (cause) {
    return fail(payload, cause, kept);
  }
}

function fail(payload: string, cause: unknown, kept: readonly Kept[]): never {
  if (cause instanceof InvalidPayloadError || kept.some((kind) => cause instanceof kind)) throw cause;
  throw threw(payload, cause);
}

// The text of the cause stays out of the sentence: it may quote the payload.
function threw(payload: string, cause: unknown): InvalidPayloadError {
  const kind = cause instanceof Error ? cause.constructor.name : typeof cause;
  const message = `could not be checked: its rules, transforms or constructor threw (${kind}, see the cause)`;
  return new InvalidPayloadError(payload, [{ path: '', rule: 'throws', message }], { cause });
}

/** `next` on a value that may still be on its way, without a detour through the event loop when it is here. */
export function andThen<A, B>(value: A | Promise<A>, next: (value: A) => B): B | Promise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
