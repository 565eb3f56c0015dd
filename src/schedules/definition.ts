import type { FollowUp } from '../jobs/outbox.js';
import type { StoredSchedule } from '../redis/schedule-broker.js';
import type { ResolvedSchedule } from './options.js';
import type { Recurrence } from './recurrence.js';

/** What is stored of a schedule, as JSON: when it is due, and the message as it will be put. */
export interface Definition extends Recurrence {
  readonly missed: ResolvedSchedule['missed'];
  readonly overlap: ResolvedSchedule['overlap'];
  readonly limit?: number | undefined;
  readonly jitterMs?: number | undefined;
  /** The message without its id, and where it goes. */
  readonly message: FollowUp;
  /** Name of the worker that declares the schedule. */
  readonly worker?: string | undefined;
}

/** The parts that decide when a schedule is due. If they stay, so does the next time. */
export function timingOf({ cron, timeZone, everyMs, start, end }: Recurrence): string {
  return JSON.stringify([cron, timeZone, everyMs, start, end]);
}

/** Reads a stored definition; `undefined` if another program has written it. */
export function definitionOf({ definition }: Pick<StoredSchedule, 'definition'>): Definition | undefined {
  try {
    const read = JSON.parse(definition) as Partial<Definition> | null;
    const isWhole = typeof read?.message?.message === 'string' && (read.cron !== undefined || read.everyMs! > 0);
    return isWhole ? (read as Definition) : undefined;
  } catch {
    return undefined;
  }
}

/** The text of the payload in the message of a definition. */
export function payloadTextOf({ message: { message } }: Definition): string {
  return message.slice(message.indexOf('\n') + 1);
}
