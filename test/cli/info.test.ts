import { expect, it } from 'vitest';
import { z } from 'zod';
import { oldestAt, queueNames } from '../../src/inspect/queues.js';
import { infoAsText } from '../../src/cli/info-text.js';
import { ratesBetween, type QueueSnapshot } from '../../src/inspect/snapshot.js';
import { until } from '../support/facts.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { hotqueue } from './hotqueue.js';
import { running } from './running.js';

const workerForm = z.strictObject({
  id: z.string(),
  queue: z.string(),
  name: z.string(),
  kind: z.enum(['handler', 'consumer']),
  host: z.string(),
  pid: z.number(),
  process: z.string(),
  startedAt: z.number(),
  memoryBytes: z.number(),
  concurrency: z.number(),
  status: z.enum(['working', 'quiet', 'stopping']),
  done: z.number(),
  failed: z.number(),
  active: z.number(),
  activeMessages: z.array(z.strictObject({ id: z.string(), attempt: z.number(), since: z.number() })),
  leaseUntil: z.number(),
});
const infoForm = z.strictObject({
  at: z.number(),
  queues: z.array(
    z.strictObject({
      name: z.string(),
      waiting: z.number(),
      active: z.number(),
      delayed: z.number(),
      dead: z.number(),
      done: z.number(),
      failed: z.number(),
      paused: z.boolean(),
      oldestAt: z.nullable(z.number()),
      nextSchedule: z.nullable(z.strictObject({ name: z.string(), dueAt: z.number() })),
      rates: z.nullable(z.strictObject({ done: z.number(), failed: z.number() })),
      workers: z.array(workerForm),
    }),
  ),
});

/** A heartbeat report of a worker. */
function aReport({ done = 0, ...more }: { done?: number; name?: string; kind?: 'handler' | 'consumer' } = {}): string {
  const about = {
    name: 'Studio.resize',
    kind: 'handler',
    concurrency: 4,
    status: 'working',
    host: 'box',
    pid: 4711,
    process: 'night',
    startedAt: 1,
    active: 1,
    activeMessages: [['id', 1, 1]],
  };
  return `${done} 0 ${JSON.stringify({ ...about, ...more })}`;
}

it('queues lists the queues of a prefix that had a put', async () => {
  const prefix = aName();
  const [one, two] = [aQueue({ prefix, name: 'b:one' }), aQueue({ prefix, name: 'a.two' })];
  await Promise.all([one.put(1), two.put(1)]);
  await redis().sadd(prefix, 'no name {}');
  expect(await queueNames({ url: redisUrl(), prefix })).toEqual(['a.two', 'b:one']);
  expect(await hotqueue(['queues', '--prefix', prefix])).toMatchObject({ code: 0, stdout: 'a.two\nb:one\n' });
  expect(
    z
      .strictObject({ queues: z.array(z.string()) })
      .parse(JSON.parse((await hotqueue(['queues', '--prefix', prefix, '--json'])).stdout)),
  ).toEqual({ queues: ['a.two', 'b:one'] });
  expect(await hotqueue(['queues', '--prefix', aName()])).toEqual({ code: 3, stdout: '', stderr: 'no queue yet\n' });
});

it('oldestAt returns when the oldest waiting message was put, in any lane', async () => {
  const queue = aQueue();
  expect(await oldestAt(queue.name, { url: redisUrl() })).toBeUndefined();
  await redis().rpush(queue.key, '"bare"');
  expect(await oldestAt(queue.name, { url: redisUrl() })).toBeUndefined();
  const low = await queue.with({ priority: 'low' }).put('oldest');
  await until(() => Date.now() > low.putAt);
  await queue.with({ priority: 'high', id: 'own' }).put('newer');
  expect(await oldestAt(queue.name, { url: redisUrl() })).toBe(low.putAt);
});

it('info prints the counts of a queue, as text and as JSON', async () => {
  const queue = aQueue();
  await queue.put(1, 2, 3);
  await queue.with({ delay: '1h' }).put(4);
  await queue.pause();
  const { stdout, code } = await hotqueue(['info', queue.name]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    new RegExp(`^${queue.name} █+ 3 waiting, 0 active, 1 delayed, 0 done, oldest (now|\\d+ s), paused\n`),
  );
  expect(stdout).toContain('1 queue, 3 messages waiting, 0 workers');
  const info = infoForm.parse(JSON.parse((await hotqueue(['info', queue.name, '--json'])).stdout));
  expect(info.queues).toMatchObject([{ name: queue.name, waiting: 3, delayed: 1, paused: true, rates: null }]);
});

