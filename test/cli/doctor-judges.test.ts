import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { judgeDecorators } from '../../src/cli/doctor/decorators.js';
import { judgeServer } from '../../src/cli/doctor/judge-server.js';
import { judgeQueue } from '../../src/cli/doctor/orphans.js';
import type { QueueFacts } from '../../src/inspect/queue-facts.js';
import type { ServerFacts } from '../../src/inspect/server-facts.js';

const facts = (info: Record<string, string>, more: Partial<ServerFacts> = {}): ServerFacts => ({
  info: new Map(
    Object.entries({
      maxmemory_policy: 'noeviction',
      maxmemory: '0',
      used_memory: '1',
      role: 'master',
      connected_slaves: '0',
      aof_enabled: '1',
      ...info,
    }),
  ),
  config: new Map([['appendfsync', 'everysec']]),
  clockAheadMs: 0,
  roundTripsMs: [0.1, 0.2, 0.3],
  ...more,
});

it.each<[string, ServerFacts, string, 'ok' | 'warning' | 'problem', RegExp]>([
  ['noeviction', facts({}), 'eviction', 'ok', /the server refuses put/],
  [
    'eviction with a limit',
    facts({ maxmemory_policy: 'allkeys-lru', maxmemory: '100' }),
    'eviction',
    'problem',
    /deletes whole queues/,
  ],
  ['eviction without a limit', facts({ maxmemory_policy: 'allkeys-lru' }), 'eviction', 'warning', /nothing is evicted/],
  [
    'eviction of what expires',
    facts({ maxmemory_policy: 'volatile-ttl', maxmemory: '100' }),
    'eviction',
    'warning',
    /stored twice/,
  ],
  ['memory nearly full', facts({ maxmemory: '100', used_memory: '95' }), 'memory', 'warning', /in use/],
  ['every second', facts({}), 'persistence', 'ok', /up to two seconds/],
  ['always', facts({}, { config: new Map([['appendfsync', 'always']]) }), 'persistence', 'ok', /loses nothing/],
  ['never synced', facts({}, { config: new Map([['appendfsync', 'no']]) }), 'persistence', 'warning', /appendfsync no/],
  ['a server that refuses CONFIG GET', facts({}, { config: undefined }), 'persistence', 'ok', /does not say/],
  [
    'snapshots',
    facts({ aof_enabled: '0' }, { config: new Map([['save', '3600 1']]) }),
    'persistence',
    'warning',
    /since the last/,
  ],
  [
    'nothing kept',
    facts({ aof_enabled: '0' }, { config: new Map([['save', '']]) }),
    'persistence',
    'warning',
    /loses every message/,
  ],
  ['the JavaScript engine', facts({ hotqueue_engine: '0.3.0' }), 'persistence', 'warning', /in memory only/],
  ['a disk that is full', facts({ rdb_last_bgsave_status: 'err' }), 'disk', 'problem', /snapshot failed/],
  ['clocks that agree', facts({}, { clockAheadMs: -40 }), 'clock', 'ok', /agrees/],
  ['a clock behind', facts({}, { clockAheadMs: -5_000 }), 'clock', 'warning', /5\.0 s behind/],
  ['a clock far ahead', facts({}, { clockAheadMs: 3_600_000 }), 'clock', 'problem', /ahead of/],
  [
    'a long way',
    facts({}, { roundTripsMs: [30, 40, 90] }),
    'latency',
    'warning',
    /40\.0 ms for a command \(median\), 90\.0 ms for the slowest of 3/,
  ],
  [
    'a replica',
    facts({ role: 'slave', master_host: 'db', master_port: '6379' }),
    'replication',
    'problem',
    /replica of db:6379/,
  ],
  ['a master with replicas', facts({ connected_slaves: '2' }), 'replication', 'ok', /2 replica/],
  ['a cluster', facts({ cluster_enabled: '1' }), 'cluster', 'warning', /of this node only/],
])('reports the state of the server: %s', (_what, given, check, status, says) => {
  const finding = judgeServer(given).find((one) => one.check === check);
  expect(finding).toMatchObject({ status, says: expect.stringMatching(says) as string });
  expect(finding!.fix === undefined).toBe(status === 'ok');
});

const none = { ready: 0, withoutParent: 0, unstarted: 0, unlisted: [] };
const quiet: QueueFacts = {
  type: 'list',
  activeWithoutLease: 0,
  activeWithEndedLease: 0,
  unregistered: [],
  unregisteredInLayout1: [],
  overdue: 0,
  delayedSurplus: 0,
  deadSurplus: 0,
  overdueSchedules: 0,
  undeclared: [],
  held: none,
};

