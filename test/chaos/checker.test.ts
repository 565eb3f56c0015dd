/** The books themselves: made-up histories, each bad in one way, and what must be said of it. */
import { describe, expect, it } from 'vitest';
import { type Allowances, check, type Remains, report } from './checker.js';
import type { Entry } from './history.js';

const nothing: Remains = { ready: [], delayed: [], claimed: [], dead: [] };
type Line = [proc: string, f: string, fields?: Partial<Entry>];

/** Lines a millisecond apart, unless they say otherwise. */
const history = (...lines: Line[]): Entry[] =>
  lines.map(([proc, f, fields], index) => ({ t: index * 10, wall: index * 10, proc, f, ...fields })).sort((a, b) => a.t - b.t);

const put = (key = 'a'): Line[] => [
  ['p', 'put', { type: 'invoke', jobs: [[key, 'sum']] }],
  ['p', 'put', { type: 'ok', jobs: [[key, 'sum']], ids: [`id-${key}`] }],
];
const run = (proc = 'w', key = 'a', more: Partial<Entry> = {}): Line => [proc, 'start', { key, id: `id-${key}`, attempt: 1, sum: 'sum', ...more }];
const end = (proc = 'w', key = 'a', more: Partial<Entry> = {}): Line => [proc, 'end', { key, id: `id-${key}`, attempt: 1, ...more }];
const tell = (f: string, proc = 'w', key = 'a', more: Partial<Entry> = {}): Line => [proc, f, { id: `id-${key}`, attempt: 1, ...more }];

const rules = (lines: Line[], remains: Partial<Remains> = {}, allowed: Allowances = {}): string[] => [
  ...new Set(check(history(...lines), { ...nothing, ...remains }, allowed).violations.map(({ rule }) => rule)),
];

describe('a history in which all is well', () => {
  it.each<[string, Line[], Partial<Remains>, Allowances]>([
    ['put, run, acknowledged', [...put(), run(), end(), tell('ack')], {}, {}],
    ['buried', [...put(), run(), end(), tell('bury')], { dead: ['a'] }, {}],
    ['unknown, and stored', [put()[0]!, ['p', 'put', { type: 'info', jobs: [['a', 'sum']] }], run(), end(), tell('ack')], {}, {}],
    ['unknown, and not stored', [put()[0]!, ['p', 'put', { type: 'info', jobs: [['a', 'sum']] }]], {}, {}],
    ['run again after a kill', [...put(), run(), ['h', 'fault', { kind: 'kill', target: 'w' }], run('v'), end('v'), tell('ack', 'v')], {}, {}],
    ['run again after a retry that was asked for', [...put(), run(), tell('gives', 'w', 'a', { key: 'a', kind: 'retry' }), run('w', 'a', { attempt: 2 }), end('w', 'a', { attempt: 2 })], {}, {}],
    ['released, run again, and only then told that it was released', [...put(), run(), tell('gives', 'w', 'a', { key: 'a', kind: 'release' }), run(), end(), tell('ack'), tell('release')], {}, {}],
    ['frozen, run by another, told so', [...put(), run(), ['h', 'fault', { kind: 'freeze', target: 'w' }], run('v'), end('v'), tell('ack', 'v'), end(), tell('lost')], {}, { losesLeases: true }],
    ['frozen before it began, and late once', [...put(), ['h', 'fault', { kind: 'freeze', target: 'w' }], run('v'), end('v'), tell('ack', 'v'), run(), tell('lost'), end()], {}, { losesLeases: true }],
    ['deleted on purpose', [...put(), ['h', 'destroyed', { jobs: [['a', '']] }]], {}, {}],
    ['forgotten by a Redis that forgets', [...put(), ['h', 'fault', { kind: 'redis-kill' }]], {}, { forgetsMs: 2_000 }],
  ])('%s', (_, lines, remains, allowed) => {
    const verdict = check(history(...lines), { ...nothing, ...remains }, allowed);
    expect(verdict.violations).toEqual([]);
    expect(verdict.ok).toBe(true);
  });
});