it('info --interval prints again and again, with rates, until SIGINT', async () => {
  const queue = aQueue();
  await aBroker(queue.name).join('worker-1', 'process', {}, aReport({ done: 7 }));
  const child = running(['info', queue.name, '--interval', '100ms', '--json']);
  const lines = await until(
    () => child.lines,
    (seen) => seen.length >= 3,
  );
  const looks = lines.map((line) => infoForm.parse(JSON.parse(line)).queues[0]!);
  expect(looks[0]!.rates).toBeNull();
  expect(looks[2]).toMatchObject({
    done: 7,
    rates: { done: 0, failed: 0 },
    workers: [{ queue: queue.name, name: 'Studio.resize', done: 7 }],
  });
  expect(Number(await redis().hget(`{${queue.key}}:meta`, 'watched'))).toBeGreaterThan(0);
  expect(await child.kill('SIGINT')).toBe(0);
  expect(child.stderr).toBe('');
});

it('info --interval ends when its output is closed', async () => {
  const queue = aQueue();
  const child = running(['info', queue.name, '--interval', '100ms']);
  await until(() => child.stdout);
  child.pipes.stdout!.destroy();
  expect(await child.ended).toBe(0);
});

it.each([
  [['info', 'a b'], 1, /hotqueue: invalid queue name "a b"/],
  [['info', '--interval', 'often'], 2, /invalid duration "often"/],
  [['queues', 'extra'], 2, /too many arguments/],
  [['workers', 'ls', '--url', 'http://x'], 1, /hotqueue: invalid url: expected redis:\/\//],
])('%j exits with %i and an error message', async (args, code, sentence) => {
  const ended = await hotqueue(args);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code, stdout: '' });
});

it('workers ls lists workers, and workers quiet, resume and stop send commands to them', async () => {
  const queue = aQueue();
  const [broker, id] = [aBroker(queue.name), 'worker-1'];
  await broker.join(id, 'process', {}, aReport({ name: 'Studio.\u001b[31mresize' }));
  await broker.join('loop', 'process', {}, aReport({ kind: 'consumer' }));
  const listed = (await hotqueue(['workers', 'ls', queue.name, '--json'])).stdout.trim().split('\n');
  expect(listed.map((line) => workerForm.parse(JSON.parse(line)).id).sort()).toEqual(['loop', id]);
  const { stdout } = await hotqueue(['workers', 'ls', queue.name]);
  expect(stdout).toMatch(/ Studio\.\\x1b\[31mresize {2}night box:4711 {2}working {2}1\/4 for \d+ \w+ .* worker-1$/m);
  expect(stdout).not.toContain('\u001b');
  const quiet = await hotqueue(['workers', 'quiet', queue.name, '--all', '--json']);
  const form = z.strictObject({
    queue: z.string(),
    command: z.literal('quiet'),
    asked: z.tuple([z.literal(id)]),
    missing: z.tuple([]),
  });
  expect(form.parse(JSON.parse(quiet.stdout))).toBeTruthy();
  expect(await hotqueue(['workers', 'resume', queue.name, id])).toMatchObject({
    code: 0,
    stdout: `1 worker of ${queue.name} asked to take messages again\n`,
  });
  expect(await redis().hget(`{${queue.key}}:commands`, id)).toBe('resume');
  const absent = await hotqueue(['workers', 'stop', queue.name, 'unknown']);
  expect(absent).toMatchObject({ code: 3, stderr: `${queue.name} has no worker "unknown"\n` });
  expect((await hotqueue(['workers', 'stop', queue.name, 'loop'])).stderr).toMatch(
    /worker "loop" .* is a consume\(\) loop/,
  );
  expect(await redis().hkeys(`{${queue.key}}:commands`)).toEqual([id]);
  expect((await hotqueue(['workers', 'stop', queue.name])).stderr).toMatch(/no worker given: give either ids or --all/);
  expect(await hotqueue(['workers', 'ls', aQueue().name])).toMatchObject({ code: 3, stdout: '' });
});

const aSnapshot = (more: Partial<QueueSnapshot>): QueueSnapshot => ({
  name: 'emails',
  waiting: 0,
  active: 0,
  delayed: 0,
  dead: 0,
  done: 0,
  failed: 0,
  isPaused: false,
  oldestAt: undefined,
  workers: [],
  nextSchedule: undefined,
  ...more,
});

it('rates are per second, and unknown if the totals went down', () => {
  expect(ratesBetween(aSnapshot({ done: 10 }), aSnapshot({ done: 30, failed: 1 }), 2_000)).toEqual({
    done: 10,
    failed: 0.5,
  });
  expect(ratesBetween(aSnapshot({ done: 10 }), aSnapshot({ done: 3 }), 2_000)).toBeUndefined();
  expect(ratesBetween(undefined, aSnapshot({}), 0)).toBeUndefined();
});

it('bars are relative to the longest queue', () => {
  const queues = [aSnapshot({ waiting: 20 }), aSnapshot({ name: 'images', waiting: 10, dead: 2 })].map((look) => ({
    ...look,
    rates: undefined,
  }));
  const [first, second] = infoAsText({ at: 0, queues }, 40).split('\n');
  expect(first).toBe('emails ██████████ 20 waiting, 0 active, 0 done');
  expect(second).toBe('images █████      10 waiting, 0 active, 2 dead, 0 done');
});
