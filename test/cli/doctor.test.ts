import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { chain, group, type Job } from 'hotqueue';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { findOrphans } from '../../src/cli/doctor/orphans.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { packed } from '../support/takes.js';
import { hotqueue } from './hotqueue.js';
import { aFile } from './worker-run.js';

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
  await redis().hset(key('registry'), 'gone', 'process');
  await redis().hset(key('meta'), 'layout', '3');
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
  await redis().hset(key('before', 'roll'), 'old', 'process');
  await redis().zadd(key('before', 'workers'), Date.now() + 3_600_000, 'old');
  await redis().hset(key('before', 'meta'), 'layout', '2');
  await redis().hset(key('later', 'registry'), 'new', 'process');
  await redis().zadd(key('later', 'workers'), Date.now() + 3_600_000, 'new');
  await redis().hset(key('later', 'meta'), 'layout', '4');
  await redis().hset(key('lost', 'claims:forgotten'), { seq: '1 1', 'b1.1': '1' });
  await redis().sadd(prefix, 'before', 'earlier', 'later', 'lost');
  const before = await dump(prefix);
  const findings = await findOrphans({ url: redisUrl(), prefix });
  expect(findings.map(({ check, status, says }) => [check, status, says])).toEqual([
    [
      'queue before',
      'problem',
      '1 worker of another version registered, with claims in layout 2: workers of this version use layout 3 and cannot start',
    ],
    [
      'queue earlier',
      'problem',
      '2 workers of another version registered, with claims in layout 1: workers of this version use layout 3 and cannot start',
    ],
    ['queue earlier', 'warning', '2 messages claimed by workers without a lease'],
    [
      'queue later',
      'problem',
      '1 worker of another version registered, with claims in layout 4: workers of this version use layout 3 and cannot start',
    ],
    ['queue lost', 'problem', '1 worker of an earlier version with claims, but not in the registry: forgotten'],
  ]);
  expect(findings[0]!.fix).toMatch(
    /^stop the workers of the other version, and let them finish; if some were killed, run one worker of that version/,
  );
  expect(findings[2]!.fix).toBe(
    'start a worker of that version on this queue: it puts them back into the queue within two minutes',
  );
  expect(findings[4]!.fix).toMatch(/SADD '\{…:lost\}:roll' forgotten\), then start a worker of that version/);
  expect(await dump(prefix)).toEqual(before);
  await expect(aQueue({ prefix, name: 'earlier' }).get()).rejects.toMatchObject({ code: 'INCOMPATIBLE_WORKERS' });
});

it('reports jobs that wait for others without end, and what to do', async () => {
  const prefix = aName();
  const queue = aQueue({ prefix, name: 'steps', track: true });
  const key = (name: string): string => `{${prefix}:steps}:${name}`;
  const parents = await queue.putAll(['ended', 'gone', 'open', 'lost', 'unknown']);
  const [ended, gone, open, lost, unknown] = parents as [Job, Job, Job, Job, Job];
  const behind = (job: Job): Promise<Job> => queue.with({ after: job }).put('behind');
  const [held, fatherless, , unlisted, forgotten] = [
    await behind(ended),
    await behind(gone),
    await behind(open),
    await behind(lost),
    await behind(unknown),
  ];
  const flow = await chain(queue.task(1), queue.task(2));
  await flow.cancel();
  expect(await findOrphans({ url: redisUrl(), prefix })).toMatchObject([{ status: 'ok' }]);
  // As after a crash, and after changes by hand.
  await redis().hset(key(`job:${ended.id}`), 'status', 'done');
  await redis().del(key(`job:${gone.id}`), key(`parents:${forgotten.id}`));
  await redis().zrem(key('blocked'), unlisted.id);
  // A process has looked at them just now, and will soon again.
  expect(await findOrphans({ url: redisUrl(), prefix })).toMatchObject([{ status: 'problem' }]);
  const ids = await redis().zrange(key('blocked'), 0, '-1');
  for (const id of ids) await redis().zadd(key('blocked'), Date.now() - 120_000, id);
  const state = async (): Promise<unknown> => [
    await redis().zrange(key('blocked'), 0, '-1', 'WITHSCORES'),
    await redis().hgetall(key(`job:${held.id}`)),
  ];
  const before = await state();
  const findings = await findOrphans({ url: redisUrl(), prefix });
  expect(findings.map(({ status, says }) => [status, says])).toEqual([
    ['warning', '1 job held although all jobs that they waited for have ended, and no process starts them'],
    ['warning', '1 job held for jobs that have no record any more, and no process ends the wait'],
    ['problem', `2 jobs held, and Redis does not know for what: ${[unlisted.id, forgotten.id].join(', ')}`],
  ]);
  expect(await state()).toEqual(before);
  // What doctor says to do helps.
  await using scheduler = queue.schedules.start();
  expect(scheduler).toBeDefined();
  await until(async () => (await held.status()) === 'waiting' && (await fatherless.status()) === 'cancelled');
  await queue.delayed.promote(unlisted.id);
  expect(await unlisted.status()).toBe('waiting');
});

