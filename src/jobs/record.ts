import type { JobStatus } from '../core/job.js';
import { defaultTracking } from '../core/options/track.js';
import type { PayloadType } from '../payload/payload-type.js';
import type { StoredRecord } from '../redis/job-transitions.js';
import { readErrorRecord, type ErrorRecord } from '../wire/error-record.js';

/**
 * A failed attempt of a job.
 *
 * @example
 * for (const { attempt, error } of (await job.fetch())?.failures ?? []) console.log(attempt, error.message);
 */
export interface JobFailure {
  /** Number of the attempt, from 1; absent if the worker died. */
  readonly attempt?: number;
  /** When it failed, Unix ms, by the clock of its worker; absent if the worker died. */
  readonly at?: number;
  /** What its handler threw. */
  readonly error: ErrorRecord;
}

/**
 * Everything that is known of a job. Times are Unix ms, by the clock of the Redis server.
 *
 * @example
 * const record = await pages.job(id).fetch();
 * if (record?.status === 'failed') console.error(record.error?.message);
 */
export interface JobRecord<T = unknown, R = unknown> {
  /** Id of the job. */
  readonly id: string;
  /** Name of the queue. */
  readonly queue: string;
  /** Where the job is. */
  readonly status: JobStatus;
  /** The payload; absent with `track: { payload: false }`, or if the payload class of this queue refuses it. */
  readonly payload?: T;
  /** What the handler returned; absent before the job is done, or if it returned nothing, or if the `result` of this queue refuses it. */
  readonly result?: R;
  /** The error of the last attempt that failed; absent if none did. */
  readonly error?: ErrorRecord;
  /** Number of the attempt that runs or ran last; 0 before the first. */
  readonly attempts: number;
  /** The attempts that failed, the oldest first: at most the last 20. */
  readonly failures: readonly JobFailure[];
  /** What the handler has given to `job.progress`; absent if it has not called it. */
  readonly progress?: unknown;
  /** What the handler has given to `job.log`: at most the last 100 lines. */
  readonly log: readonly string[];
  /** How many lines it has written, also those that are not kept. */
  readonly lines: number;
  /** Who put the job: host and process, such as `web-1:4711`. Absent if the record was lost and made anew. */
  readonly putBy?: string;
  /** Name of the worker that has or had the job, such as `Counter.count`; absent before the first attempt. */
  readonly worker?: string;
  /** The unique key of the job; absent if it has none. */
  readonly unique?: string;
  /** When the job was put. */
  readonly putAt: number;
  /** When a delayed or retrying job is due; absent otherwise. */
  readonly dueAt?: number;
  /** When its last attempt began; absent before the first. */
  readonly startedAt?: number;
  /** When the job ended; absent before that. */
  readonly endedAt?: number;
  /** When the record expires; absent before the job has ended. A cancelled job whose message is still in the queue keeps its record longer. */
  readonly expiresAt?: number;
}

/** Reads a record as Redis has it. */
export function readRecord<T, R>(
  { id, queue }: { readonly id: string; readonly queue: string },
  stored: StoredRecord,
  types: { readonly payload: PayloadType<T>; readonly result: PayloadType<R> },
): JobRecord<T, R> {
  const failures = ring(stored, 'failure', Number(stored.failures ?? 0), mostFailures).flatMap(readFailure);
  const last = failures.at(-1);
  const payload = stored.payload === undefined ? undefined : decoded(types.payload, stored.payload);
  const result = stored.result === undefined ? undefined : decoded(types.result, stored.result);
  const progress = stored.progress === undefined ? undefined : parsed(stored.progress);
  const [putAt, putBy] = wordsOf(stored.put, 2);
  const [startedAt, attempts, worker] = wordsOf(stored.run, 3);
  return {
    id,
    queue,
    status: stored.status as JobStatus,
    ...(payload !== undefined && { payload }),
    ...(result !== undefined && { result }),
    ...(last && { error: last.error }),
    attempts: Number(attempts ?? 0),
    failures,
    ...(progress !== undefined && { progress }),
    lines: Number(stored.lines ?? 0),
    log: ring(stored, 'line', Number(stored.lines ?? 0), mostLines),
    ...(putBy !== undefined && { putBy }),
    ...(worker !== undefined && { worker }),
    ...(stored.unique !== undefined && { unique: stored.unique }),
    putAt: Number(putAt ?? 0),
    ...(stored.dueAt !== undefined && { dueAt: Number(stored.dueAt) }),
    ...(startedAt !== undefined && { startedAt: Number(startedAt) }),
    ...(stored.endedAt !== undefined && { endedAt: Number(stored.endedAt), expiresAt: expiryOf(stored) }),
  };
}

/** The words of a field that has several, the last one with its spaces. */
function wordsOf(field: string | undefined, count: number): (string | undefined)[] {
  if (field === undefined) return [];
  const words = field.split(' ');
  return words.length <= count ? words : [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}

/** As `expireRecord` in `_jobs.lua`. */
function expiryOf({ status, endedAt, terms, children }: StoredRecord): number {
  const [keep = defaultTracking.keepMs, keepFailed = keep] = wordsOf(terms?.replace(/^[+*]/, ''), 3).map(Number);
  const keptMs = status === 'failed' || status === 'expired' ? keepFailed : keep;
  return Number(endedAt) + (children === undefined ? keptMs : Math.max(keptMs, leastWithChildrenMs));
}

/** As in `_jobs.lua`: a record with children is kept at least so long. */
const leastWithChildrenMs = 600_000;

/** As in `_jobs.lua` and `note.lua`. */
const mostFailures = 20;
const mostLines = 100;

/** The last entries of a ring of numbered fields, the oldest first. */
function ring(stored: StoredRecord, name: string, count: number, most: number): string[] {
  const kept = Math.min(count, most);
  return Array.from({ length: kept }, (_, at) => stored[`${name}:${(count - kept + at) % most}`]).filter(
    (entry) => entry !== undefined,
  );
}

function readFailure(text: string): JobFailure[] {
  const read = parsed(text);
  if (typeof read !== 'object' || read === null) return [];
  const { attempt, at, error } = read as Record<string, unknown>;
  const record = readErrorRecord(error ?? read); // Redis writes only an error, when a worker died
  if (!record) return [];
  return [
    {
      ...(typeof attempt === 'number' && { attempt }),
      ...(typeof at === 'number' && { at }),
      error: record,
    },
  ];
}

function decoded<V>(type: PayloadType<V>, text: string): V | undefined {
  try {
    const value = type.decode(text);
    if (!(value instanceof Promise)) return value;
    value.catch(() => undefined); // asynchronous rules: only `result()` waits for them
    return undefined;
  } catch {
    return undefined; // it may come from another version of the program
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
