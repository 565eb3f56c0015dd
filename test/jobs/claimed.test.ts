/** Jobs that run as soon as their messages are taken, before any record says so. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { JobCancelledError, start, type Delivery, type HotQueue, type Job } from 'hotqueue';
import { Recoverer } from '../../src/maintenance/recoverer.js';
import { Sweeper } from '../../src/maintenance/sweeper.js';
import type { Broker } from '../../src/redis/broker.js';
import { JobBroker } from '../../src/redis/job-broker.js';
import type { TakeReply } from '../../src/redis/take.js';
import { until } from '../support/facts.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { serverKind } from '../support/server.js';
import { aWorker, endLease } from '../support/takes.js';

const at = { withinMs: 5_000 };
const keep = { keepMs: 60_000, keepFailedMs: 60_000 };

/** A take of a worker that expects tracked messages. */
async function taking(broker: Broker, worker: string, number: number, most = 10): Promise<TakeReply> {
  const reply = await broker.take(worker, number, most, at, { name: 'name of the worker' });
  if (reply === 'lost') throw new Error('the lease was lost');
  return reply;
}

const storedStatus = (queue: HotQueue, { id }: Job): Promise<string | null> =>
  redis().hget(`{${queue.key}}:job:${id}`, 'status');

/** Watches a job until it ends. */
function watchingStatus(job: Job): { seen: unknown[]; watching: Promise<void> } {
  const seen: unknown[] = [];
  const watching = (async () => {
    for await (const step of job.watch()) seen.push('status' in step ? step.status : step);
  })();
  return { seen, watching };
}

/** Handlers that end when they are told to. The first message has come and gone, so the worker expects tracked messages. */
async function aWarmWorker(
  queue: HotQueue,
): Promise<{ begun: Delivery[]; end: (result?: string) => void; stop: () => Promise<void> }> {
  const begun: Delivery[] = [];
  const ends: ((result?: string) => void)[] = [];
  const runner = start(
    queue.worker(
      (payload, job) => {
        if (payload === 'warm') return undefined;
        begun.push(job);
        return new Promise<string | undefined>((resolve) => ends.push(resolve));
      },
      { concurrency: 1 },
    ),
  );
  await (await queue.put('warm')).result({ timeout: '10s' });
  return { begun, end: (result) => ends.shift()!(result), stop: () => runner.stop() };
}

describe('a job whose message was taken', () => {
  it('runs, whatever its record says', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const other = await queue.put('b');
    const broker = aBroker(queue.name);
    const reply = await taking(broker, await aWorker(broker), 1, 1);
    expect(reply.isReady).toBe(true);
    expect(await storedStatus(queue, job)).toBe('waiting');
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 1, running: 1 });
    expect(await queue.jobs.list({ status: 'running' })).toMatchObject({ jobs: [{ id: job.id }] });
    expect(await queue.jobs.list({ status: 'waiting' })).toMatchObject({ jobs: [{ id: other.id }] });
    const record = (await job.fetch())!;
    expect(record).toMatchObject({ status: 'running', attempts: 1, worker: 'name of the worker' });
    expect(record.startedAt).toBeGreaterThanOrEqual(record.putAt);
  });

  it.each(['status', 'fetch', 'list', 'counts'] as const)('is found as running by %s alone', async (call) => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    await taking(broker, await aWorker(broker), 1);
    const found = {
      status: () => job.status(),
      fetch: async () => (await job.fetch())?.status,
      list: async () => (await queue.jobs.list({ status: 'running' })).jobs[0]?.status,
      counts: async () => ((await queue.jobs.counts()).running === 1 ? 'running' : undefined),
    };
    expect(await found[call]()).toBe('running');
    expect((await queue.jobs.list({ status: 'waiting' })).jobs).toEqual([]);
  });

  it.each([
    ['fresh', '#own 0 0 j=1\n1', 1],
    ['retried', '#own 2 0 j=1\n1', 3],
    ['with other fields', '#own 0 1 f=5 j=1 p=3\n[{}]\n1', 1],
  ])('is known from a header that is %s', async (_, message, attempt) => {
    const broker = aBroker();
    await redis().rpush(broker.keys.base, message, '#other 0 0\n1', '#other 0 0 k=1\nj=1 ', '{"j=1 ":1}');
    const worker = await aWorker(broker);
    await taking(broker, worker, 7);
    const claims = await redis().hgetall(broker.keys.jobClaims);
    expect(claims).toEqual({
      own: expect.stringMatching(new RegExp(`^${worker}\\.7\\.1 \\d{13} ${attempt} name of the worker$`)) as string,
    });
  });

  it('waits again when its worker dies or leaves, and is a job of the next worker', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    const dead = await aWorker(broker);
    await taking(broker, dead, 1);
    await endLease(broker, dead);
    await broker.recover(dead, 'hotqueue', at);
    expect(await job.status()).toBe('waiting');
    expect(await redis().hlen(broker.keys.jobClaims)).toBe(0);
    const leaving = await aWorker(broker);
    await taking(broker, leaving, 1);
    expect(await job.status()).toBe('running');
    await broker.leave(leaving, at);
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 1, running: 0 });
    await taking(broker, await aWorker(broker), 1);
    expect(await job.status()).toBe('running');
  });

  it('is cancelled by clear if its worker gave it back', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    await taking(broker, worker, 1);
    expect(await queue.clear()).toBe(0);
    expect(await job.status()).toBe('running');
    await broker.leave(worker, at);
    expect(await queue.clear()).toBe(1);
    expect(await job.status()).toBe('cancelled');
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 0, running: 0, cancelled: 1 });
  });
});