it.each<[Partial<QueueFacts>, RegExp | undefined]>([
  [{}, undefined],
  [{ type: 'none' }, undefined],
  [{ others: { workers: 1, layout: '1' } }, /1 worker of another version .* layout 1/],
  [{ activeWithEndedLease: 3 }, /3 messages claimed by workers with an ended lease/],
  [{ overdue: 1 }, /1 delayed message due/],
  [{ overdueSchedules: 2 }, /2 schedules due, and no process fires them/],
  [
    { undeclared: [{ name: 'nightly', worker: 'Office.handle' }] },
    /schedule nightly is not in the code of Office.handle/,
  ],
  [{ held: { ...none, ready: 2 } }, /2 jobs held although all jobs that they waited for have ended/],
  [{ held: { ...none, withoutParent: 1 } }, /1 job held for jobs that have no record any more/],
  [{ held: { ...none, unstarted: 3 } }, /3 jobs of flows that were never put as a whole/],
  [{ held: { ...none, unlisted: ['a', 'b', 'c', 'd'] } }, /4 jobs held, and Redis does not know for what: a, b, c, …/],
  [{ delayedSurplus: 2 }, /2 delayed messages without a due time/],
  [{ delayedSurplus: -1 }, /1 due time without a delayed message/],
  [{ deadSurplus: -2 }, /2 burial times without a dead letter/],
])('reports the state of a queue: %j', (more, says) => {
  const findings = judgeQueue('emails', { ...quiet, ...more });
  if (says)
    expect(findings).toMatchObject([
      { check: 'queue emails', says: expect.stringMatching(says) as string, fix: expect.any(String) as string },
    ]);
  else expect(findings).toEqual([]);
});

/** A folder with these files, removed after the test. */
function aFolder(files: Record<string, unknown>): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'hotqueue-doctor-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const aPackage = (name: string, version: string, at = `node_modules/${name}`): Record<string, unknown> => ({
  [`${at}/package.json`]: { name, version, main: 'index.js' },
  [`${at}/index.js`]: '',
});
const judge = (folder: string, check: string) =>
  judgeDecorators(folder, path.join(folder, 'node_modules/hotqueue/dist/index.js')).find((one) => one.check === check);

it('finds a second copy of a package, and the copy that hotqueue imports', () => {
  const one = aFolder({ 'package.json': {}, ...aPackage('class-transformer', '0.5.1'), 'src/worker.ts': '' });
  expect(judge(path.join(one, 'src'), 'class-transformer')).toEqual({
    check: 'class-transformer',
    status: 'ok',
    says: '0.5.1, one copy',
  });
  const inner = 'node_modules/hotqueue/node_modules/class-transformer';
  const two = aFolder({
    'package.json': {},
    ...aPackage('class-transformer', '0.5.1'),
    ...aPackage('class-transformer', '0.5.0', inner),
  });
  expect(judge(two, 'class-transformer')).toMatchObject({
    status: 'problem',
    says: expect.stringMatching(/your files import 0\.5\.1 in .*, but hotqueue imports 0\.5\.0 in /) as string,
  });
  const elsewhere = aFolder({
    'package.json': {},
    ...aPackage('class-validator', '0.15.1'),
    ...aPackage('class-validator', '0.14.0', 'node_modules/@nest/core/node_modules/class-validator'),
  });
  expect(judge(elsewhere, 'class-validator')).toMatchObject({
    status: 'warning',
    says: expect.stringMatching(/^0\.15\.1, and 1 more: 0\.14\.0 in /) as string,
  });
  expect(judge(aFolder({ 'package.json': {} }), 'reflect-metadata')).toMatchObject({
    status: 'warning',
    says: 'not installed here',
  });
});

it.each([
  [{ compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } }, 'ok'],
  [{ compilerOptions: { experimentalDecorators: true } }, 'warning'],
  [{ compilerOptions: {} }, 'warning'],
  [{ extends: './base' }, 'ok'],
  [{ extends: ['./base.json', 'shared/tsconfig'] }, 'warning'],
  [
    '// as tsc writes it\n{ "compilerOptions": { /* both */ "experimentalDecorators": true, "emitDecoratorMetadata": true, }, }',
    'ok',
  ],
  // TypeScript too reads what it can of a broken file.
  ['{ "compilerOptions": ', 'warning'],
  [{ extends: './missing.json' }, 'problem'],
  [{ extends: './cycle.json' }, 'problem'],
])('a tsconfig %j is %s', (tsconfig, status) => {
  const folder = aFolder({
    'tsconfig.json': tsconfig,
    'base.json': { compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } },
    'cycle.json': { extends: './tsconfig.json' },
    'node_modules/shared/tsconfig.json': { compilerOptions: { emitDecoratorMetadata: false } },
    'src/deep/worker.ts': '',
  });
  expect(judge(path.join(folder, 'src/deep'), 'tsconfig')).toMatchObject({ status });
  expect(judge(folder, 'runner')).toMatchObject({ status: 'warning' });
});
