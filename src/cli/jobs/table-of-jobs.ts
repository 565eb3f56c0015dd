import type { JobRecord, JobStatus } from 'hotqueue';
import type { JsonText } from '../json-text.js';
import { errorLine } from '../facts.js';
import { age, ahead, jsonLine } from '../output.js';
import { table } from '../table.js';
import { progressText } from './record.js';

type Cell = (record: JobRecord<JsonText>, now: number) => string;

const ageOf = (at: number | undefined, now: number): string => (at === undefined ? '-' : age(Math.max(0, now - at)));

/** Every column, by its title. */
const cells = {
  id: ({ id }) => id,
  put: ({ putAt }, now) => ageOf(putAt, now),
  due: ({ dueAt }, now) => (dueAt === undefined ? '-' : ahead(dueAt, now)),
  started: ({ startedAt }, now) => ageOf(startedAt, now),
  ended: ({ endedAt }, now) => ageOf(endedAt, now),
  attempts: ({ attempts }) => String(attempts),
  worker: ({ worker = '-' }) => worker,
  progress: ({ progress }) => (progress === undefined ? '-' : progressText(progress)),
  error: ({ error }) => (error ? errorLine(error) : '-'),
  result: ({ result }) => (result === undefined ? '-' : jsonLine(result)),
  message: ({ payload }) => payload?.line ?? '-',
} satisfies Record<string, Cell>;

/** What is worth to know of jobs with a status. */
const columns: Readonly<Record<JobStatus, readonly (keyof typeof cells)[]>> = {
  waiting: ['id', 'put', 'attempts', 'message'],
  delayed: ['id', 'due', 'message'],
  running: ['id', 'started', 'worker', 'progress', 'message'],
  retrying: ['id', 'due', 'attempts', 'error', 'message'],
  done: ['id', 'ended', 'result', 'message'],
  failed: ['id', 'ended', 'attempts', 'error', 'message'],
  cancelled: ['id', 'ended', 'message'],
  expired: ['id', 'ended', 'message'],
};

/** A row for each job. */
export function tableOfJobs(status: JobStatus, jobs: readonly JobRecord<JsonText>[], now: number): string {
  const titles = columns[status];
  return table(
    titles,
    jobs.map((job) => titles.map((title) => cells[title](job, now))),
  );
}