describe('a job that is taken between two calls of who asks for it', () => {
  it('has no other payload, and its worker gets to know that it was cancelled', async () => {
    const queue = aQueue({ track: true });
    const keyed = queue.with({ unique: 'k', replace: true });
    const job = await keyed.put('a');
    const broker = aBroker(queue.name);
    const { keys } = broker;
    const cancelled: string[] = [];
    const subscriber = redis().duplicate();
    onTestFinished(() => subscriber.disconnect());
    subscriber.on('message', (_channel, id) => cancelled.push(id));
    await subscriber.subscribe(keys.cancellations);
    const mend = vi.spyOn(JobBroker.prototype, 'mend').mockResolvedValue('waiting'); // it looked before the take
    await taking(broker, await aWorker(broker), 1);
    expect(await keyed.put('late')).toMatchObject({ id: job.id, isDuplicate: true });
    expect(await redis().hexists(keys.job(job.id), 'replacement')).toBe(0);
    expect(await job.cancel()).toBe(true);
    await until(() => cancelled.includes(job.id));
    mend.mockRestore();
    expect(await job.status()).toBe('cancelled');
  });
});

describe('what a job must not lose', () => {
  it('a cancelled one is watched, and never begins', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    await queue.put('first');
    await until(() => begun.length === 1);
    await queue.pause();
    const job = await queue.put('a');
    await job.cancel();
    for await (const step of job.watch()) expect(step).toEqual({ status: 'cancelled' });
    expect(await redis().scard(aBroker(queue.name).keys.jobsToCheck)).toBe(1);
    await queue.resume();
    end();
    await queue.drained();
    expect(begun).toHaveLength(1);
    expect(await job.status()).toBe('cancelled');
    await stop();
  });

  it('a unique key until the start is let go by begin, also if somebody has asked before', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.with({ unique: 'k', until: 'started' }).put('a');
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    await taking(broker, worker, 1);
    expect(await job.status()).toBe('running');
    const begun = [{ index: 1, id: job.id, attempt: 1, putAt: 1, begunAt: 1 }];
    await broker.jobs.begin(worker, 'w', 1, begun, keep, at);
    expect(await redis().hlen(broker.keys.unique)).toBe(0);
  });

  it('a cancellation that comes before the reply to its take', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    const { keys } = aBroker(queue.name);
    await queue.pause();
    const job = await queue.put('a');
    await redis().publish(keys.cancellations, job.id); // as if it ran
    await redis().publish(keys.cancellations, 'other');
    await queue.resume();
    await until(() => begun.length === 1);
    expect(begun[0]!.signal.aborted).toBe(false); // it was not cancelled
    end();
    await job.result({ timeout: '10s' });
    await queue.pause();
    const late = await queue.put('b');
    await redis().publish(keys.cancellations, late.id);
    await redis().hset(keys.job(late.id), 'status', 'cancelled');
    await queue.resume();
    await until(() => begun.length === 2 && begun[1]!.signal.reason instanceof JobCancelledError);
    end();
    await stop();
  });

  it('no script trims very many ids from an index', async () => {
    const queue = aQueue({ track: { keep: '1h' } });
    const broker = aBroker(queue.name);
    const { keys } = broker;
    const worker = await aWorker(broker);
    for (let group = 1; group <= 20; group++) {
      await redis().zadd(keys.jobIndexes[8]!, group, `done ${group}`);
      await redis().zadd(
        keys.jobIndex('done'),
        ...Array.from({ length: 50 }, (_, at) => [group, `${group}-${at}`]).flat(),
      );
    }
    const job = await queue.put(1);
    await taking(broker, worker, 1);
    const ended = {
      take: { number: 1 },
      index: 1,
      id: job.id,
      isTracked: true,
      putAt: 1,
      run: '1 1 w',
      words: ['done', '1'],
    };
    await broker.jobs.settle(worker, [ended], keep, at);
    expect(await redis().zcount(keys.jobIndex('done'), 1, 20)).toBe(950);
    expect(await redis().zcount(keys.jobIndexes[8]!, 1, 20)).toBe(19);
  });
});

