import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { judgeDecorators } from '../../src/cli/doctor/decorators.js';
import { judgeServer } from '../../src/cli/doctor/judge-server.js';
import { findOrphans, judgeQueue } from '../../src/cli/doctor/orphans.js';
import type { QueueFacts } from '../../src/inspect/queue-facts.js';
import type { ServerFacts } from '../../src/inspect/server-facts.js';
import { aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { packed } from '../support/takes.js';
import { hotqueue } from './hotqueue.js';

const reportForm = z.strictObject({
  ok: z.boolean(),
  findings: z.array(
    z.strictObject({
      check: z.string(),
      status: z.enum(['ok', 'warning', 'problem']),
      says: z.string(),
      fix: z.nullable(z.string()),
    }),
  ),
});

it('checks the server, the project and the queues, prints one line for each check, and says how to fix a problem', async () => {
  const prefix = aName();
  const { stdout, code } = await hotqueue(['doctor', '--prefix', prefix]);
  expect(code).toBe(0);
  for (const check of [
    'redis',
    'eviction',
    'memory',
    'persistence',
    'clock',
    'latency',
    'replication',
    'orphans',
    'class-validator',
    'class-transformer',
    'reflect-metadata',
    'tsconfig',
    'runner',
  ]) {
    expect(stdout).toMatch(new RegExp(`^(ok     |warning)  ${check} `, 'm'));
  }
  expect(stdout).toMatch(
    /^warning {2}persistence +none: a restart of the server loses every message\n +→ set appendonly yes/m,
  );
});

it('finds orphaned messages and keys, changes nothing, and exits with 1', async () => {
  const prefix = aName();
  const queue = aQueue({ prefix, name: 'emails' });
  await queue.put(1);
  const key = (name: string): string => `{${queue.key}}:${name}`;
  // Of four messages one is acknowledged, and one is buried.
  await redis().hset(key('claims:gone'), {
    seq: '1',
    t1: packed(['bbbb', '1', '2', '3', '4']),
    a1: '1 4 2',
    'e1.3': '1',
  });
  await redis().hset(key('roll'), 'gone', 'process');
  await redis().hset(key('meta'), 'layout', '2');
  await redis().hset(key('claims:forgotten'), { seq: '1', t1: packed(['b', '1']), a1: '0 1 ' });
  await redis().hset(key('dead:messages'), 'lost', '{}\n1');
  await redis().set(`${prefix}:other`, 'a string');
  await redis().sadd(prefix, 'other');
  const before = await dump(prefix);
  const { stdout, code } = await hotqueue(['doctor', '--prefix', prefix, '--json']);
  const report = reportForm.parse(JSON.parse(stdout));
  expect(
    report.findings
      .filter(({ check }) => check.startsWith('queue'))
      .map(({ check, status, says }) => [check, status, says]),
  ).toEqual([
    ['queue emails', 'warning', '2 messages claimed by workers without a lease'],
    ['queue emails', 'problem', '1 worker with claims, but not in the registry: forgotten'],
    ['queue emails', 'warning', '1 dead letter without a burial time'],
    ['queue other', 'problem', 'its key is a string, expected a list'],
  ]);
  expect({ ok: report.ok, code }).toEqual({ ok: false, code: 1 });
  expect(await dump(prefix)).toEqual(before);
});

it('reports workers of another version and their active messages, and says how to remove them', async () => {
  const prefix = aName();
  const key = (queue: string, name: string): string => `{${prefix}:${queue}}:${name}`;
  await redis().sadd(key('earlier', 'roll'), 'old', 'gone');
  await redis().zadd(key('earlier', 'workers'), Date.now() + 3_600_000, 'old');
  await redis().hset(key('earlier', 'claims:gone'), { seq: '1 2', 'a1.1': '1', 'b1.2': '2' });
  await redis().hset(key('later', 'roll'), 'new', 'process');
  await redis().zadd(key('later', 'workers'), Date.now() + 3_600_000, 'new');
  await redis().hset(key('later', 'meta'), 'layout', '3');
  await redis().hset(key('lost', 'claims:forgotten'), { seq: '1 1', 'b1.1': '1' });
  await redis().sadd(prefix, 'earlier', 'later', 'lost');
  const before = await dump(prefix);
  const findings = await findOrphans({ url: redisUrl(), prefix });
  expect(findings.map(({ check, status, says }) => [check, status, says])).toEqual([
    [
      'queue earlier',
      'problem',
      '2 workers of another version registered, with claims in layout 1: workers of this version use layout 2 and cannot start',
    ],
    ['queue earlier', 'warning', '2 messages claimed by workers without a lease'],
    [
      'queue later',
      'problem',
      '1 worker of another version registered, with claims in layout 3: workers of this version use layout 2 and cannot start',
    ],
    ['queue lost', 'problem', '1 worker of an earlier version with claims, but not in the registry: forgotten'],
  ]);
  expect(findings[0]!.fix).toMatch(
    /^stop the workers of the other version, and let them finish; if some were killed, run one worker of that version/,
  );
  expect(findings[1]!.fix).toBe(
    'start a worker of that version on this queue: it puts them back into the queue within two minutes',
  );
  expect(findings[3]!.fix).toMatch(/SADD '\{…:lost\}:roll' forgotten\), then start a worker of that version/);
  expect(await dump(prefix)).toEqual(before);
  await expect(aQueue({ prefix, name: 'earlier' }).get()).rejects.toMatchObject({ code: 'INCOMPATIBLE_WORKERS' });
});

it('reports nothing for a healthy queue', async () => {
  const prefix = aName();
  const queue = aQueue({ prefix });
  await queue.put(1, 2);
  await queue.with({ delay: '1h' }).put(3);
  for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('no good');
  await using worker = queue.deliveries();
  await worker.next();
  expect(await findOrphans({ url: redisUrl(), prefix })).toEqual([
    { check: 'orphans', status: 'ok', says: 'none in 1 queue' },
  ]);
});

it('runs the other checks without a server, and exits with 1', async () => {
  const { stdout, stderr, code } = await hotqueue(['doctor', '--url', 'redis://127.0.0.1:1']);
  expect(stdout).toMatch(/^problem {2}redis +no Redis answers at redis:\/\/127\.0\.0\.1:1: .*\n +→ start the server/);
  expect(stdout).toMatch(/^ok +tsconfig/m);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(await hotqueue(['doctor', 'emails'])).toMatchObject({ code: 2, stdout: '' });
});

/** Every key of a prefix, byte for byte. */
async function dump(prefix: string): Promise<Record<string, string | undefined>> {
  const keys = (await redis().keys(`*${prefix}*`)).sort();
  return Object.fromEntries(
    await Promise.all(keys.map(async (key) => [key, (await redis().dumpBuffer(key)).toString('base64')] as const)),
  );
}

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
  ['a server that refuses CONFIG GET', facts({}, { config: undefined }), 'persistence', 'ok', /does not tell/],
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

const quiet: QueueFacts = {
  type: 'list',
  activeWithoutLease: 0,
  activeWithEndedLease: 0,
  unregistered: [],
  unregisteredInLayout1: [],
  overdue: 0,
  delayedSurplus: 0,
  deadSurplus: 0,
};

it.each<[Partial<QueueFacts>, RegExp | undefined]>([
  [{}, undefined],
  [{ type: 'none' }, undefined],
  [{ others: { workers: 1, layout: '1' } }, /1 worker of another version .* layout 1/],
  [{ activeWithEndedLease: 3 }, /3 messages claimed by workers with an ended lease/],
  [{ overdue: 1 }, /1 delayed message due/],
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
