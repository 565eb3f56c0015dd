import { randomBytes } from 'node:crypto';

/**
 * The schedule that has put a message.
 *
 * @example
 * reports.worker((report, job) => console.log(job.schedule?.name, new Date(job.schedule!.dueAt)));
 */
export interface ScheduleOfJob {
  /** Name of the schedule. */
  readonly name: string;
  /** The instant at which it was due, Unix ms; for a run that was asked for by hand, when that was. */
  readonly dueAt: number;
}

/** The instant as it is written in ids: `2026-11-26T02:00:00Z`, with milliseconds if it has any. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** Id of the message that a schedule puts for an instant: always the same, so that Redis stores it once. */
export function runId(name: string, dueAt: number): string {
  return `${name}@${instantText(dueAt)}`;
}

/** Id of the message of a run that was asked for by hand. */
export function manualRunId(name: string, now: number): string {
  return `${runId(name, now)}~${randomBytes(2).toString('hex')}`;
}

const form = /^([^@]+)@(\d{4}-\d\d-\d\dT[\d:.]+Z)(~[0-9a-f]{4})?$/;

/** The schedule in an id that {@link runId} or {@link manualRunId} made; `undefined` for another id. */
export function scheduleInId(id: string): (ScheduleOfJob & { readonly isManual: boolean }) | undefined {
  const [, name, instant, manual] = form.exec(id) ?? [];
  if (name === undefined) return undefined;
  return { name, dueAt: Date.parse(instant!), isManual: manual !== undefined };
}
