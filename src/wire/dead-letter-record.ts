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

/** Reads a record. One that this library did not write must not hide the other dead letters, so it never throws. */
export function readDeadLetterRecord(line: string): DeadLetterRecord {
  try {
    const record = JSON.parse(line) as DeadLetterRecord | null;
    if (record && typeof record === 'object') return record;
  } catch {
    // not JSON
  }
  return { reason: 'unknown: its record cannot be read', attempts: 0 };
}

function plainError(error: unknown): object {
  const { stack, ...words } = wordsOf(error);
  const violations = error instanceof InvalidPayloadError ? { violations: error.violations } : {};
  return { ...words, ...(stack !== undefined && { stack: stack.slice(0, longestStack) }), ...violations };
}
