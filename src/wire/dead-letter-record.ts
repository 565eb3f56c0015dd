import { errorRecord, readErrorRecord, type ErrorRecord } from './error-record.js';
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
  readonly error?: ErrorRecord;
}

const unreadable: DeadLetterRecord = { reason: 'unknown: its record cannot be read', attempts: 0 };

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
    ...(error === undefined ? {} : { error: errorRecord(error) }),
  });
}

/**
 * Reads a record. One that this library did not write must not hide the other dead letters, so this never throws, and leaves out
 * what has another form.
 */
export function readDeadLetterRecord(line: string): DeadLetterRecord {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record === 'object' && record !== null) return checked(record as Record<string, unknown>);
  } catch {
    // not JSON
  }
  return unreadable;
}

function checked({ reason, attempts, error }: Record<string, unknown>): DeadLetterRecord {
  const readError = readErrorRecord(error);
  return {
    reason: typeof reason === 'string' ? reason : unreadable.reason,
    attempts: typeof attempts === 'number' && Number.isSafeInteger(attempts) && attempts >= 0 ? attempts : 0,
    ...(readError && { error: readError }),
  };
}