it.each(['parents', 'blocked', 'workers', 'registry', 'delayed', 'schedules'])(
  'a queue of which another program has changed the key %s is reported, and the others are checked',
  async (which) => {
    const prefix = aName();
    const broken = aQueue({ prefix, name: 'broken', track: true });
    const { id } = await broken.with({ after: await broken.put('parent') }).put('child');
    const key = `{${prefix}:broken}:${which}${which === 'parents' ? `:${id}` : ''}`;
    await redis().set(key, 'text');
    await redis().set(`${prefix}:other`, 'text');
    await redis().sadd(prefix, 'other');
    const findings = await findOrphans({ url: redisUrl(), prefix });
    expect(findings.map(({ status, says }) => [status, says])).toEqual([
      ['problem', 'one of its keys has another type than hotqueue gives it, so this queue was not checked'],
      ['problem', 'its key is a string, expected a list'],
    ]);
  },
);

it('reports flows that were never put as a whole', async () => {
  const prefix = aName();
  const queue = aQueue({ prefix, name: 'steps', track: true });
  const [connection, keys] = [Connection.share({ url: redisUrl() }), new Keys('steps', prefix)];
  const script = connection.script.bind(connection);
  onTestFinished(async () => {
    connection.script = script;
    await connection.leave();
  });
  // As if the process had died before it told the jobs that their flow starts.
  connection.script = (name, ...of) =>
    name === 'parent-ended' ? Promise.reject(new Error('the process dies')) : script(name, ...of);
  await group([queue.task(1), queue.task(2, { id: 'alone' })]); // in two calls, so that it needs a start
  expect(await findOrphans({ url: redisUrl(), prefix })).toMatchObject([{ status: 'ok' }]);
  for (const id of await redis().zrange(keys.blocked, 0, '-1')) {
    await redis().zadd(keys.blocked, Date.now() - 120_000, id);
    await redis().hset(keys.parents(id), 'since', Date.now() - 600_000);
  }
  expect(await findOrphans({ url: redisUrl(), prefix })).toMatchObject([
    { status: 'warning', says: '2 jobs of flows that were never put as a whole, and no process cancels them' },
  ]);
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
  expect(await hotqueue(['doctor', '--queue', 'emails'])).toMatchObject({ code: 2, stdout: '' });
  // A name is taken for a file.
  expect(await hotqueue(['doctor', 'emails'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('emails: file not found') as string,
  });
});

/** Every key of a prefix, byte for byte. */
async function dump(prefix: string): Promise<Record<string, string | undefined>> {
  const keys = (await redis().keys(`*${prefix}*`)).sort();
  return Object.fromEntries(
    await Promise.all(keys.map(async (key) => [key, (await redis().dumpBuffer(key)).toString('base64')] as const)),
  );
}

it('with files, names each payload class of their workers that is not compiled, and why, and runs no worker', async () => {
  const file = aFile(`
    import 'reflect-metadata';
    import { Type } from 'class-transformer';
    import { IsString, ValidateNested } from 'class-validator';
    import { HotQueue, run } from 'hotqueue';
    class Shape { @IsString() name!: string; }
    class Circle extends Shape { @IsString() size!: string; }
    class Drawing {
      @ValidateNested()
      @Type(() => Shape, { discriminator: { property: 'kind', subTypes: [{ value: Circle, name: 'circle' }] } })
      shape!: Shape;
    }
    class Album { @ValidateNested({ each: true }) @Type(() => Drawing) drawings!: Drawing[]; }
    const albums = new HotQueue('albums', { payload: Album });
    const circles = new HotQueue('circles', { payload: Circle });
    const fail = async () => { throw new Error('must not run'); };
    await run([albums.worker(fail), circles.worker(fail)]);
  `);
  // The compiled program of the other tests would be a second copy of the library.
  const main = path.join(import.meta.dirname, '../../src/cli/main.ts');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', '@oxc-node/core/register', main, 'doctor', '--prefix', aName(), file],
    { cwd: path.dirname(main), env: { ...process.env, REDIS_URL: redisUrl(), NO_COLOR: '1' } },
  );
  expect(stdout).toMatch(/^warning {2}payload Album +Drawing is not compiled.*Drawing\.shape has a discriminator$/m);
  expect(stdout).toMatch(/^ok {7}payload Circle +its validation is compiled$/m);
});