it('a cancelled job whose message is cleared expires, and need not be checked any more', async () => {
  const queue = aQueue({ track: true });
  const job = await queue.put('a');
  await job.cancel();
  const { keys } = aBroker(queue.name);
  expect(await redis().pttl(keys.job(job.id))).toBe(-1);
  expect(await queue.clear()).toBe(1);
  expect(await redis().pttl(keys.job(job.id))).toBeGreaterThan(0);
  expect(await job.status()).toBe('cancelled');
  expect(await redis().scard(keys.jobsToCheck)).toBe(0);
});

describe('a handler may begin without a look at records', () => {
  it('not if the take was answered before', async () => {
    const queue = aQueue({ track: true });
    await queue.put('a');
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    expect((await taking(broker, worker, 1)).isReady).toBe(true);
    const again = await taking(broker, worker, 1);
    expect(again.take?.size).toBe(1);
    expect(again.isReady).toBeUndefined();
  });

  it.each<[string, (queue: HotQueue) => Promise<unknown>]>([
    ['one was cancelled', async (queue) => (await queue.put('a')).cancel()],
    [
      'one has another payload',
      async (queue) => {
        await queue.with({ unique: 'k' }).put('a');
        await queue.with({ unique: 'k', replace: true }).put('b');
      },
    ],
    ['one has a unique key until it starts', (queue) => queue.with({ unique: 'k', until: 'started' }).put('a')],
    [
      'one is watched',
      async (queue) => {
        const job = await queue.put('a');
        for await (const _ of job.watch()) break;
      },
    ],
    [
      'one has expired',
      async (queue) => {
        const job = await queue.with({ ttl: 1 }).put('a');
        await until(async () => (await job.status()) === 'expired');
      },
    ],
  ])('not if %s', async (_, prepare) => {
    const queue = aQueue({ track: true });
    await prepare(queue);
    await queue.put('other');
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    expect((await taking(broker, worker, 1)).isReady).toBeUndefined();
    expect(await redis().scard(broker.keys.jobsToCheck)).toBe(1);
    // Another worker settles all, and then none must be checked.
    await broker.leave(worker, at);
    const runner = start(queue.worker(() => 1));
    const last = await queue.put('last');
    await last.result({ timeout: '20s' });
    await queue.drained();
    expect(await redis().scard(broker.keys.jobsToCheck)).toBe(0);
    await runner.stop();
  });
});

