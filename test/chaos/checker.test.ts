/** Tests of the checker: made-up histories, each with one fault, and the violation that the checker must report. */
import { describe, expect, it } from 'vitest';
import { type Allowances, check, type Remains, report } from './checker.js';
import type { Entry } from './history.js';

const nothing: Remains = { waiting: [], delayed: [], active: [], dead: [] };
type Line = [proc: string, f: string, fields?: Partial<Entry>];

/** Entries 10 ms apart, unless they give another time. */
const history = (...lines: Line[]): Entry[] =>
  lines
    .map(([proc, f, fields], index) => ({ t: index * 10, wall: index * 10, proc, f, ...fields }))
    .sort((a, b) => a.t - b.t);

const put = (key = 'a'): Line[] => [
  ['p', 'put', { type: 'invoke', jobs: [[key, 'sum']] }],
  ['p', 'put', { type: 'ok', jobs: [[key, 'sum']], ids: [`id-${key}`] }],
];
const run = (proc = 'w', key = 'a', more: Partial<Entry> = {}): Line => [
  proc,
  'start',
  { key, id: `id-${key}`, attempt: 1, sum: 'sum', ...more },
];
const end = (proc = 'w', key = 'a', more: Partial<Entry> = {}): Line => [
  proc,
  'end',
  { key, id: `id-${key}`, attempt: 1, ...more },
];
const tell = (f: string, proc = 'w', key = 'a', more: Partial<Entry> = {}): Line => [
  proc,
  f,
  { id: `id-${key}`, attempt: 1, ...more },
];

const rules = (lines: Line[], remains: Partial<Remains> = {}, allowed: Allowances = {}): string[] => [
  ...new Set(check(history(...lines), { ...nothing, ...remains }, allowed).violations.map(({ rule }) => rule)),
];

