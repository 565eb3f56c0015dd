import type { Schedule, ScheduleRun } from 'hotqueue';
import { factLines, instantText, section, type Fact } from '../facts.js';
import type { JsonText } from '../json-text.js';
import { ahead, age, exactly, jsonLine, jsonWith } from '../output.js';

/** An instant in a time zone: `Fri, 27 Nov 2026, 03:00:00 GMT+1`. */
function inZone(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
  }).format(at);
}

/** One line for each time: in the zone of the schedule, and how far away it is. */
export function timesAsText(
  { name, timeZone = 'UTC', isPaused }: Schedule,
  next: readonly number[],
  now: number,
): string[] {
  if (isPaused) return [`never: it is paused. "hotqueue schedule resume" ends the pause of ${name}`];
  if (next.length === 0) return ['never: it is over'];
  return next.map((at) => `${inZone(at, timeZone)}, ${ahead(at, now)}`);
}

/** When it is due: the cron expression or the interval. */
function rhythm({ cron, timeZone, everyMs }: Schedule): string {
  return cron === undefined ? `every ${exactly(everyMs!)}` : `${cron} (${timeZone})`;
}

const nextOf = ({ nextAt, isPaused }: Schedule, now: number): string =>
  isPaused ? 'paused' : nextAt === undefined ? 'over' : ahead(nextAt, now);

/** A row for each schedule. */
export async function schedulesAsTable(schedules: readonly Schedule[], now: number): Promise<string> {
  const { table } = await import('../table.js');
  const rows = schedules.map((schedule) => [
    ...[schedule.name, rhythm(schedule), nextOf(schedule, now), String(schedule.runs)],
    ...[schedule.worker ?? '-', payloadText(schedule)],
  ]);
  return table(['schedule', 'when', 'next', 'runs', 'worker', 'message'], rows);
}

/** Everything that is known of one schedule. */
export function scheduleAsText(
  schedule: Schedule,
  next: readonly number[],
  history: readonly ScheduleRun[],
  now: number,
): string {
  const { name, queue, missed, overlap, start, end, limit, jitterMs, runs, worker, declaredAt } = schedule;
  const facts: (Fact | false)[] = [
    ['schedule', name],
    ['queue', queue],
    ['when', rhythm(schedule)],
    ['missed', missed],
    ['overlap', overlap],
    start !== undefined && ['start', new Date(start).toISOString()],
    end !== undefined && ['end', new Date(end).toISOString()],
    ['runs', limit === undefined ? String(runs) : `${runs} of ${limit}`],
    jitterMs !== undefined && ['jitter', exactly(jitterMs)],
    worker !== undefined && ['worker', worker],
    declaredAt !== undefined && ['declared', instantText(declaredAt, now)],
  ];
  return [
    ...factLines(facts.filter((fact) => fact !== false)),
    ...section(
      'next',
      timesAsText(schedule, next, now).map((line) => `  ${line}`),
    ),
    ...section('message', [`  ${payloadText(schedule)}`]),
    ...section('last runs', history.map(runLine)),
  ].join('\n');
}

function runLine({ id, dueAt, putAt, endedAt, status, isManual }: ScheduleRun): string {
  const took = endedAt === undefined || putAt === undefined ? '' : `, ended after ${age(endedAt - putAt)}`;
  return `  ${new Date(dueAt).toISOString()}  ${status ?? 'no record'}${took}${isManual ? ', by hand' : ''}  ${id}`;
}

const payloadText = ({ payload }: Schedule): string => (payload as JsonText | undefined)?.line ?? '-';

/** The same data for programs. */
export function scheduleAsJson({ payload, nextAt, ...schedule }: Schedule, more: object = {}): string {
  const text = (payload as JsonText | undefined)?.line ?? jsonLine(null);
  return jsonWith({ ...schedule, nextAt: nextAt ?? null, ...more, payload: text }, 'payload');
}
