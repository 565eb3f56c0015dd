/** A tracked job: its result, its status, its record. */
import 'reflect-metadata';
import { IsInt, IsString, Min } from 'class-validator';
import { expect, it } from 'vitest';
import { HotQueue, JobCancelledError, JobFailedError, NotTrackedError, start, type Runner } from 'hotqueue';
import { until } from '../support/facts.js';
import { aName, aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

it('result() resolves to what the handler returned', async () => {
  const queue = aQueue({ track: true });
  const runner = start(queue.worker((n) => ({ double: (n as number) * 2 })));
  const jobs = await queue.putAll([1, 2, 3]);
  expect(await Promise.all(jobs.map((job) => job.result({ timeout: '10s' })))).toEqual([
    { double: 2 },
    { double: 4 },
    { double: 6 },
  ]);
  expect(await jobs[0]!.status()).toBe('done');
  expect(await queue.job(jobs[0]!.id).fetch()).toMatchObject({
    status: 'done',
    payload: 1,
    result: { double: 2 },
    attempts: 1,
  });
  await runner.stop();
});

it('rejects with the error of the handler when the job has failed', async () => {
  const queue = aQueue({ track: true, attempts: 2, backoff: 1 });
  const runner = start(
    queue.worker(() => {
      throw Object.assign(new TypeError('no page'), { code: 'ENOPAGE' });
    }),
  );
  const job = await queue.put('a');
  const error = await job.result({ timeout: '10s' }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(JobFailedError);
  expect(error).toMatchObject({ attempts: 2, cause: { name: 'TypeError', message: 'no page', code: 'ENOPAGE' } });
  expect(await job.fetch()).toMatchObject({ status: 'failed', failures: [{ attempt: 1 }, { attempt: 2 }] });
  await runner.stop();
});

it('cancel ends a waiting job: it never runs', async () => {
  const queue = aQueue({ track: true });
  const job = await queue.put('a');
  const other = await queue.put('b');
  expect(await job.cancel()).toBe(true);
  await expect(job.result()).rejects.toThrow(JobCancelledError);
  const seen: unknown[] = [];
  const runner = start(queue.worker((payload) => void seen.push(payload)));
  await other.result({ timeout: '10s' });
  expect(seen).toEqual(['b']);
  expect(await job.status()).toBe('cancelled');
  await runner.stop();
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 0 });
});

it('cancel aborts the signal of a running job, and drops what it returns', async () => {
  const queue = aQueue({ track: true });
  let reason: unknown;
  let begun = (): void => undefined;
  const running = new Promise<void>((resolve) => (begun = resolve));
  const runner = start(
    queue.worker(
      (_, job) =>
        new Promise<string>((resolve) => {
          begun();
          job.signal.addEventListener('abort', () => {
            reason = job.signal.reason;
            resolve('too late');
          });
        }),
    ),
  );
  const job = await queue.put('a');
  await running;
  expect(await job.cancel()).toBe(true);
  await expect(job.result({ timeout: '10s' })).rejects.toThrow(JobCancelledError);
  // The queue may be drained before the worker hears of it: the message is gone with the job.
  await until(() => reason !== undefined);
  expect(reason).toBeInstanceOf(JobCancelledError);
  await queue.drained();
  expect(await job.fetch()).toMatchObject({ status: 'cancelled' });
  expect((await job.fetch())?.result).toBeUndefined();
  await runner.stop();
});

it('watch tells status, progress and log lines until the end', async () => {
  const queue = aQueue({ track: true });
  const worker = queue.worker(async (_, delivery) => {
    await delivery.progress(0.5);
    await delivery.log('half');
    return 1;
  });
  const job = await queue.put('a');
  const steps: unknown[] = [];
  const runners: Runner[] = [];
  for await (const step of job.watch()) {
    steps.push(step);
    if (steps.length === 1) runners.push(start(worker));
  }
  expect(steps).toEqual([
    { status: 'waiting' },
    { status: 'running' },
    { progress: 0.5 },
    { log: 'half' },
    { status: 'done' },
  ]);
  await runners[0]!.stop();
});

it('a message that is not tracked has no result', async () => {
  const queue = aQueue();
  const job = await queue.put('a');
  await expect(job.result()).rejects.toThrow(NotTrackedError);
});

it('a result class is checked when the handler returns', async () => {
  class WordCount {
    @IsString() url!: string;
    @IsInt() @Min(0) words!: number;
  }
  const queue = new HotQueue(aName(), { url: redisUrl(), logger: false, result: WordCount, attempts: 1 });
  const runner = start(queue.worker((page) => ({ url: String(page), words: page === 'a' ? 3 : -1 })));
  const [a, b] = [await queue.put('a'), await queue.put('b')];
  expect(await a.result({ timeout: '10s' })).toEqual(Object.assign(new WordCount(), { url: 'a', words: 3 }));
  await expect(b.result({ timeout: '10s' })).rejects.toThrow(/words: must not be less than 0/);
  await runner.stop();
  await queue.close();
});

it('a unique key has one job until it is done', async () => {
  const queue = aQueue({ track: true });
  const first = await queue.with({ unique: 'k' }).put('a');
  const second = await queue.with({ unique: 'k' }).put('b');
  expect(second).toMatchObject({ id: first.id, isDuplicate: true });
  expect(await queue.size()).toBe(1);
  const runner = start(queue.worker((payload) => payload));
  expect(await second.result({ timeout: '10s' })).toBe('a');
  expect(await queue.with({ unique: 'k' }).put('c')).toMatchObject({ isDuplicate: false });
  await runner.stop();
});

it('replace gives a delayed job another payload', async () => {
  const queue = aQueue({ track: true });
  const put = queue.with({ unique: 'k', delay: '1h', replace: true });
  const first = await put.put('a');
  expect(await put.put('b')).toMatchObject({ id: first.id, isDuplicate: true });
  expect(await queue.delayed.get(first.id)).toMatchObject({ text: '"b"' });
  expect(await first.fetch()).toMatchObject({ status: 'delayed', payload: 'b' });
});

it('jobs.counts() has a number for each status, and jobs.list() as many jobs as its limit', async () => {
  const queue = aQueue({ track: true });
  await queue.put(1, 2, 3);
  await queue.with({ delay: '1h' }).put(4);
  expect(await queue.jobs.counts()).toMatchObject({ waiting: 3, delayed: 1, running: 0, done: 0 });
  const runner = start(queue.worker(() => null));
  await queue.drained();
  await runner.stop();
  const { jobs } = await queue.jobs.list({ status: 'done', limit: 2 });
  expect(jobs.length).toBe(2);
  expect(await queue.jobs.counts()).toMatchObject({ waiting: 0, delayed: 1, done: 3 });
});