describe('a correct history passes', () => {
  it.each<[string, Line[], Partial<Remains>, Allowances]>([
    ['put, run, acknowledged', [...put(), run(), end(), tell('ack')], {}, {}],
    ['buried', [...put(), run(), end(), tell('bury')], { dead: ['a'] }, {}],
    [
      'outcome unknown, stored',
      [put()[0]!, ['p', 'put', { type: 'info', jobs: [['a', 'sum']] }], run(), end(), tell('ack')],
      {},
      {},
    ],
    ['outcome unknown, not stored', [put()[0]!, ['p', 'put', { type: 'info', jobs: [['a', 'sum']] }]], {}, {}],
    [
      'run again after a kill',
      [...put(), run(), ['h', 'fault', { kind: 'kill', target: 'w' }], run('v'), end('v'), tell('ack', 'v')],
      {},
      {},
    ],
    [
      'run again at once, because its worker died before Redis got the retry',
      [
        ...put(),
        run(),
        ['w', 'due', { key: 'a', due: 9_999, attempt: 1 }],
        ['h', 'fault', { kind: 'kill', target: 'w' }],
        run('v'),
        end('v'),
        tell('ack', 'v'),
      ],
      {},
      {},
    ],
    [
      'run again after its handler asked for a retry',
      [
        ...put(),
        run(),
        tell('gives', 'w', 'a', { key: 'a', kind: 'retry' }),
        run('w', 'a', { attempt: 2 }),
        end('w', 'a', { attempt: 2 }),
      ],
      {},
      {},
    ],
    [
      'released and run again before the release event',
      [
        ...put(),
        run(),
        tell('gives', 'w', 'a', { key: 'a', kind: 'release' }),
        run(),
        end(),
        tell('ack'),
        tell('release'),
      ],
      {},
      {},
    ],
    [
      'frozen, run by another worker, lease lost',
      [
        ...put(),
        run(),
        ['h', 'fault', { kind: 'freeze', target: 'w' }],
        run('v'),
        end('v'),
        tell('ack', 'v'),
        end(),
        tell('lost'),
      ],
      {},
      { losesLeases: true },
    ],
    [
      'done, lease given up because Redis did not reply, run by another worker before the lost event',
      [
        ...put(),
        run(),
        end(),
        tell('aborted', 'w', 'a', { key: 'a', text: 'this worker could not renew its lease in time' }),
        run('v'),
        end('v'),
        tell('ack', 'v'),
        tell('lost'),
      ],
      {},
      { losesLeases: true },
    ],
    [
      'acknowledged by a thawed master after another one was promoted',
      [
        ...put(),
        run(),
        end(),
        tell('aborted', 'w', 'a', { key: 'a', text: 'this worker could not renew its lease in time' }),
        tell('ack'),
        ['h', 'fault', { kind: 'redis-thaw' }],
        run('v'),
        end('v'),
        tell('ack', 'v'),
      ],
      {},
      { losesLeases: true, outlivesPlaceMs: 1_000 },
    ],
    [
      'put, acknowledged by a master that thawed after another one was promoted',
      [['h', 'fault', { kind: 'redis-thaw' }], ...put()],
      {},
      { outlivesPlaceMs: 1_000 },
    ],
    [
      'rolled back by a failover, acknowledged by both workers',
      [
        ...put(),
        run(),
        end(),
        ['h', 'fault', { kind: 'redis-kill' }],
        tell('ack'),
        run('v'),
        end('v'),
        tell('ack', 'v'),
      ],
      {},
      { forgetsMs: 1_000 },
    ],
    [
      'rolled back by a failover, taken by the same worker, whose first acknowledgement comes late',
      [...put(), run(), end(), ['h', 'fault', { kind: 'redis-kill' }], run(), tell('ack'), end(), tell('ack')],
      {},
      { forgetsMs: 1_000 },
    ],
    [
      'frozen before the handler started, one late start',
      [
        ...put(),
        ['h', 'fault', { kind: 'freeze', target: 'w' }],
        run('v'),
        end('v'),
        tell('ack', 'v'),
        run(),
        tell('lost'),
        end(),
      ],
      {},
      { losesLeases: true },
    ],
    [
      'recovered after all leases were ended from outside, before its worker heard of it',
      [
        ...put(),
        run(),
        ['h', 'fault', { kind: 'leases-end', due: Infinity }],
        run('v'),
        tell('aborted', 'w', 'a', { key: 'a' }),
        end(),
        tell('lost'),
        end('v'),
        tell('ack', 'v'),
      ],
      {},
      { losesLeases: true },
    ],
    [
      'taken before all leases were ended from outside, begun after it',
      [
        ...put(),
        ['h', 'fault', { kind: 'leases-end', due: Infinity }],
        run(),
        run('v'),
        end('v'),
        tell('ack', 'v'),
        end(),
        tell('lost'),
      ],
      {},
      { losesLeases: true },
    ],
    ['deleted on purpose', [...put(), ['h', 'destroyed', { jobs: [['a', '']] }]], {}, {}],
    [
      'lost by a Redis that may lose recent writes, its reply read after the kill',
      [put()[0]!, ['h', 'fault', { kind: 'redis-kill' }], put()[1]!],
      {},
      { forgetsMs: 2_000 },
    ],
    [
      'lost by a Redis that may lose recent writes',
      [...put(), ['h', 'fault', { kind: 'redis-kill' }]],
      {},
      { forgetsMs: 2_000 },
    ],
  ])('%s', (_, lines, remains, allowed) => {
    const verdict = check(history(...lines), { ...nothing, ...remains }, allowed);
    expect(verdict.violations).toEqual([]);
    expect(verdict.ok).toBe(true);
  });
});