describe('a worker that expects jobs', () => {
  it('begins without a call of begin, and the record has all of the attempt when it ends', async () => {
    const queue = aQueue({ track: true });
    const begin = vi.spyOn(JobBroker.prototype, 'begin');
    const { begun, end, stop } = await aWarmWorker(queue);
    begin.mockClear();
    const job = await queue.put('a');
    await until(() => begun.length === 1);
    expect(await storedStatus(queue, job)).toBe('waiting');
    end('result');
    expect(await job.result({ timeout: '10s' })).toBe('result');
    expect(begin).not.toHaveBeenCalled();
    const record = (await job.fetch())!;
    expect(record).toMatchObject({
      status: 'done',
      attempts: 1,
      worker: expect.any(String) as string,
      result: 'result',
    });
    expect(record.startedAt).toBeGreaterThanOrEqual(record.putAt);
    expect(record.endedAt).toBeGreaterThanOrEqual(record.startedAt!);
    const { keys } = aBroker(queue.name);
    expect(await redis().hlen(keys.jobClaims)).toBe(0);
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 0, running: 0, done: 2 });
    await stop();
  });

  it('never begins a job that was cancelled while it waited, and the result of one that ran is dropped', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    const running = await queue.put('a');
    await until(() => begun.length === 1);
    await queue.pause();
    const waiting = await queue.put('b');
    expect(await waiting.cancel()).toBe(true);
    await queue.resume();
    expect(await running.cancel()).toBe(true);
    await until(() => begun[0]!.signal.aborted);
    expect(begun[0]!.signal.reason).toBeInstanceOf(JobCancelledError);
    end('dropped');
    await queue.drained();
    const last = await queue.put('c');
    await until(() => begun.length === 2);
    expect(begun[1]!.id).toBe(last.id);
    end('kept');
    expect(await last.result({ timeout: '10s' })).toBe('kept');
    expect((await running.fetch())!).not.toHaveProperty('result');
    expect([await running.status(), await waiting.status()]).toEqual(['cancelled', 'cancelled']);
    const { keys } = aBroker(queue.name);
    expect(await redis().hlen(keys.jobClaims)).toBe(0);
    expect(await redis().scard(keys.jobsToCheck)).toBe(0);
    expect(await redis().pttl(keys.job(running.id))).toBeGreaterThan(0);
    expect(await redis().pttl(keys.job(waiting.id))).toBeGreaterThan(0);
    await stop();
  });

  it('gets the payload that has replaced the first one, and not one that comes too late', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    const keyed = queue.with({ unique: 'k', replace: true });
    await queue.put('first');
    await until(() => begun.length === 1);
    await queue.pause(); // so that the next one is not taken before its turn
    const job = await keyed.put('old');
    await keyed.put('new');
    end();
    await queue.resume();
    await until(() => begun.length === 2);
    expect(begun[1]!.payload).toBe('new');
    expect((await keyed.put('late')).id).toBe(job.id);
    end('done');
    expect(await job.result({ timeout: '10s' })).toBe('done');
    expect(await job.fetch()).toMatchObject({ payload: 'new', attempts: 1 });
    await stop();
  });

  it('lets go a unique key that is held until the start, before its handler begins', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    const keyed = queue.with({ unique: 'k', until: 'started' });
    const [job] = [await keyed.put('a')];
    await until(() => begun.length === 1);
    const next = await keyed.put('b');
    expect(next.isDuplicate).toBe(false);
    expect(next.id).not.toBe(job.id);
    end();
    await until(() => begun.length === 2);
    end();
    await next.result({ timeout: '10s' });
    await stop();
  });

  it('publishes to those who watch that a job runs, and that it has ended', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    await queue.put('first');
    await until(() => begun.length === 1);
    await queue.pause();
    const job = await queue.put('a');
    const { seen, watching } = watchingStatus(job);
    await until(() => seen.length === 1);
    end();
    await queue.resume();
    await until(() => begun.length === 2);
    await until(() => seen.length === 2);
    end();
    await watching;
    expect(seen).toEqual(['waiting', 'running', 'done']);
    await stop();
  });

  it('shows the beginning also to those who began to watch after the take', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    const job = await queue.put('a');
    await until(() => begun.length === 1);
    const { seen, watching } = watchingStatus(job);
    await until(() => seen.length === 1);
    end();
    await watching;
    expect(seen).toEqual(['running', 'done']);
    await aBroker(queue.name).jobs.watch(job.id); // it has ended
    expect(await redis().scard(aBroker(queue.name).keys.jobsToCheck)).toBe(0);
    await stop();
  });

  it('has the message of a job that was cancelled until its handler ends, whatever that calls', async () => {
    const queue = aQueue({ track: true });
    const { begun, end, stop } = await aWarmWorker(queue);
    const { keys } = aBroker(queue.name);
    const job = await queue.put('a');
    await until(() => begun.length === 1);
    await job.cancel();
    await expect(begun[0]!.progress(0.5)).rejects.toThrow(JobCancelledError);
    await expect(begun[0]!.log('line')).rejects.toThrow(JobCancelledError);
    expect(await redis().pttl(keys.job(job.id))).toBe(-1);
    expect(await redis().hexists(keys.jobClaims, job.id)).toBe(1);
    end();
    await until(async () => (await redis().pttl(keys.job(job.id))) > 0);
    expect(await redis().hlen(keys.jobClaims)).toBe(0);
    await stop();
  });

  it('makes a record anew that is gone, with progress and result', async () => {
    const queue = aQueue({ track: { keep: '1m' } });
    const { begun, end, stop } = await aWarmWorker(queue);
    const { keys } = aBroker(queue.name);
    const [silent, spoken] = [await queue.put('a'), await queue.put('b')];
    await until(() => begun.length === 1);
    const putAt = begun[0]!.putAt;
    await redis().del(keys.job(silent.id));
    end('first');
    await until(() => begun.length === 2);
    await redis().del(keys.job(spoken.id));
    await begun[1]!.progress(0.5);
    await begun[1]!.log('line');
    expect(await spoken.fetch()).toMatchObject({ status: 'running', progress: 0.5, log: ['line'] });
    await redis().del(keys.job(spoken.id));
    await expect(begun[1]!.progress(0.6)).rejects.toThrow(JobCancelledError);
    expect(await redis().exists(keys.job(spoken.id))).toBe(0);
    end('second');
    expect(await spoken.result({ timeout: '10s' })).toBe('second');
    expect(await silent.fetch()).toMatchObject({ status: 'done', result: 'first', attempts: 1, putAt });
    expect(await redis().pttl(keys.job(silent.id))).toBeLessThanOrEqual(60_000);
    await stop();
  });

  it('makes a record anew when somebody asks for a running job', async () => {
    const queue = aQueue({ track: { keep: '1m' } });
    const { begun, end, stop } = await aWarmWorker(queue);
    const { keys } = aBroker(queue.name);
    const [first, second] = [await queue.put('a'), await queue.put('b')];
    await until(() => begun.length === 1);
    await redis().del(keys.job(first.id));
    const { putAt } = first;
    expect(await first.fetch()).toMatchObject({ status: 'running', attempts: 1, putAt });
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 0, running: 2 }); // the second was taken as well
    end('first');
    expect(await first.result({ timeout: '10s' })).toBe('first');
    expect(await redis().pttl(keys.job(first.id))).toBeLessThanOrEqual(60_000);

    await until(() => begun.length === 2);
    await redis().del(keys.job(second.id));
    expect(await second.cancel()).toBe(true);
    await until(() => begun[1]!.signal.reason instanceof JobCancelledError);
    end('second');
    await until(async () => (await redis().pttl(keys.job(second.id))) >= 0);
    expect(await second.status()).toBe('cancelled');
    await stop();
  });

  it('completes with progress a record that was made anew', async () => {
    const queue = aQueue({ track: { keep: '1m' } });
    const { begun, end, stop } = await aWarmWorker(queue);
    const { keys } = aBroker(queue.name);
    const job = await queue.put('a');
    await until(() => begun.length === 1);
    await redis().del(keys.job(job.id));
    expect(await job.status()).toBe('running');
    await begun[0]!.progress(0.5);
    expect(await redis().hget(keys.job(job.id), 'terms')).toMatch(/^60000 /);
    end();
    await stop();
  });

  it('keeps progress and log of a job that has just begun', async () => {
    const queue = aQueue({ track: true });
    const runner = start(
      queue.worker(async (payload, job) => {
        await job.progress({ at: payload });
        await job.log('first');
        await job.log('second');
      }),
    );
    for (const payload of ['warm', 'a']) {
      const job = await queue.put(payload);
      await job.result({ timeout: '10s' });
      expect(await job.fetch()).toMatchObject({ progress: { at: payload }, log: ['first', 'second'], attempts: 1 });
    }
    await runner.stop();
  });

  it('notes each attempt', async () => {
    const queue = aQueue({ track: true, attempts: 3, backoff: 1 });
    const runner = start(
      queue.worker((payload, job) => {
        if (payload === 'bad' && job.attempt < 3) throw new Error(`no ${job.attempt}`);
        return job.attempt;
      }),
    );
    await (await queue.put('warm')).result({ timeout: '10s' });
    const job = await queue.with({ unique: 'k' }).put('bad');
    expect(await job.result({ timeout: '10s' })).toBe(3);
    expect(await job.fetch()).toMatchObject({ attempts: 3, failures: [{ attempt: 1 }, { attempt: 2 }] });
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 0, retrying: 0, running: 0, done: 2 });
    await (await queue.with({ unique: 'l' }).put('good')).result({ timeout: '10s' });
    expect(await redis().hlen(aBroker(queue.name).keys.unique)).toBe(0);
    await runner.stop();
  });
});

