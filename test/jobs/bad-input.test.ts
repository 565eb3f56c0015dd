/** What cannot work with tracked jobs is a clear error, and loses nothing. */
import { IsInt, IsString } from 'class-validator';
import { describe, expect, it } from 'vitest';
import {
  HotQueue,
  InvalidOptionError,
  InvalidPayloadError,
  JobFailedError,
  NotAQueueError,
  NotSerializableError,
  NotTrackedError,
  QueueClosedError,
  RedisUnreachableError,
  ResultGoneError,
  ResultTimeoutError,
  start,
  type Delivery,
  type QueueOptions,
} from 'hotqueue';
import { until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

class Bare {
  words!: number;
}

const refusals: [string, QueueOptions & { result?: unknown }, string][] = [
  ['a result class without rules', { result: Bare }, 'invalid result Bare: it has no class'],
  ['a result that is no class', { result: 5 }, 'invalid result 5'],
  ['a keep of 0', { track: { keep: 0 } }, 'invalid track.keep 0'],
  ['a keep that is no duration', { track: { keep: 'soon' as '1s' } }, 'invalid track.keep "soon"'],
  ['an unknown option of track', { track: { keeps: '1m' } as object }, 'unknown option "keeps"'],
  ['a track that is no option', { track: 'yes' as never }, 'invalid track "yes"'],
  ['a maxResult of 0', { track: { maxResult: 0 } }, 'invalid track.maxResult 0'],
  ['a unique key that is no text', { unique: 5 as never }, 'invalid unique 5'],
  ['an empty unique key', { unique: '' }, 'invalid unique'],
  ['a unique key that is too long', { unique: 'x'.repeat(257) }, 'invalid unique'],
  ['until without unique', { until: 'started' }, 'option until has no effect without unique'],
  ['replace without unique', { replace: true }, 'option replace has no effect without unique'],
  ['another until', { unique: 'k', until: 'end' as 'done' }, 'invalid until "end"'],
  ['tracking of bare messages', { track: true, wire: 'plain' }, "option track cannot be used with wire: 'plain'"],
  ['unique bare messages', { unique: 'k', wire: 'plain' }, "option unique cannot be used with wire: 'plain'"],
  ['too many waits', { backoff: Array.from({ length: 40 }, () => '1h' as const) }, 'invalid backoff of 40 durations'],
  ['no wait', { backoff: [] }, 'invalid backoff []'],
];

it.each(refusals)('a queue refuses %s', (_, options, says) => {
  const make = (): unknown => new HotQueue(aName(), { url: redisUrl(), ...options } as QueueOptions);
  expect(make).toThrow(InvalidOptionError);
  expect(make).toThrow(says);
});

it.each(refusals.filter(([, options]) => !('result' in options) && !('wire' in options)))(
  'with refuses %s',
  (_, options, says) => {
    expect(() => aQueue().with(options as object)).toThrow(says);
  },
);

describe('put', () => {
  it('refuses a unique function that throws, or returns no key, and stores nothing', async () => {
    const queue = aQueue();
    const put = (unique: () => unknown): Promise<unknown> => queue.with({ unique: unique as () => string }).put(1);
    const thrown = put(() => {
      throw new RangeError('no key');
    });
    await expect(thrown).rejects.toThrow(InvalidOptionError);
    await expect(thrown).rejects.toMatchObject({ cause: new RangeError('no key') });
    for (const key of [undefined, 5, '', 'x'.repeat(300), Promise.resolve('k')])
      await expect(put(() => key)).rejects.toThrow(/invalid unique/);
    expect(await queue.size()).toBe(0);
  });

  it('refuses one unique key for several messages', async () => {
    const queue = aQueue();
    await expect(queue.with({ unique: 'k' }).put(1, 2)).rejects.toThrow('several messages cannot share one unique key');
    await expect(queue.with({ unique: 'k' }).putAll([1, 2])).rejects.toThrow(InvalidOptionError);
    expect(await queue.size()).toBe(0);
  });
});

describe('a handler', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  it.each<[string, unknown]>([
    ['a BigInt', 1n],
    ['a function', () => 1],
    ['a circular object', circular],
    ['a Map', new Map()],
    ['NaN', NaN],
    ['an object with undefined inside an array', { list: [undefined] }],
  ])('that returns %s has failed', async (_, result) => {
    const queue = aQueue({ track: true, attempts: 1 });
    const runner = start(queue.worker(() => result));
    const job = await queue.put('a');
    const error: unknown = await job.result({ timeout: '10s' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(JobFailedError);
    expect(error).toMatchObject({ cause: { name: 'InvalidResultError', code: 'INVALID_RESULT' } });
    expect(await queue.dead.size()).toBe(1);
    await runner.stop();
  });

  it('that returns what the class refuses has failed, and the error names the field', async () => {
    class Count {
      @IsInt() words!: number;
      @IsString() url!: string;
    }
    const queue = new HotQueue(aName(), { url: redisUrl(), logger: false, result: Count, attempts: 1 });
    const handle = (() => ({ words: 1.5, url: 'a', more: 1 })) as unknown as () => Count;
    const runner = start(queue.worker(handle));
    const job = await queue.put('a');
    await expect(job.result({ timeout: '10s' })).rejects.toThrow(/more|words/);
    await runner.stop();
    await queue.close();
  });

  it('that returns more than maxResult has failed', async () => {
    const queue = aQueue({ track: { maxResult: 10 }, attempts: 1 });
    const runner = start(queue.worker((length) => 'ä'.repeat(length as number)));
    const [small, large] = [await queue.put(4), await queue.put(5)];
    expect(await small.result({ timeout: '10s' })).toBe('ääää');
    const error: unknown = await large.result({ timeout: '10s' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ cause: { code: 'RESULT_TOO_LARGE' } });
    await runner.stop();
  });

  it('of an untracked message may return what it likes, and cannot report progress', async () => {
    const queue = aQueue({ attempts: 1 });
    const errors: unknown[] = [];
    const runner = start(
      queue.worker(async (_, job) => {
        errors.push(await job.progress(1).catch((error: unknown) => error));
        errors.push(await job.log('x').catch((error: unknown) => error));
        return 1n;
      }),
    );
    await queue.put('a');
    await queue.drained();
    expect(errors).toEqual([expect.any(NotTrackedError), expect.any(NotTrackedError)]);
    expect(await queue.dead.size()).toBe(0);
    await runner.stop();
  });

  it('that reports what is no JSON, or is too large, gets an error', async () => {
    const queue = aQueue({ track: true });
    const errors: unknown[] = [];
    const runner = start(
      queue.worker(async (_, job) => {
        for (const value of [1n, undefined, () => 1, 'x'.repeat(70_000)])
          errors.push(await job.progress(value).catch((error: unknown) => error));
        await job.log('x'.repeat(10_000));
        await job.log('a\nb');
        for (let line = 0; line < 120; line++) await job.log(`line ${line}`);
      }),
    );
    const job = await queue.put('a');
    await job.result({ timeout: '20s' });
    expect(errors).toEqual([
      expect.any(NotSerializableError),
      expect.any(NotSerializableError),
      expect.any(NotSerializableError),
      expect.any(InvalidPayloadError),
    ]);
    const record = await job.fetch();
    expect(record?.lines).toBe(122);
    expect(record?.log).toHaveLength(100);
    expect(record?.log.at(-1)).toBe('line 119');
    expect(record?.log[0]).toBe('line 20');
    await runner.stop();
  });

  it('refuses next after it has settled its message, and for what is no queue', async () => {
    const queue = aQueue({ attempts: 1 });
    const errors: unknown[] = [];
    const runner = start(
      queue.worker(async (_, job) => {
        for (const other of [undefined, null, 5, {}])
          errors.push(await job.next(other as never, 1).catch((error: unknown) => error));
        await job.ack();
        errors.push(await job.next(queue, 1).catch((error: unknown) => error));
      }),
    );
    await queue.put('a');
    await until(() => errors.length === 5);
    expect(errors.slice(0, 4).every((error) => error instanceof NotAQueueError)).toBe(true);
    expect(errors[4]).toMatchObject({ code: 'ALREADY_SETTLED' });
    await runner.stop();
  });
});

describe('a job', () => {
  it('of an unknown id, or of another queue, is gone', async () => {
    const [queue, other] = [aQueue({ track: true }), aQueue({ track: true })];
    const { id } = await other.put('a');
    for (const job of [queue.job('unknown'), queue.job(id)]) {
      expect(await job.status()).toBeUndefined();
      expect(await job.fetch()).toBeUndefined();
      expect(await job.cancel()).toBe(false);
      await expect(job.result()).rejects.toThrow(ResultGoneError);
      await expect(job.watch().next()).rejects.toThrow(ResultGoneError);
    }
    for (const bad of [undefined, null, 5, '', {}]) expect(() => queue.job(bad as string)).toThrow(InvalidOptionError);
  });

  it('that is not tracked says so in each method', async () => {
    const job = await aQueue({ track: true }).with({ track: false }).put('a');
    for (const call of [() => job.result(), () => job.status(), () => job.fetch(), () => job.cancel()])
      await expect(call()).rejects.toThrow(NotTrackedError);
    expect(() => job.watch()).toThrow(NotTrackedError);
  });

  it('refuses wrong options of result', async () => {
    const job = await aQueue({ track: true }).put('a');
    await expect(job.result({ timeout: -1 })).rejects.toThrow(InvalidOptionError);
    await expect(job.result({ timeout: 'soon' as '1s' })).rejects.toThrow(InvalidOptionError);
    await expect(job.result({ timout: '1s' } as object)).rejects.toThrow('did you mean "timeout"?');
    await expect(job.result({ signal: {} as AbortSignal })).rejects.toThrow(InvalidOptionError);
    await expect(job.result({ timeout: 0 })).rejects.toThrow(ResultTimeoutError);
    await expect(job.result({ timeout: '50ms' })).rejects.toMatchObject({ status: 'waiting', timeoutMs: 50 });
    await expect(job.result({ signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left');
    const leaving = new AbortController();
    const waiting = job.result({ signal: leaving.signal, timeout: '10s' });
    leaving.abort(new Error('left later'));
    await expect(waiting).rejects.toThrow('left later');
  });

  it('may be asked twice, and gives the same result', async () => {
    const queue = aQueue({ track: true });
    const runner = start(queue.worker(() => ({ n: 1 })));
    const job = await queue.put('a');
    expect(await Promise.all([job.result(), job.result(), queue.job(job.id).result()])).toEqual([
      { n: 1 },
      { n: 1 },
      { n: 1 },
    ]);
    expect(await job.result()).toEqual({ n: 1 });
    await runner.stop();
  });

  it('of a closed queue refuses, and a wait ends when its queue closes', async () => {
    const queue = aQueue({ track: true });
    const job = await queue.put('a');
    const waiting = job.result();
    const watching = (async () => {
      for await (const step of job.watch()) void step;
    })();
    const ends = [
      expect(waiting).rejects.toThrow(QueueClosedError),
      expect(watching).rejects.toThrow(QueueClosedError),
    ];
    await until(async () => (await redis().pubsub('NUMSUB', `{${queue.key}}:job:${job.id}`))[1] === 1);
    await queue.close();
    await Promise.all(ends);
    for (const call of [() => job.result(), () => job.status(), () => job.fetch(), () => job.cancel()])
      await expect(call()).rejects.toThrow(QueueClosedError);
    expect(() => job.watch()).toThrow(QueueClosedError);
    await expect(queue.jobs.counts()).rejects.toThrow(QueueClosedError);
  });

  it('whose Redis is away: result() waits until its timeout', async () => {
    const queue = new HotQueue(aName(), { url: 'redis://127.0.0.1:1', track: true, logger: false });
    const handle = queue.job('any');
    await expect(handle.result({ timeout: '300ms' })).rejects.toThrow(ResultTimeoutError);
    await expect(handle.status()).rejects.toThrow(RedisUnreachableError);
    await queue.close();
  });
});

it('list refuses a wrong status and a wrong cursor', async () => {
  const { jobs } = aQueue({ track: true });
  await expect(jobs.list({} as { status: 'done' })).rejects.toThrow('missing status');
  await expect(jobs.list({ status: 'dead' as 'done' })).rejects.toThrow('invalid status "dead"');
  for (const cursor of ['x', ':', 'x:y'])
    await expect(jobs.list({ status: 'done', cursor })).rejects.toThrow('invalid cursor');
  await expect(jobs.list({ status: 'done', limit: 0 })).rejects.toThrow(InvalidOptionError);
});

it('a bare message of another program on a tracked queue is handled, without a job', async () => {
  const queue = aQueue({ track: true });
  const seen: unknown[] = [];
  await redis().rpush(queue.key, '"bare"');
  const runner = start(queue.worker((payload, job: Delivery) => void seen.push([payload, job.attempt])));
  await queue.drained();
  expect(seen).toEqual([['bare', 1]]);
  expect(await queue.jobs.counts()).toMatchObject({ done: 0 });
  await runner.stop();
});
