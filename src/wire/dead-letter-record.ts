import { InvalidPayloadError, type Violation } from '../core/errors.js';
import { wordsOf } from './failures.js';
import type { Lane } from './lane.js';

/** Why a message is buried. */
export interface Burial {
  readonly reason: string;
  /** Number of attempts that it had. Default: those before this one, and this one. */
  readonly attempts?: number;
  readonly error?: unknown;
}

/** Why a message was buried: one line of JSON before the bytes of a dead letter. `_lib.lua` writes the same form after crashes. */
export interface DeadLetterRecord {
  readonly reason: string;
  readonly attempts: number;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly stack?: string;
    readonly violations?: readonly Violation[];
  };
}

const longestStack = 8_192;

/** Writes the record. The lane comes first, where `revive.lua` looks for it. */
export function writeDeadLetterRecord(
  { reason, error, attempts }: Burial,
  { attempt, worker, lane }: { attempt: number; worker: string; lane: Lane },
): string {
  return JSON.stringify({
    lane,
    reason,
    attempts: attempts ?? attempt,
    worker,
    ...(error === undefined ? {} : { error: plainError(error) }),
  });
}

/**
 * Reads a record. One that this library did not write must not hide the other dead letters, so it never throws, and each field
 * has the type that it says.
 */
export function readDeadLetterRecord(line: string): DeadLetterRecord {
  const record = objectIn(line);
  if (!record) return { reason: 'unknown: its record cannot be read', attempts: 0 };
  const { reason, attempts, error } = record;
  return {
    reason:
      typeof reason === 'string' ? reason : `unknown: its record has the reason ${String(JSON.stringify(reason))}`,
    attempts: Number.isSafeInteger(attempts) ? (attempts as number) : 0,
    ...(isObject(error) && { error: errorOf(error) }),
  };
}

function errorOf({
  name,
  message,
  stack,
  violations,
}: Record<string, unknown>): NonNullable<DeadLetterRecord['error']> {
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : String(JSON.stringify(message)),
    ...(typeof stack === 'string' && { stack }),
    ...(Array.isArray(violations) && { violations: violations.filter(isViolation) }),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isViolation = (value: unknown): value is Violation =>
  isObject(value) && ['path', 'rule', 'message'].every((field) => typeof value[field] === 'string');

function objectIn(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function plainError(error: unknown): object {
  const { stack, ...words } = wordsOf(error);
  const violations = error instanceof InvalidPayloadError ? { violations: error.violations } : {};
  return { ...words, ...(stack !== undefined && { stack: stack.slice(0, longestStack) }), ...violations };
}
