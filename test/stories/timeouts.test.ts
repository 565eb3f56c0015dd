import { describe, expect, it } from 'vitest';
import { Bury, type Delivery, start, TimedOutError, type HotQueue } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';

const letters = (queue: HotQueue, count = 1) =>
  until(
    () => queue.dead.list(),
    ({ length }) => length === count,
  );
const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  );

describe('a timeout', () => {
  it('aborts the signal with TIMED_OUT, counts as a failure, and the message is retried', async () => {
    const queue = aQueue();
    const reasons: unknown[] = [];
    const { id } = await queue.put('slow');
    const runner = start(
      queue.worker(
        async (_item, job) => {
          job.signal.addEventListener('abort', () => reasons.push(job.signal.reason));
          await aborted(job.signal);
        },
        { timeout: 20, attempts: 2, backoff: 1 },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter).toMatchObject({
      id,
      attempts: 2,
      reason: 'failed 2 of 2 attempts',
      error: { name: 'TimedOutError', message: expect.stringContaining('longer than 20 ms') as string },
    });
    expect(letter!.failures).toHaveLength(2);
    expect(reasons).toHaveLength(2);
    expect(reasons[0]).toBeInstanceOf(TimedOutError);
    expect(reasons[0]).toMatchObject({ code: 'TIMED_OUT', queue: queue.name, id, timeoutMs: 20 });
  });

  it('is passed to retryIf', async () => {
    const queue = aQueue();
    await queue.put('slow');
    const runner = start(
      queue.worker((_item, job) => aborted(job.signal), {
        timeout: 10,
        attempts: 9,
        retryIf: (error) => !(error instanceof TimedOutError),
      }),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.attempts).toBe(1);
  });

  it('does not affect a handler that is in time, and does not keep the process alive', async () => {
    const queue = aQueue();
    const done = latch<Delivery>();
    queue.events.on('ack', () => done.open(job!));
    let job: Delivery | undefined;
    await queue.put('quick');
    const runner = start(queue.worker((_item, given) => void (job = given), { timeout: '1h' }));
    expect((await done).signal.aborted).toBe(false);
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, dead: 0 });
  });

  it('frees the slot of a handler that ignores its signal; the late end of the handler settles nothing', async () => {
    const queue = aQueue();
    const hold = latch();
    const jobs: Delivery[] = [];
    const seen: unknown[] = [];
    await queue.put('deaf', 'next');
    const runner = start(
      queue.worker(
        async (item, job) => {
          seen.push(item);
          if (item === 'next') return;
          jobs.push(job);
          if (jobs.length === 1) await hold;
        },
        { timeout: 10, attempts: 3, backoff: 1 },
      ),
    );
    await until(() => jobs.length === 2 && seen.includes('next'));
    await until(
      () => queue.counts(),
      ({ waiting, active, delayed }) => waiting + active + delayed === 0,
    );
    await expect(jobs[0]!.ack()).rejects.toMatchObject({ code: 'ALREADY_SETTLED', settled: 'retry' });
    hold.open();
    await runner.stop();
    expect(jobs.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0 });
  });

  it('waits for a handler that reacts to its signal, so that no second run starts before it has ended', async () => {
    const queue = aQueue();
    let running = 0;
    let most = 0;
    await queue.put('tidy');
    const runner = start(
      queue.worker(
        async (_item, job) => {
          most = Math.max(most, (running += 1));
          await aborted(job.signal).catch(() => undefined);
          await new Promise((resolve) => setTimeout(resolve, 60)); // cleans up
          running -= 1;
        },
        { timeout: 10, attempts: 3, backoff: 0, concurrency: 4 },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.attempts).toBe(3);
    expect(most).toBe(1);
  });

  it('does not override a verdict that the handler throws', async () => {
    const queue = aQueue();
    await queue.put('slow');
    const runner = start(
      queue.worker(
        async (_item, job) => {
          await aborted(job.signal).catch(() => {
            throw new Bury('too large to resize');
          });
        },
        { timeout: 10, attempts: 9 },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter).toMatchObject({ reason: 'too large to resize', attempts: 1 });
  });

  it("of a message overrides the worker's; that of a queue is stored with each message that has none", async () => {
    const queue = aQueue({ timeout: '90s', attempts: 1 });
    const { id } = await queue.with({ timeout: 15 }).put('a');
    expect(await redis().lrange(queue.key, 0, -1)).toEqual([`#${id} 0 0 a=1 t=15\n"a"`]);
    await queue.put('b');
    expect((await redis().lrange(queue.key, 0, -1))[1]).toMatch(/ a=1 t=90000\n"b"$/);
    const runner = start(
      queue.worker((item, job) => (item === 'a' ? aborted(job.signal) : undefined), { timeout: '1h' }),
    );
    const [letter] = await letters(queue);
    await until(
      () => queue.counts(),
      ({ waiting, active }) => waiting + active === 0,
    );
    await runner.stop();
    expect(letter).toMatchObject({ id, error: { message: expect.stringContaining('longer than 15 ms') as string } });
  });
});

