import type { JobFailure, JobRecord } from 'hotqueue';
import { errorLine, errorLines, factLines, instantText, section, type Fact } from '../facts.js';
import type { JsonText } from '../json-text.js';
import { ahead, count, jsonLine, jsonWith } from '../output.js';

/** All data of one job, with control characters escaped. */
export function recordAsText(record: JobRecord<JsonText>, now: number): string {
  const { id, queue, status, putAt, putBy, dueAt, startedAt, endedAt, attempts, worker, unique, progress, result } =
    record;
  const facts: (Fact | false)[] = [
    ['id', id],
    ['queue', queue],
    ['status', status],
    ['put', `${instantText(putAt, now)}${putBy === undefined ? '' : ` by ${putBy}`}`],
    dueAt !== undefined && ['due', `${new Date(dueAt).toISOString()}, ${ahead(dueAt, now)}`],
    startedAt !== undefined && ['started', instantText(startedAt, now)],
    endedAt !== undefined && ['ended', instantText(endedAt, now)],
    ['attempts', String(attempts)],
    worker !== undefined && ['worker', worker],
    unique !== undefined && ['unique', unique],
    progress !== undefined && ['progress', progressText(progress)],
  ];
  const dropped = record.lines - record.log.length;
  return [
    ...factLines(facts.filter((fact) => fact !== false)),
    ...section('result', result === undefined ? [] : [`  ${jsonLine(result)}`]),
    ...section('error', record.error ? errorLines(record.error) : []),
    ...section('failed attempts', record.failures.map(failureLine)),
    ...section('payload', record.payload === undefined ? [] : [`  ${record.payload.line}`]),
    ...section('log', [
      ...(dropped > 0 ? [`  … ${count(dropped, 'earlier line')} not kept`] : []),
      ...record.log.map((line) => `  ${line}`),
    ]),
  ].join('\n');
}

/** A number from 0 to 1 is a share. */
export const progressText = (progress: unknown): string =>
  typeof progress === 'number' && progress >= 0 && progress <= 1
    ? `${Math.floor(progress * 100)}%`
    : jsonLine(progress);

/** What is known of the outcome: the error, the result, or the progress. */
export function outcomeText({ status, error, result, progress }: JobRecord): string {
  if (error && status !== 'done') return errorLine(error);
  if (result !== undefined) return jsonLine(result);
  return progress === undefined ? '-' : progressText(progress);
}

function failureLine({ attempt, at, error }: JobFailure): string {
  const when = at === undefined ? 'the worker died' : new Date(at).toISOString();
  return `  ${attempt ?? '-'}  ${when}  ${errorLine(error)}`;
}

/** The same data for programs. */
export const recordAsJson = ({ payload, ...record }: JobRecord<JsonText>): string =>
  jsonWith({ ...record, payload: payload?.line }, 'payload');