describe('records', () => {
  const settled = (broker: Broker, worker: string, number: number, jobs: readonly Job[]) =>
    broker.jobs.settle(
      worker,
      jobs.map(({ id }, place) => ({
        ...{ take: { number }, index: place + 1, id, isTracked: true, putAt: 1, run: '1 1 w' },
        words: ['done', '1'],
      })),
      keep,
      at,
    );

  it('of jobs that have ended together leave their index together, others with their own time', async () => {
    const queue = aQueue({ track: { keep: 1 } });
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    const { keys } = broker;
    const expiring = async () =>
      (await redis().zrange(keys.jobIndexes[8]!, 0, '-1')).filter((entry) => !entry.startsWith('.'));
    const together = await queue.putAll([1, 2, 3]);
    await taking(broker, worker, 1);
    await settled(broker, worker, 1, together);
    expect(await expiring()).toEqual([expect.stringMatching(/^done \d{13}$/)]);
    const mixed = [await queue.put(4), await queue.with({ track: { keep: '1h' } }).put(5)];
    await taking(broker, worker, 2);
    await settled(broker, worker, 2, mixed);
    expect((await expiring()).slice(-2).sort()).toEqual(mixed.map(({ id }) => id).sort());
    await until(async () => (await redis().exists(keys.job(mixed[0]!.id))) === 0);
    const last = await queue.with({ track: { keep: '1h' } }).put(6);
    await taking(broker, worker, 3);
    await settled(broker, worker, 3, [last]);
    const done = await redis().zrangebyscore(keys.jobIndex('done'), '(-inf', '+inf');
    expect(done.sort()).toEqual([mixed[1]!.id, last.id].sort());
    expect((await expiring()).sort()).toEqual([mixed[1]!.id, last.id].sort());
  });

  it('of jobs that have an entry of their own stay in the index when others of the same instant leave it', async () => {
    const queue = aQueue({ track: { keep: '1h' } });
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    const { keys } = broker;
    const [own, same] = ['own', 'same'];
    await redis().zadd(keys.jobIndex('done'), 5, own, 5, same, 6, 'later');
    await redis().zadd(keys.jobIndexes[8]!, 9_999_999_999_999, own, 7, 'done 5');
    const job = await queue.put(1);
    await taking(broker, worker, 1);
    await settled(broker, worker, 1, [job]);
    const done = await redis().zrangebyscore(keys.jobIndex('done'), '(-inf', '+inf');
    expect(done.sort()).toEqual([own, 'later', job.id].sort());
  });

  it('that nobody needs to check are forgotten, and claims of jobs that are gone', async () => {
    const queue = aQueue({ track: true });
    const broker = aBroker(queue.name);
    const { keys } = broker;
    const [open, gone] = [await queue.put('a'), await queue.put('b')];
    await redis().del(keys.job(gone.id));
    await redis().sadd(keys.jobsToCheck, open.id, gone.id, 'never');
    await redis().hset(keys.jobClaims, { unknown: 'w.1.1 5 1 w', [open.id]: 'w.1.2 5 1 w' });
    const maintained = { name: queue.name, broker, events: queue.events } as never;
    const nothing = (): undefined => undefined;
    await new Sweeper(broker, new Recoverer(maintained, nothing, nothing)).sweep();
    await until(async () => (await redis().scard(keys.jobsToCheck)) === 1);
    expect(await redis().smembers(keys.jobsToCheck)).toEqual([open.id]);
    expect(await redis().hlen(keys.jobClaims)).toBe(0);
    expect(await open.status()).toBe('waiting');
  });

  it('of a revived job leave the index of failed ones, also if a worker was faster than the call that changes the record', async () => {
    const queue = aQueue({ track: true });
    const broker = aBroker(queue.name);
    const { keys } = broker;
    const worker = await aWorker(broker);
    const jobs = [await queue.put('a'), await queue.put('b')];
    for (const [index, status] of (['failed', 'expired'] as const).entries()) {
      await redis().hset(keys.job(jobs[index]!.id), 'status', status);
      await redis().zrem(keys.jobIndex('waiting'), jobs[index]!.id);
      await redis().zadd(keys.jobIndex(status), 5, jobs[index]!.id);
    }
    await taking(broker, worker, 1);
    await settled(broker, worker, 1, jobs);
    expect(await queue.jobs.counts()).toMatchObject({ failed: 0, expired: 0, done: 2 });
  });

  it('of a cancelled job expire when its message was buried, and not for an older dead letter', async () => {
    const queue = aQueue({ track: true });
    const broker = aBroker(queue.name);
    const { keys } = broker;
    const job = await queue.put('a');
    await job.cancel();
    await redis().hset(keys.deadMessages, job.id, `{"reason":"a crash"}\n#${job.id} 0 3 j=1\n"a"`);
    await redis().zadd(keys.dead, job.putAt - 60_000, job.id);
    expect(await job.status()).toBe('cancelled');
    expect(await redis().pttl(keys.job(job.id))).toBe(-1);
    expect(await redis().scard(keys.jobsToCheck)).toBe(1);
    await redis().zadd(keys.dead, job.putAt + 60_000, job.id);
    expect(await job.status()).toBe('cancelled');
    expect(await redis().pttl(keys.job(job.id))).toBeGreaterThan(0);
    expect(await redis().zscore(keys.jobIndexes[8]!, job.id)).not.toBeNull();
    expect(await redis().scard(keys.jobsToCheck)).toBe(0);
  });

  it('that had ended do not expire while their jobs are tried again', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const broker = aBroker(queue.name);
    const { keys } = broker;
    const worker = await aWorker(broker);
    await redis().hset(keys.job(job.id), 'status', 'failed');
    await redis().pexpire(keys.job(job.id), 60_000);
    await redis().zadd(keys.jobIndexes[8]!, 5, job.id);
    await taking(broker, worker, 1);
    const retry = {
      ...{ take: { number: 1 }, index: 1, id: job.id, isTracked: true, putAt: 1, run: '1 1 w' },
      words: ['retry', 'b', 60_000, `#${job.id} 1 0 j=1\n"a"`, '{}'],
    };
    await broker.jobs.settle(worker, [retry], keep, at);
    expect(await redis().pttl(keys.job(job.id))).toBe(-1);
    expect(await redis().zscore(keys.jobIndexes[8]!, job.id)).toBeNull();
    expect(await job.status()).toBe('retrying');
  });

  // The embedded engine has no OBJECT.
  it.skipIf(serverKind() === 'engine')('are in sorted sets that stay skip lists', async () => {
    const queue = aQueue({ track: true });
    const broker = aBroker(queue.name);
    const worker = await aWorker(broker);
    const job = await queue.put(1);
    expect(await redis().object('ENCODING', broker.keys.jobIndex('waiting'))).toBe('skiplist');
    await taking(broker, worker, 1);
    await settled(broker, worker, 1, [job]);
    expect(await redis().object('ENCODING', broker.keys.jobIndex('waiting'))).toBe('skiplist');
    await redis().zadd(broker.keys.jobIndexes[8]!, 1, 'gone');
    await redis().zadd(broker.keys.jobIndex('done'), 1, 'gone');
    const next = await queue.put(2);
    await taking(broker, worker, 2);
    await settled(broker, worker, 2, [next]);
    expect(await redis().zcount(broker.keys.jobIndex('done'), '-inf', '-inf')).toBe(1);
    const own = await redis().zrange(broker.keys.jobIndexes[8]!, 0, '-1');
    expect(own.filter((entry) => entry.startsWith('.'))).toHaveLength(1);
    expect(await queue.jobs.counts()).toMatchObject({ waiting: 0, running: 0, done: 2 });
  });
});