/** Unix ms. */
async function serverTime(): Promise<number> {
  const [seconds, micros] = await redis().time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

describe('a ttl', () => {
  it('is stored in the message as the time at which it expires', async () => {
    const queue = aQueue();
    const before = await serverTime();
    const { id } = await queue.with({ ttl: '10m' }).put('x');
    const after = await serverTime();
    const [message] = await redis().lrange(queue.key, 0, -1);
    expect(message).toMatch(new RegExp(`^#${id} 0 0 x=\\d+\n"x"$`));
    const expiresAt = Number(/x=(\d+)/.exec(message!)![1]);
    expect(expiresAt).toBeGreaterThanOrEqual(before + 600_000);
    expect(expiresAt).toBeLessThanOrEqual(after + 600_000);
  });

  it('does not affect a message that is taken before it expires', async () => {
    const queue = aQueue({ ttl: '1h' });
    await queue.put('x');
    expect(await queue.get()).toBe('x');
  });

  it('buries an expired message with its bytes, without a call of the handler, and the worker continues', async () => {
    const queue = aQueue();
    const seen: unknown[] = [];
    const { id, putAt } = await queue.with({ ttl: 1 }).put('late');
    await queue.put('fresh');
    await until(() => Date.now() > putAt + 1);
    const runner = start(queue.worker((item) => void seen.push(item)));
    const [letter] = await letters(queue);
    await until(() => seen.length > 0);
    await runner.stop();
    expect(seen).toEqual(['fresh']);
    expect(letter).toMatchObject({
      id,
      reason: 'expired',
      attempts: 0,
      error: undefined,
      failures: [],
      text: '"late"',
    });
  });

  it('also applies to get() and consume()', async () => {
    const queue = aQueue();
    const { putAt } = await queue.with({ ttl: 1 }).put('late');
    await queue.put('fresh');
    await until(() => Date.now() > putAt + 1);
    expect(await queue.get()).toBe('fresh');
    expect(await queue.dead.list()).toMatchObject([{ reason: 'expired' }]);
  });

  it('also applies to retries: a message that expires before its next attempt is not handled again', async () => {
    const queue = aQueue();
    let runs = 0;
    await queue.with({ ttl: 40 }).put('x');
    const runner = start(
      queue.worker(
        () => {
          runs += 1;
          throw new Error('once');
        },
        { attempts: 9, backoff: [100] },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter).toMatchObject({ reason: 'expired', attempts: runs });
    expect(letter!.failures).toHaveLength(runs);
  });

  it('of a delayed message starts when it is due', async () => {
    const queue = aQueue();
    const { id, putAt } = await queue.with({ delay: '1h', ttl: '10m' }).put('later');
    const [message] = await redis().hvals(`{${queue.key}}:delayed:messages`);
    const dueAt = Number(await redis().zscore(`{${queue.key}}:delayed`, id));
    expect(message).toBe(`b#${id} 0 0 x=${dueAt + 600_000} d=${putAt + 3_600_000}\n"later"`);
    const at = new Date(putAt + 7_200_000);
    const timed = await queue.with({ at, ttl: '10m' }).put('then');
    expect(await redis().hvals(`{${queue.key}}:delayed:messages`)).toContain(
      `b#${timed.id} 0 0 x=${at.getTime() + 600_000} d=${at.getTime()}\n"then"`,
    );
  });
});

describe('bad input', () => {
  it.each([
    ['timeout', 0, 'invalid timeout 0: expected at least 1 ms'],
    ['timeout', 'soon', 'invalid timeout "soon": expected a duration'],
    ['ttl', 0, 'invalid ttl 0: expected at least 1 ms'],
    ['ttl', '-1s', 'invalid ttl "-1s": expected a duration'],
    ['ttl', new Date(), 'expected a duration'],
  ])('%s: %j is refused, by a queue and by with()', (option, value, sentence) => {
    expect(() => aQueue({ [option]: value })).toThrow(sentence);
    expect(() => aQueue().with({ [option]: value })).toThrow(sentence);
  });

  it('is refused on a plain queue, because its messages carry no options', () => {
    expect(() => aQueue({ wire: 'plain', timeout: 1 })).toThrow('Set it on @worker instead');
    expect(() => aQueue({ wire: 'plain' }).with({ ttl: 1 })).toThrow(
      "option ttl has no effect with wire: 'plain': messages carry no options",
    );
  });
});