describe('what is wrong is called', () => {
  it.each<[string, string, Line[], Partial<Remains>?, Allowances?]>([
    ['lost', 'neither handled nor anywhere', [...put()]],
    ['lost', 'begun by a worker that died, and gone', [...put(), run(), ['h', 'fault', { kind: 'kill', target: 'w' }]]],
    ['lost', 'acknowledged by a worker that died before it was done', [...put(), run(), tell('ack'), ['h', 'fault', { kind: 'kill', target: 'w' }]]],
    ['too soon', 'acknowledged before its handler had ended', [...put(), run(), tell('ack'), end()]],
    ['lost', 'given back, and gone', [...put(), run(), tell('gives', 'w', 'a', { key: 'a', kind: 'release' })]],
    ['lost', 'forgotten long before Redis was killed', [...put(), ['h', 'fault', { kind: 'redis-kill', t: 9_000 }]], {}, { forgetsMs: 2_000 }],
    ['unexplained', 'run twice, for no reason', [...put(), run(), end(), run('v'), end('v')]],
    ['unexplained', 'one kill, and two more runs', [...put(), run(), ['h', 'fault', { kind: 'kill', target: 'w' }], run('v'), end('v'), run('v', 'a', { attempt: 2 }), end('v', 'a', { attempt: 2 })]],
    ['unexplained', 'killed after it had acknowledged', [...put(), run(), end(), tell('ack'), ['h', 'fault', { kind: 'kill', target: 'w' }], run('v'), end('v')]],
    ['unexplained', 'a lease lost without a fault', [...put(), run(), tell('lost'), run('v'), end('v')]],
    ['unexplained', 'late, and its process had not been frozen', [...put(), run('v'), end('v'), tell('ack', 'v'), run(), tell('lost'), end()], {}, { losesLeases: true }],
    ['unexplained', 'late twice for one freeze', [...put(), ...put('b'), ['h', 'fault', { kind: 'freeze', target: 'w' }], run('v'), end('v'), run('v', 'b'), end('v', 'b'), run(), tell('lost'), end(), run('w', 'b'), tell('lost', 'w', 'b'), end('w', 'b')], {}, { losesLeases: true }],
    ['lost', 'another than the one that was deleted', [...put(), ...put('b'), ['h', 'destroyed', { jobs: [['b', '']] }]]],
    ['invented', 'run, and never put', [run(), end()]],
    ['invented', 'in Redis, and never put', [], { ready: ['ghost'] }],
    ['invented', 'ended where it had not begun', [...put(), run(), end('v')]],
    ['changed', 'another sum than it went in with', [...put(), run('w', 'a', { sum: 'other' }), end()]],
    ['refused', 'refused, and run', [put()[0]!, ['p', 'put', { type: 'fail', jobs: [['a', 'sum']] }], run(), end()]],
    ['twice', 'one put, two messages', [...put(), run(), end(), tell('ack'), run('w', 'a', { id: 'id-other' }), end('w', 'a', { id: 'id-other' })]],
    ['twice', 'twice in Redis', [...put()], { ready: ['a', 'a'] }, { leavesBehind: true }],
    ['overlap', 'at once in two workers', [...put(), run(), run('v'), end(), end('v')]],
    ['settled twice', 'acknowledged by two workers', [...put(), run(), end(), tell('ack'), tell('ack', 'v')]],
    ['settled twice', 'acknowledged, and buried', [...put(), run(), end(), tell('ack'), tell('bury')]],
    ['stuck', 'left in a claim', [...put()], { claimed: ['a'] }],
    ['unsettled', 'handled, and still there', [...put(), run(), end()], { ready: ['a'] }],
    ['order', 'the second first', [...put(), ...put('b'), run('w', 'b'), end('w', 'b'), run(), end()], {}, { inOrder: true }],
    ['early', 'before it was due', [...put(), ['w', 'due', { key: 'a', due: 9_999 }], run(), end()]],
    ['recovery', 'recovered, and no worker had died', [['w', 'warn', { text: 'worker x of q stopped renewing its lease: 1 message(s) went back to the queue' }]], {}, { noRecovery: true }],
    ['uncaught', 'a process that ended with an error', [['w', 'uncaught', { text: 'TypeError' }]]],
    ['claim', 'something a scenario found', [['harness', 'broken', { text: 'not so' }]]],
  ])('%s: %s', (rule, _, lines, remains = {}, allowed = {}) => {
    expect(rules(lines, remains, allowed)).toContain(rule);
  });
});

it('counts what is allowed apart from what is not, and prints the first witness with its trace', () => {
  const verdict = check(history(...put(), run(), ['h', 'fault', { kind: 'kill', target: 'w' }], run('v'), end('v'), ...put('b')), nothing);
  expect(verdict.counters).toMatchObject({ acked: 2, runs: 2, kills: 1, duplicated: 1, allowed: 1, unexplained: 0, lost: 1 });
  expect(report(verdict, 'npm run chaos -- F01 --seed 7')).toMatch(/^BROKEN: acked 2.*lost 1[^]*npm run chaos -- F01 --seed 7[^]*lost: b was acknowledged[^]*p put ok/);
});
