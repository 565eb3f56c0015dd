/** What the record of a job says, whatever happens to its message. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { JobCancelledError, JobExpiredError, JobFailedError, start, type Job, type JobHandle } from 'hotqueue';
import { deliverAll } from '../../src/jobs/outbox.js';
import { until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { serverKind } from '../support/server.js';
import { aWorker, endLease, take } from '../support/takes.js';

const at = { withinMs: 5_000 };
const keep = { keepMs: 60_000, keepFailedMs: 60_000 };
const begun = (...ids: string[]) =>
  ids.map((id, index) => ({ index: index + 1, id, attempt: 1, putAt: 1, begunAt: 1 }));
const statusOf = async (job: Job): Promise<string | undefined> => job.status();

describe('a worker that dies', () => {
  it('leaves a job that is waiting, then running again; after the third time it has failed', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    const result = expect(job.result({ timeout: '20s' })).rejects.toThrow('its worker died 3 times');
    for (let death = 1; death <= 3; death++) {
      const worker = await aWorker(broker);
      const taken = await take(broker, worker, 1);
      await broker.jobs.begin(worker, 'w', 1, begun(job.id), keep, at);
      expect(await statusOf(job)).toBe('running');
      await endLease(broker, worker);
      await broker.recover(worker, 'hotqueue', at);
      expect(await statusOf(job)).toBe(death < 3 ? 'waiting' : 'failed');
      // Its late calls change nothing.
      await broker.jobs.begin(worker, 'late', 1, begun(job.id), keep, at);
      const words = ['done', '"late"'];
      expect(
        await broker.jobs.settle(
          worker,
          [{ take: taken, index: 1, id: job.id, isTracked: true, putAt: 1, run: '', words }],
          keep,
          at,
        ),
      ).toEqual(['lost']);
      expect(await broker.jobs.note(worker, { take: taken, index: 1, id: job.id }, 1, ['log', 'late'], at)).toBe(
        'lost',
      );
      expect(await statusOf(job)).toBe(death < 3 ? 'waiting' : 'failed');
    }
    await result; // within five seconds, although no worker was there to tell
    expect((await job.fetch())?.log).toEqual([]);
  });

  it('that leaves in order gives its job back', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    await take(broker, worker, 1);
    await broker.jobs.begin(worker, 'w', 1, begun(job.id), keep, at);
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 0, running: 1 });
    await broker.leave(worker, at);
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 1, running: 0 });
    expect(await queue.jobs.list({ status: 'waiting' })).toMatchObject({ jobs: [{ id: job.id }] });
  });
});

describe('a job', () => {
  it('is retrying between two attempts, and keeps its failures', async () => {
    const queue = aQueue({ track: true, attempts: 2, backoff: '1h' });
    const runner = start(
      queue.worker((_, job) => {
        if (job.attempt === 1) throw new Error('first');
        return 'second';
      }),
    );
    const job = await queue.put('a');
    await until(async () => (await job.status()) === 'retrying');
    expect(await queue.jobs.counts()).toMatchObject({ retrying: 1, waiting: 0 });
    expect((await job.fetch())!.dueAt).toBe((await queue.delayed.get(job.id))!.dueAt);
    await queue.delayed.promote(job.id);
    expect(await job.result({ timeout: '10s' })).toBe('second');
    expect(await job.fetch()).toMatchObject({ attempts: 2, failures: [{ attempt: 1, error: { message: 'first' } }] });
    await runner.stop();
  });

  it('with a list of waits is tried again after them', async () => {
    const queue = aQueue({ track: true, attempts: 4 });
    const delays: number[] = [];
    queue.events.on('retry', ({ delayMs }) => delays.push(delayMs));
    const runner = start(
      queue.worker(() => {
        throw new Error('no');
      }),
    );
    const job = await queue.with({ backoff: [1, '3ms'] }).put('a');
    await expect(job.result({ timeout: '10s' })).rejects.toThrow(JobFailedError);
    expect(delays).toEqual([1, 3, 3]);
    const once = await queue.with({ backoff: ['2ms'] }).put('b');
    await expect(once.result({ timeout: '10s' })).rejects.toThrow(JobFailedError);
    expect(delays.slice(3)).toEqual([2, 2, 2]);
    await runner.stop();
  });

  it('expires when no worker takes it in time, and when one takes it too late', async () => {
    const queue = aQueue({ track: true, attempts: 1 });
    const [alone, late] = [await queue.with({ ttl: 50 }).put('a'), await queue.with({ ttl: 50 }).put('b')];
    await expect(alone.result({ timeout: '20s' })).rejects.toThrow(JobExpiredError); // nobody has taken it
    expect(await redis().pttl(`{${queue.key}}:job:${alone.id}`)).toBe(-1); // its message is still there
    const runner = start(queue.worker(() => 1));
    await expect(late.result({ timeout: '20s' })).rejects.toThrow(JobExpiredError);
    await queue.drained();
    expect(await redis().pttl(`{${queue.key}}:job:${alone.id}`)).toBeGreaterThan(0);
    expect(await queue.jobs.counts()).toMatchObject({ expired: 2, waiting: 0 });
    await runner.stop();
  });

  it('is delayed, moved, promoted and cancelled together with its message', async () => {
    const queue = aQueue({ track: true });
    const put = queue.with({ delay: '1h' });
    const [moved, promoted, cancelled, dropped] = [
      await put.put(1),
      await put.put(2),
      await put.put(3),
      await put.put(4),
    ];
    expect(await queue.jobs.counts()).toMatchObject({ delayed: 4, waiting: 0 });
    expect((await moved.fetch())!.dueAt).toBe((await queue.delayed.get(moved.id))!.dueAt);
    await queue.delayed.move(moved.id, { delay: '2h' });
    const later = (await queue.delayed.get(moved.id))!.dueAt;
    expect(await moved.fetch()).toMatchObject({ status: 'delayed', dueAt: later });
    const { jobs } = await queue.jobs.list({ status: 'delayed' });
    expect(jobs.find(({ id }) => id === moved.id)).toMatchObject({ dueAt: later });
    await queue.delayed.promote(promoted.id);
    expect(await statusOf(promoted)).toBe('waiting');
    expect(await promoted.fetch()).not.toHaveProperty('dueAt');
    expect(await queue.delayed.cancel(cancelled.id)).toBe(true);
    expect(await queue.delayed.cancel(cancelled.id)).toBe(false);
    expect(await statusOf(cancelled)).toBe('cancelled');
    expect(await dropped.cancel()).toBe(true);
    expect(await queue.delayed.size()).toBe(1);
    expect(await queue.jobs.counts()).toMatchObject({ delayed: 1, waiting: 1, cancelled: 2 });
  });

  it('that failed is waiting again when its dead letter is revived', async () => {
    const queue = aQueue({ track: true, attempts: 1 });
    let isBroken = true;
    const worker = queue.worker(() => {
      if (isBroken) throw new Error('broken');
      return 'mended';
    });
    const runner = start(worker);
    const job = await queue.put('a');
    await expect(job.result({ timeout: '10s' })).rejects.toThrow('broken');
    await runner.stop();
    isBroken = false;
    expect(await queue.dead.revive(job.id)).toBe(1);
    expect(await statusOf(job)).toBe('waiting');
    const again = start(worker);
    expect(await job.result({ timeout: '10s' })).toBe('mended');
    await again.stop();
  });

  it('that waits or is delayed is cancelled when its queue is cleared; a running one goes on', async () => {
    const queue = aQueue({ track: true });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const runner = start(
      queue.worker(async () => {
        await held;
        return 'done';
      }),
    );
    const running = await queue.put('running');
    await until(async () => (await running.status()) === 'running');
    const jobs = await queue.putAll(Array.from({ length: 450 }, (_, index) => index));
    const high = await queue.with({ priority: 'high' }).put('high');
    const plain = await queue.with({ track: false }).put('plain');
    const delayed = await queue.with({ delay: '1h' }).put('delayed');
    const cleared = await queue.clear();
    expect(cleared).toBeGreaterThanOrEqual(450); // the worker may have prefetched some
    release();
    expect(await running.result({ timeout: '10s' })).toBe('done');
    await queue.drained();
    expect(await delayed.status()).toBe('cancelled');
    const ends = await Promise.all([...jobs, high].map((job) => job.status()));
    expect(ends.filter((status) => status !== 'cancelled' && status !== 'done')).toEqual([]);
    expect(plain.isDuplicate).toBeUndefined();
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0 });
    await runner.stop();
  });

  it('of a loop has no result, and its status is kept', async () => {
    const queue = aQueue({ track: true });
    const [one, two, three] = [await queue.put(1), await queue.put(2), await queue.put(3)];
    expect(await queue.get()).toBe(1);
    for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('unwanted');
    for await (const item of queue.consume({ limit: 1 })) expect(item).toBe(3);
    expect(await one.result()).toBeUndefined();
    await expect(two.result()).rejects.toThrow('unwanted');
    expect(await statusOf(three)).toBe('done');
  });

  it('of a batch has the result at its place', async () => {
    const queue = aQueue({ track: true });
    const jobs = await queue.putAll([1, 2, 3]);
    const plain = await queue.with({ track: false }).put(4);
    const worker = queue.worker((items) => items.map((item) => (item as number) * 10), { batch: 10 });
    const runner = start(worker);
    expect(await Promise.all(jobs.map((job) => job.result({ timeout: '10s' })))).toEqual([10, 20, 30]);
    expect(plain.id).toBeTypeOf('string');
    await runner.stop();
  });

  it('cancelled while it is prefetched never begins', async () => {
    const queue = aQueue({ track: true });
    const begunBy: unknown[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await queue.putAll(Array.from({ length: 20 }, (_, index) => index));
    const { jobs } = await queue.jobs.list({ status: 'waiting' });
    const runner = start(
      queue.worker(async (item) => {
        begunBy.push(item);
        await held;
      }),
    );
    await until(() => begunBy.length > 0);
    const others = jobs.filter(({ payload }) => payload !== begunBy[0]);
    for (const { id } of others) expect(await queue.job(id).cancel()).toBe(true);
    await until(async () => (await queue.jobs.counts()).cancelled === 19);
    await pause(200); // so that the news has arrived
    release();
    await queue.drained();
    expect(begunBy).toHaveLength(1);
    await runner.stop();
  });
});

describe('a unique key', () => {
  const ends: [string, (job: Job, queue: ReturnType<typeof aQueue>) => Promise<unknown>][] = [
    ['done', (_, queue) => queue.get()],
    ['cancelled', (job) => job.cancel()],
    ['cleared', (_, queue) => queue.clear()],
    [
      'dead',
      async (_, queue) => {
        for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('no');
      },
    ],
  ];
  it.each(ends)('is free again when its job is %s', async (_, end) => {
    const queue = aQueue({ track: true });
    const put = queue.with({ unique: 'k' });
    const first = await put.put(1);
    expect(await put.put(2)).toMatchObject({ id: first.id, isDuplicate: true });
    await end(first, queue);
    expect(await put.put(3)).toMatchObject({ isDuplicate: false });
  });

  it('is free again when its job has expired, and when recovery has buried it', async () => {
    const queue = aQueue({ track: true });
    await queue.with({ unique: 'k', ttl: 20 }).put(1);
    await pause(40);
    const second = await queue.with({ unique: 'k' }).put(2);
    expect(second.isDuplicate).toBe(false);
    const broker = aBroker(queue.name);
    await queue.get(); // the expired one is buried, and the second one is taken
    const third = await queue.with({ unique: 'k' }).put(3);
    for (let death = 1; death <= 3; death++) {
      const worker = await aWorker(broker);
      await take(broker, worker, 1);
      await broker.jobs.begin(worker, 'w', 1, begun(third.id), keep, at);
      await endLease(broker, worker);
      await broker.recover(worker, 'hotqueue', at);
    }
    expect(await queue.dead.size()).toBeGreaterThan(0);
    expect(await queue.with({ unique: 'k' }).put(4)).toMatchObject({ isDuplicate: false });
  });

  it("until: 'started' is free when its job starts", async () => {
    const queue = aQueue({ track: true });
    const put = queue.with({ unique: 'k', until: 'started' });
    await put.put(1);
    expect((await put.put(2)).isDuplicate).toBe(true);
    for await (const item of queue.consume({ limit: 1 })) {
      expect(item).toBe(1);
      expect((await put.put(3)).isDuplicate).toBe(false);
    }
  });

  it('of a function is that of each payload, also in one putAll', async () => {
    const queue = aQueue({ track: true, unique: (payload: { id: number }) => `invoice-${payload.id}` });
    const jobs = await queue.putAll([{ id: 1 }, { id: 2 }, { id: 1 }]);
    expect(jobs.map(({ isDuplicate }) => isDuplicate)).toEqual([false, false, true]);
    expect(jobs[2]!.id).toBe(jobs[0]!.id);
    expect(await queue.size()).toBe(2);
  });

  it('with replace gives a waiting job another payload, also after a failed attempt of its worker', async () => {
    const queue = aQueue({ track: true, attempts: 2, backoff: 1 });
    const put = queue.with({ unique: 'k', replace: true });
    const first = await put.put('one');
    expect((await put.put('two')).id).toBe(first.id);
    const seen: unknown[] = [];
    const runner = start(
      queue.worker((payload, job) => {
        seen.push(payload);
        if (job.attempt === 1) throw new Error('again');
        return payload;
      }),
    );
    expect(await first.result({ timeout: '10s' })).toBe('two');
    expect(seen).toEqual(['two', 'two']);
    expect((await first.fetch())?.payload).toBe('two');
    await runner.stop();
  });
});

describe('what another program writes', () => {
  it('into a channel or the outbox ends nothing', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const key = `{${queue.key}}:job:${job.id}`;
    const steps: unknown[] = [];
    const watching = (async () => {
      for await (const step of queue.job(job.id).watch()) steps.push(step);
    })();
    await until(async () => (await redis().pubsub('NUMSUB', key))[1] === 1 && steps.length > 0);
    for (const text of ['progress {', 'done', 'nonsense', 'log x\ny', 'failed']) await redis().publish(key, text);
    await redis().hset(`{${queue.key}}:outbox`, 'x', 'nonsense', 'y', '{}', 'z', 'null');
    const broker = aBroker(queue.name);
    await deliverAll(broker, at);
    expect(await queue.get()).toBe('a');
    await watching;
    expect(steps).toEqual([{ status: 'waiting' }, { status: 'running' }, { status: 'done' }]);
    expect(await redis().hlen(`{${queue.key}}:outbox`)).toBe(3);
  });
});

it('puts with their own unique keys travel together', async () => {
  const queue = aQueue({ track: true });
  await queue.put('first');
  const jobs = await Promise.all(
    Array.from({ length: 300 }, (_, index) => queue.with({ unique: `k${index % 100}` }).put(index)),
  );
  expect(jobs.filter(({ isDuplicate }) => isDuplicate)).toHaveLength(200);
  expect(jobs[250]!.id).toBe(jobs[50]!.id);
  expect(await queue.size()).toBe(101);
});

describe('records', () => {
  it('expire after their time, and leave the lists', async () => {
    const queue = aQueue({ track: { keep: 30, keepFailed: '1h' }, attempts: 1 });
    const runner = start(
      queue.worker((payload) => {
        if (payload === 'bad') throw new Error('bad');
      }),
    );
    const [good, bad] = [await queue.put('good'), await queue.put('bad')];
    await expect(bad.result({ timeout: '10s' })).rejects.toThrow('bad');
    await until(async () => (await good.status()) === undefined);
    expect(await queue.jobs.list({ status: 'done' })).toEqual({ jobs: [] });
    expect(await queue.jobs.counts()).toMatchObject({ done: 0, failed: 1 });
    expect(await statusOf(bad)).toBe('failed');
    await runner.stop();
  });

  it('of jobs that can still run do not expire', async () => {
    const queue = aQueue({ track: { keep: 20 } });
    const job = await queue.put('a');
    await pause(60);
    expect(await statusOf(job)).toBe('waiting');
  });

  it('answer result({ timeout: 0 }) with how the job has ended, however late the news are', async () => {
    const queue = aQueue({ track: true, attempts: 1 });
    const [good, bad, cancelled] = [await queue.put('good'), await queue.put('bad'), await queue.put('no')];
    const look = (job: JobHandle): Promise<unknown> => job.result({ timeout: 0 });
    await expect(look(good)).rejects.toMatchObject({ code: 'RESULT_TIMEOUT', status: 'waiting' });
    await cancelled.cancel();
    const runner = start(
      queue.worker((payload) => {
        if (payload === 'bad') throw new Error('bad');
        return { got: payload };
      }),
    );
    await until(async () => (await good.status()) === 'done' && (await bad.status()) === 'failed');
    await runner.stop();
    const others = aQueue({ name: queue.name });
    for (const it of [queue, others]) {
      expect(await look(it.job(good.id))).toEqual({ got: 'good' });
      await expect(look(it.job(bad.id))).rejects.toMatchObject({ code: 'JOB_FAILED', cause: { message: 'bad' } });
      await expect(look(it.job(cancelled.id))).rejects.toMatchObject({ code: 'JOB_CANCELLED' });
      await expect(look(it.job('other'))).rejects.toMatchObject({ code: 'RESULT_GONE' });
    }
  });

  it('say when they expire', async () => {
    const queue = aQueue({ track: { keep: '1m', keepFailed: '1h' }, attempts: 1 });
    const [good, bad] = [await queue.put('good'), await queue.put('bad')];
    expect(await good.fetch()).not.toHaveProperty('expiresAt');
    const runner = start(
      queue.worker((payload) => {
        if (payload === 'bad') throw new Error('bad');
      }),
    );
    await Promise.allSettled([good.result({ timeout: '10s' }), bad.result({ timeout: '10s' })]);
    const [done, failed] = [(await good.fetch())!, (await bad.fetch())!];
    expect(done.expiresAt! - done.endedAt!).toBe(60_000);
    expect(failed.expiresAt! - failed.endedAt!).toBe(3_600_000);
    await runner.stop();
  });

  it('leave the indexes of their queue when they have expired', async () => {
    const queue = aQueue({ track: { keep: 1, keepFailed: 1 }, attempts: 1 });
    const { keys } = aBroker(queue.name);
    // Each has one more member, see longMember in _jobs.lua.
    const listed = () =>
      Promise.all(keys.jobIndexes.slice(0, 9).map((index) => redis().zcount(index, '(-inf', '+inf')));
    const runner = start(
      queue.worker((payload) => {
        if (payload === 'bad') throw new Error('bad');
      }),
    );
    const old = await queue.putAll(['good', 'bad', 'good', 'bad']);
    await until(async () =>
      (await Promise.all(old.map((job) => redis().exists(keys.job(job.id))))).every((is) => is === 0),
    );
    const [last] = await queue.putAll(['good']);
    await until(async () => (await redis().exists(keys.job(last!.id))) === 0);
    await runner.stop();
    // Only the last one, which no later script has removed: among those that are done, and those that expire.
    expect((await listed()).reduce((sum, size) => sum + size)).toBe(2);
  });

  it('have no payload if the queue says so', async () => {
    const job = await aQueue({ track: { payload: false } }).put('secret');
    expect(await job.fetch()).not.toHaveProperty('payload');
  });

  it('are listed in pages, each once, also if many began at one time', async () => {
    const queue = aQueue({ track: true });
    const jobs = await queue.putAll(Array.from({ length: 25 }, (_, index) => index)); // one script: one time
    const later = await queue.put('later');
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await queue.jobs.list({ status: 'waiting', limit: 10, ...(cursor && { cursor }) });
      seen.push(...page.jobs.map(({ id }) => id));
      cursor = page.cursor;
      if (!cursor) break;
    }
    expect(seen[0]).toBe(later.id);
    expect(seen).toHaveLength(26);
    expect(new Set(seen)).toEqual(new Set([...jobs, later].map(({ id }) => id)));
  });
});

describe('waits', () => {
  it.runIf(serverKind() === 'redis')(
    '10,000 at once need one connection, and leave nothing behind',
    { timeout: 120_000 },
    async () => {
      const queue = aQueue({ track: true });
      const subscribers = async (): Promise<number> =>
        ((await redis().client('LIST', 'TYPE', 'PUBSUB')) as string).split('\n').filter((line) => line !== '').length;
      const before = await subscribers();
      const jobs = await queue.putAll(Array.from({ length: 10_000 }, (_, index) => index));
      const results = Promise.all(jobs.map((job) => job.result({ timeout: '100s' })));
      await until(async () => (await subscribers()) === before + 1);
      const runner = start(queue.worker((index) => index, { concurrency: 100 }));
      expect(await results).toEqual(jobs.map((_, index) => index));
      expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(jobs.map((_, index) => index)); // as they are stored
      expect(await subscribers()).toBeLessThanOrEqual(before + 2); // the worker hears of cancellations on the same one
      await runner.stop();
    },
  );

  it.runIf(serverKind() === 'redis')(
    'end although their subscription is cut, again and again',
    { timeout: 60_000 },
    async () => {
      const queue = aQueue({ track: true });
      const jobs = await queue.putAll(Array.from({ length: 200 }, (_, index) => index));
      const foreign = jobs.map(({ id }) => queue.job(id));
      const results = Promise.all([...jobs, ...foreign].map((job) => job.result({ timeout: '40s' })));
      const runner = start(queue.worker((index) => pause(10).then(() => index)));
      for (let cut = 0; cut < 10; cut++) {
        await redis().call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await pause(100);
      }
      const all = jobs.map((_, index) => index);
      expect(await results).toEqual([...all, ...all]);
      await runner.stop();
    },
  );

  it('hear that a running job of another process was cancelled', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const waiting = expect(queue.job(job.id).result({ timeout: '10s' })).rejects.toThrow(JobCancelledError);
    await job.cancel();
    await waiting;
  });
});
