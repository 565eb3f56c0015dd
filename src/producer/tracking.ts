import { hostname } from 'node:os';
import { defuse } from '../core/defuse.js';
import { InvalidOptionError } from '../core/errors.js';
import type { ResolvedPutOptions } from '../core/options/put.js';
import { defaultTracking, uniqueText, type UniqueKey } from '../core/options/track.js';
import type { Encoded } from '../payload/payload-type.js';
import type { Due } from '../redis/transitions.js';
import type { PutTarget } from './put-request.js';

/** What the records have in common; `undefined` for messages that are not tracked. A unique job needs a record. */
export function trackingOf({ track, unique, until, replace, after }: ResolvedPutOptions): PutTarget['tracking'] {
  if (!track && unique === undefined && after === undefined) return undefined;
  const { keepMs, keepFailedMs, storesPayload } = track || defaultTracking;
  const by = `${hostname()}:${process.pid}`;
  return { keepMs, keepFailedMs, storesPayload, by, untilStarted: until === 'started', replaces: replace === true };
}

/** The unique key of each message, `''` for none. @throws InvalidOptionError for a function that throws, or returns no key */
export function uniquesOf<T>(unique: UniqueKey | undefined, encoded: Encoded<T> | readonly Encoded<T>[]): string[] {
  const list: readonly Encoded<T>[] = 'text' in encoded ? [encoded] : encoded;
  return list.map(({ payload }) => (typeof unique === 'function' ? keyOf(unique, payload) : (unique ?? '')));
}

function keyOf(unique: (payload: never) => string, payload: unknown): string {
  let key: unknown;
  try {
    key = unique(payload as never);
  } catch (cause) {
    throw new InvalidOptionError('unique', 'the function unique threw, see the cause: nothing was stored', { cause });
  }
  defuse(key);
  return uniqueText(key, 'unique');
}

/** When messages are due; `undefined` for now. The server compares an instant with its own clock. */
export function dueFrom({ delayMs = 0, at }: ResolvedPutOptions): Due | undefined {
  if (at !== undefined) return { at };
  return delayMs > 0 ? { afterMs: delayMs } : undefined;
}
