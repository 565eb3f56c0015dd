import { writeFileSync } from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import type { HotQueue } from 'hotqueue';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aFile, isAlive, WorkerRun } from './worker-run.js';

let queue: HotQueue;
beforeEach(() => void (queue = aQueue({ lease: '1s' })));

/** Source of a worker that appends `<payload> <pid>` to a list when it starts, waits for the key `…:go`, and appends it to another list at the end. */
const patient = () =>
  aFile(`
  import { HotQueue } from 'hotqueue';
  import { Redis } from 'ioredis';
  const redis = new Redis(process.env.REDIS_URL!);
  const queue = new HotQueue('${queue.name}', { lease: '1s' });
  export class Patient {
    @queue.worker() async wait(item: string) {
      await redis.rpush('${queue.name}:begun', item + ' ' + process.pid);
      while (!(await redis.exists('${queue.name}:go'))) await new Promise((resolve) => setTimeout(resolve, 20));
      await redis.rpush('${queue.name}:done', item + ' ' + process.pid);
    }
  }`);

const noted = async (what: 'begun' | 'done'): Promise<{ item: string; pid: number }[]> =>
  (await redis().lrange(`${queue.name}:${what}`, 0, -1)).map((text) => ({
    item: text.split(' ')[0]!,
    pid: Number(text.split(' ')[1]),
  }));
const go = () => redis().set(`${queue.name}:go`, 1);
const wait = () => redis().del(`${queue.name}:go`);
const items = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(index + from));
const begunBy = (processes: number) =>
  until(
    () => noted('begun'),
    (begun) => new Set(begun.map(({ pid }) => pid)).size >= processes,
    60_000,
  );

it('after a kill of a child, another child does its work and a new child starts; SIGTERM lets active messages finish; no message is lost', async () => {
  await queue.putAll(items(12));
  const run = new WorkerRun([patient(), '--processes', '2', '--name', 'ward', '--json']);
  const [first] = await begunBy(2);
  process.kill(first!.pid, 'SIGKILL');
  await go();
  const done = await until(
    () => noted('done'),
    (list) => list.length >= 12,
    60_000,
  );
  expect(done.map(({ item }) => Number(item)).sort((one, other) => one - other)).toEqual(items(12).map(Number));
  expect(done.find(({ item }) => item === first!.item)!.pid).not.toBe(first!.pid);
  expect(await run.logs('died')).toMatchObject([{ childPid: first!.pid, signal: 'SIGKILL' }]);
  await run.logs('start', 3);
  expect(
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 2,
    ),
  ).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0 });
  expect((await queue.workers.list()).map(({ process: name }) => name).sort()).toEqual(['ward-1', 'ward-2']);

  await wait();
  await redis().del(`${queue.name}:begun`, `${queue.name}:done`);
  await queue.putAll(items(8));
  await begunBy(2);
  run.signal('SIGTERM');
  await run.logs('stop', 3);
  await go();
  expect(await run.ended, run.stderr).toBe(0);
  const [begun, finished] = [await noted('begun'), await noted('done')];
  expect(finished.map(({ item }) => item).sort()).toEqual(begun.map(({ item }) => item).sort());
  const { waiting, active, dead, workers } = await queue.counts();
  expect({ put: finished.length + dead + waiting, active, workers }).toEqual({ put: 8, active: 0, workers: 0 });
  expect(run.children.filter(isAlive)).toEqual([]);
});

it('after a kill of the supervisor, its children finish their active messages and end', async () => {
  await queue.putAll(items(6));
  const run = new WorkerRun([patient(), '--processes', '2', '--json']);
  await begunBy(2);
  run.signal('SIGKILL');
  expect(await run.ended).toBe('SIGKILL');
  await run.logs('stop', 2);
  await go();
  await until(() => run.children.filter(isAlive).length === 0);
  const [begun, done, counts] = [await noted('begun'), await noted('done'), await queue.counts()];
  expect(done).toEqual(expect.arrayContaining(begun));
  expect({ put: done.length + counts.waiting, active: counts.active, workers: counts.workers }).toEqual({
    put: 6,
    active: 0,
    workers: 0,
  });
  expect(run.of('end').map(({ reason }) => reason)).toEqual(['orphaned', 'orphaned']);
});

