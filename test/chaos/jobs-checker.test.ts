/** The checker of tracked jobs finds each kind of fault. */
import { expect, it } from 'vitest';
import { checkJobs, type JobAllowances } from './jobs-checker.js';
import type { Entry } from './history.js';

const nothing = { waiting: [], delayed: [], active: [], dead: [] };
type Step = Partial<Entry> & { readonly f: string };

const put: Step = { f: 'put', type: 'ok', proc: 'p', jobs: [['k', 'sum']], ids: ['1'] };
const start: Step = { f: 'start', key: 'k', id: '1', attempt: 1 };
const end: Step = { f: 'end', key: 'k', id: '1', attempt: 1 };
const ack: Step = { f: 'ack', id: '1', attempt: 1 };
const bury: Step = { f: 'bury', id: '1', attempt: 1 };
const result: Step = { f: 'result', key: 'k', type: 'ok', text: 'sum' };
const failed: Step = { f: 'result', key: 'k', type: 'fail', text: 'JOB_FAILED' };
const cancelled: Step = { f: 'cancel', key: 'k', type: 'ok' };
const status = (kind: string): Step => ({ f: 'status', key: 'k', kind });
const after = (t: number, step: Step): Step => ({ ...step, t });

/** Steps 100 ms apart, unless they have a time. */
function rulesOf(steps: readonly Step[], remains = nothing, allowed: JobAllowances = {}): string[] {
  const entries = steps.map((step, at) => ({ t: 100 * at, wall: 0, proc: 'w', ...step }));
  return checkJobs(entries, remains, allowed).map(({ rule }) => rule);
}

it.each<[string, readonly Step[]]>([
  ['done', [put, start, end, ack, result]],
  ['failed', [put, start, bury, failed]],
  ['cancelled', [put, cancelled, { ...failed, text: 'JOB_CANCELLED' }]],
  ['killed producer', [put, { f: 'fault', kind: 'kill', target: 'p' }]],
  ['acknowledged by its handler', [put, start, end, { f: 'acks', key: 'k' }, ack, { ...result, text: 'undefined' }]],
  ['a crash', [put, status('running'), status('waiting'), start, end, ack, status('done'), result]],
])('nothing is wrong: %s', (_, steps) => {
  expect(rulesOf(steps)).toEqual([]);
});

it.each<[string, readonly Step[], typeof nothing?]>([
  ['hanging wait', [put, start, end, ack]],
  ['hanging wait', [put, start, end, ack, result, result]],
  ['wrong result', [put, start, end, ack, { ...result, text: 'other' }]],
  ['early result', [put, start, result, ack]],
  ['cancelled result', [put, cancelled, start, end, ack, result]],
  ['result without acknowledgement', [put, start, end, result], { ...nothing, active: ['k'] as never[] }],
  ['result without acknowledgement', [put, start, end, result, start, end, ack]],
  ['wrong end', [put, start, failed]],
  ['wrong end', [put, { ...failed, text: 'JOB_CANCELLED' }]],
  ['lost result', [put, start, end, ack, { ...failed, text: 'RESULT_GONE' }]],
  ['lost result', [put, start, end, ack, { ...failed, text: 'RESULT_TIMEOUT' }]],
  ['lost result', [put, start, { ...failed, text: 'RESULT_TIMEOUT' }], { ...nothing, dead: ['k'] as never[] }],
  ['cancelled run', [put, cancelled, { ...failed, text: 'JOB_CANCELLED' }, after(5_000, start)]],
  ['late result', [put, start, end, ack, after(20_000, result)]],
  ['status', [put, start, end, ack, status('done'), status('running'), result]],
])('finds: %s', (rule, steps, remains) => {
  expect(rulesOf(steps, remains)).toEqual([rule]);
});

it('a server that loses its last writes may lose a record, or run a job again', () => {
  const allowed = { rollsBack: true };
  expect(rulesOf([put, start, end, ack, { ...failed, text: 'RESULT_GONE' }], nothing, allowed)).toEqual([]);
  expect(rulesOf([put, start, end, ack, result, start, end], nothing, allowed)).toEqual([]);
});