describe('the checker reports the violation', () => {
  it.each<[string, string, Line[], Partial<Remains>?, Allowances?]>([
    ['lost', 'neither done nor in Redis', [...put()]],
    [
      'lost',
      'started by a worker that died, not in Redis',
      [...put(), run(), ['h', 'fault', { kind: 'kill', target: 'w' }]],
    ],
    [
      'lost',
      'acknowledged by a worker that died before its handler ended',
      [...put(), run(), tell('ack'), ['h', 'fault', { kind: 'kill', target: 'w' }]],
    ],
    ['early ack', 'acknowledged before its handler ended', [...put(), run(), tell('ack'), end()]],
    ['lost', 'released, not in Redis', [...put(), run(), tell('gives', 'w', 'a', { key: 'a', kind: 'release' })]],
    [
      'lost',
      'lost long before Redis was killed',
      [...put(), ['h', 'fault', { kind: 'redis-kill', t: 9_000 }]],
      {},
      { forgetsMs: 2_000 },
    ],
    [
      'lost',
      'lost long before a master thawed',
      [...put(), ['h', 'fault', { kind: 'redis-thaw', t: 9_000 }]],
      {},
      { outlivesPlaceMs: 1_000 },
    ],
    ['unexplained', 'run twice without a cause', [...put(), run(), end(), run('v'), end('v')]],
    [
      'unexplained',
      'one kill, two more runs',
      [
        ...put(),
        run(),
        ['h', 'fault', { kind: 'kill', target: 'w' }],
        run('v'),
        end('v'),
        run('v', 'a', { attempt: 2 }),
        end('v', 'a', { attempt: 2 }),
      ],
    ],
    [
      'unexplained',
      'run again although the killed worker had acknowledged it',
      [...put(), run(), end(), tell('ack'), ['h', 'fault', { kind: 'kill', target: 'w' }], run('v'), end('v')],
    ],
    [
      'unexplained',
      'acknowledged before the lease was given up',
      [
        ...put(),
        run(),
        end(),
        tell('ack'),
        tell('aborted', 'w', 'a', { key: 'a', text: 'this worker could not renew its lease in time' }),
        run('v'),
        end('v'),
      ],
      {},
      { losesLeases: true },
    ],
    [
      'settled twice',
      'acknowledged long before a master thawed',
      [
        ...put(),
        run(),
        end(),
        tell('aborted', 'w', 'a', { key: 'a', text: 'Redis' }),
        tell('ack'),
        run('v'),
        end('v'),
        tell('ack', 'v'),
        ['h', 'fault', { kind: 'redis-thaw', t: 9_000 }],
      ],
      {},
      { losesLeases: true, outlivesPlaceMs: 1_000 },
    ],
    [
      'settled twice',
      'acknowledged by two workers, long after a failover',
      [
        ...put(),
        ['h', 'fault', { kind: 'redis-kill' }],
        run('w', 'a', { t: 9_000 }),
        end('w', 'a', { t: 9_001 }),
        tell('ack', 'w', 'a', { t: 9_002 }),
        tell('ack', 'v', 'a', { t: 9_003 }),
      ],
      {},
      { forgetsMs: 1_000 },
    ],
    [
      'early ack',
      'acknowledged before its handler ended, without an earlier run',
      [...put(), ['h', 'fault', { kind: 'redis-kill' }], run(), tell('ack'), end()],
      {},
      { forgetsMs: 1_000 },
    ],
    [
      'lost',
      'put when Redis was there again, and neither done nor in Redis',
      [
        ['h', 'fault', { kind: 'redis-kill', t: 0 }],
        ['p', 'put', { type: 'invoke', jobs: [['a', 'sum']], t: 110 }],
        ['p', 'put', { type: 'ok', jobs: [['a', 'sum']], ids: ['id-a'], t: 120 }],
      ],
      {},
      { forgetsMs: 2_000 },
    ],
    [
      'unexplained',
      'run twice, both begun after every worker knew that its lease was ended',
      [...put(), ['h', 'fault', { kind: 'leases-end', due: 25 }], run(), end(), run('v'), end('v')],
      {},
      { losesLeases: true },
    ],
    ['unexplained', 'a lease lost without a fault', [...put(), run(), tell('lost'), run('v'), end('v')]],
    [
      'unexplained',
      'a late start in a process that was not frozen',
      [...put(), run('v'), end('v'), tell('ack', 'v'), run(), tell('lost'), end()],
      {},
      { losesLeases: true },
    ],
    [
      'unexplained',
      'two late starts after one freeze',
      [
        ...put(),
        ...put('b'),
        ['h', 'fault', { kind: 'freeze', target: 'w' }],
        run('v'),
        end('v'),
        run('v', 'b'),
        end('v', 'b'),
        run(),
        tell('lost'),
        end(),
        run('w', 'b'),
        tell('lost', 'w', 'b'),
        end('w', 'b'),
      ],
      {},
      { losesLeases: true },
    ],
    [
      'lost',
      'another message than the deleted one',
      [...put(), ...put('b'), ['h', 'destroyed', { jobs: [['b', '']] }]],
    ],
    ['never put', 'run, but never put', [run(), end()]],
    ['never put', 'in Redis, but never put', [], { waiting: ['ghost'] }],
    ['never started', 'ended in a process that never started it', [...put(), run(), end('v')]],
    ['changed', 'run with another checksum than it was put with', [...put(), run('w', 'a', { sum: 'other' }), end()]],
    ['refused', 'refused, but run', [put()[0]!, ['p', 'put', { type: 'fail', jobs: [['a', 'sum']] }], run(), end()]],
    [
      'duplicate',
      'one put, two messages',
      [...put(), run(), end(), tell('ack'), run('w', 'a', { id: 'id-other' }), end('w', 'a', { id: 'id-other' })],
    ],
    ['duplicate', 'twice in Redis', [...put()], { waiting: ['a', 'a'] }, { leavesBehind: true }],
    ['overlap', 'run by two workers at the same time', [...put(), run(), run('v'), end(), end('v')]],
    ['settled twice', 'acknowledged by two workers', [...put(), run(), end(), tell('ack'), tell('ack', 'v')]],
    ['settled twice', 'acknowledged and buried', [...put(), run(), end(), tell('ack'), tell('bury')]],
    ['stuck', 'still active at the end', [...put()], { active: ['a'] }],
    ['unsettled', 'done, but still in Redis', [...put(), run(), end()], { waiting: ['a'] }],
    [
      'order',
      'the second message ran first',
      [...put(), ...put('b'), run('w', 'b'), end('w', 'b'), run(), end()],
      {},
      { inOrder: true },
    ],
    ['early', 'run before it was due', [...put(), ['w', 'due', { key: 'a', due: 9_999 }], run(), end()]],
    [
      'early',
      'retried before it was due',
      [
        ...put(),
        run(),
        ['w', 'due', { key: 'a', due: 9_999, attempt: 1 }],
        run('w', 'a', { attempt: 2 }),
        end('w', 'a', { attempt: 2 }),
      ],
    ],
    [
      'recovery',
      'a worker was recovered although none died',
      [['w', 'warn', { text: 'worker x of q stopped renewing its lease: 1 message(s) went back to the queue' }]],
      {},
      { noRecovery: true },
    ],
    ['uncaught', 'a process that ended with an error', [['w', 'uncaught', { text: 'TypeError' }]]],
    ['assertion', 'an assertion of the scenario failed', [['harness', 'broken', { text: 'not so' }]]],
  ])('%s: %s', (rule, _, lines, remains = {}, allowed = {}) => {
    expect(rules(lines, remains, allowed)).toContain(rule);
  });
});

it('counts allowed and unexplained runs separately, and prints the first violation with its trace', () => {
  const verdict = check(
    history(...put(), run(), ['h', 'fault', { kind: 'kill', target: 'w' }], run('v'), end('v'), ...put('b')),
    nothing,
  );
  expect(verdict.counters).toMatchObject({
    acked: 2,
    runs: 2,
    kills: 1,
    duplicated: 1,
    allowed: 1,
    unexplained: 0,
    lost: 1,
  });
  expect(report(verdict, 'npm run chaos -- F01 --seed 7')).toMatch(
    /^FAILED: acked 2.*lost 1[^]*npm run chaos -- F01 --seed 7[^]*lost: the put of b was acknowledged[^]*p put ok/,
  );
});