it('a second signal forces the end: all messages are released, exit code 1', async () => {
  await queue.putAll(items(2));
  const run = new WorkerRun([patient(), '--processes', '2', '--json']);
  await begunBy(2);
  run.signal('SIGINT');
  await run.logs('stop', 1);
  run.signal('SIGTERM');
  expect(await run.ended).toBe(1);
  expect(await queue.counts()).toMatchObject({ waiting: 2, active: 0, workers: 0 });
  expect(run.children.filter(isAlive)).toEqual([]);
});

it('kills a child with a blocked event loop some time after the shutdown timeout, and exits with 1', async () => {
  await queue.put('x');
  const file = aFile(`
    import { HotQueue } from 'hotqueue';
    export const block = new HotQueue('${queue.name}', { lease: '1s' }).worker(() => { console.log('{"event":"begun"}'); for (;;); });`);
  const run = new WorkerRun([file, '--processes', '1', '--shutdown-timeout', '0ms', '--json']);
  await run.logs('begun');
  run.signal('SIGTERM');
  expect(await run.ended).toBe(1);
  expect(run.children.filter(isAlive)).toEqual([]);
  expect(run.of('died')).toMatchObject([{ signal: 'SIGKILL' }]);
});

it('replaces a child at once when it has reached --max-jobs', async () => {
  await go();
  await queue.putAll(items(3));
  const run = new WorkerRun([patient(), '--processes', '1', '--max-jobs', '1', '--json']);
  await until(
    () => noted('done'),
    (done) => done.length === 3,
    60_000,
  );
  await run.logs('start', 4);
  expect(new Set((await noted('done')).map(({ pid }) => pid)).size).toBe(3);
  expect([run.of('died'), run.of('restart')]).toEqual([[], []]);
  run.signal('SIGTERM');
  expect(await run.ended).toBe(0);
});

it('restarts a child that dies, after a longer delay each time; a message that kills three children is buried', async () => {
  const file = aFile(`
    import { HotQueue } from 'hotqueue';
    export const die = new HotQueue('${queue.name}', { lease: '1s', logger: false }).worker(() => process.exit(3));`);
  await queue.put('poison');
  const run = new WorkerRun([file, '--processes', '1', '--json']);
  await until(async () => (await queue.counts()).dead === 1, Boolean, 60_000);
  expect(run.of('died').map(({ code }) => code)).toEqual([3, 3, 3]);
  expect(run.of('restart').map(({ delayMs }) => delayMs)).toEqual([100, 200, 400]);
  run.signal('SIGTERM');
  expect(await run.ended).toBe(0);
});

it('--burst: ends when no child finds a message', async () => {
  await go();
  await queue.putAll(items(9));
  const run = new WorkerRun([patient(), '--processes', '2', '--burst', '--json']);
  expect(await run.ended, run.stderr).toBe(0);
  expect(await noted('done')).toHaveLength(9);
  expect(run.of('end').map(({ reason }) => reason)).toEqual(['burst', 'burst']);
});

it('--watch: restarts when a source file changes, also after a broken one', async () => {
  const source = (answer: string) => `
    import { HotQueue } from 'hotqueue';
    export const work = new HotQueue('${queue.name}').worker((item) => console.log('${answer}', item));`;
  const file = aFile(source('first'));
  const run = new WorkerRun([file, '--watch', '--json']);
  const says = async (text: string) => until(() => run.stdout.includes(text), Boolean, 60_000);
  await run.logs('start');
  await queue.put(1);
  await says('first 1');
  writeFileSync(file, 'this is no program');
  await run.logs('failed');
  writeFileSync(file, source('second'));
  await run.logs('start', 2);
  await queue.put(2);
  await says('second 2');
  run.signal('SIGINT');
  expect(await run.ended).toBe(0);
});

it('runs the image example, which calls run() itself', async () => {
  const url = `${redisUrl()}?db=7`; // no other test uses the queue "images" of this database
  const run = new WorkerRun(['examples/images/worker.ts', '--processes', '2', '--url', url, '--json']);
  await run.logs('start', 2);
  const images = aQueue({ name: 'images', url });
  await images.put({ path: '/nowhere/a.jpg', width: -1, height: 1 });
  expect(await run.logs('bury')).toMatchObject([{ reason: 'invalid payload' }]);
  run.signal('SIGTERM');
  expect(await run.ended).toBe(0);
  expect(await images.counts()).toMatchObject({ active: 0, dead: 1, workers: 0 });
});
