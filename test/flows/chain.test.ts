/** Chains and groups. */
import 'reflect-metadata';
import { IsArray, IsInt } from 'class-validator';
import { expect, it } from 'vitest';
import { chain, group, start, type Task } from 'hotqueue';
import { refOf, refText } from '../../src/jobs/job-ref.js';
import { lookAtBlocked } from '../../src/jobs/look-at-blocked.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { endLease } from '../support/takes.js';
import { until } from '../support/facts.js';

it('a chain: each step gets the result of the one before', async () => {
  const [one, two, three] = [aQueue(), aQueue(), aQueue()];
  const runner = start([
    one.worker((n) => Number(n) + 1),
    two.worker((n) => ({ doubled: Number(n) * 2 })),
    three.worker((payload) => ({ got: payload })),
  ]);
  const flow = await chain(one.task(20), two.task(), three.task());
  expect(await flow.result({ timeout: '10s' })).toEqual({ got: { doubled: 42 } });
  expect(await flow.status()).toMatchObject({ done: 3, delayed: 0 });
  await runner.stop();
});

it('a step may have its own payload, and options', async () => {
  const queue = aQueue();
  const seen: unknown[] = [];
  const runner = start(queue.worker((payload, job) => void seen.push([payload, job.attempt])));
  const flow = await chain(queue.task('a'), queue.task('b', { priority: 'high' }), queue.task('c', { delay: '10ms' }));
  await flow.result({ timeout: '10s' });
  await runner.stop();
  expect(seen).toEqual([
    ['a', 1],
    ['b', 1],
    ['c', 1],
  ]);
});

it('a step whose payload the class refuses is buried, and the rest is cancelled', async () => {
  class Count {
    @IsInt() n!: number;
  }
  const [first, second, third] = [aQueue(), aQueue({ payload: Count }), aQueue()];
  const runner = start([first.worker(() => ({ n: 'x' })), second.worker(() => 1), third.worker(() => 2)]);
  const flow = await chain(first.task(1), second.task(), third.task());
  await expect(flow.result({ timeout: '10s' })).rejects.toMatchObject({
    code: 'JOB_CANCELLED',
    cause: { code: 'JOB_FAILED', queue: second.name },
  });
  await runner.stop();
});

it('a group without then has all results, in order', async () => {
  const queue = aQueue();
  const runner = start(queue.worker((n) => Number(n) * 10, { concurrency: 3 }));
  const flow = await group([1, 2, 3].map((n) => queue.task(n)));
  expect(await flow.result({ timeout: '10s' })).toEqual([10, 20, 30]);
  await runner.stop();
});

it('map-reduce: then gets the results of all', async () => {
  class Parts {
    @IsArray() @IsInt({ each: true }) parts!: number[];
  }
  void Parts;
  const [counts, sums] = [aQueue(), aQueue()];
  const runner = start([
    counts.worker((text) => String(text).split(' ').length, { concurrency: 5 }),
    sums.worker((parts) => (parts as number[]).reduce((sum, part) => sum + part, 0)),
  ]);
  const flow = await group(
    ['a b', 'c', 'd e f'].map((text) => counts.task(text)),
    { then: sums.task() },
  );
  expect(await flow.result({ timeout: '10s' })).toBe(6);
  expect(flow.jobs).toHaveLength(4);
  await runner.stop();
});

it("onFailure: 'run': then gets null for what failed", async () => {
  const [parts, sums] = [aQueue({ attempts: 1 }), aQueue()];
  const runner = start([
    parts.worker((n) => {
      if (n === 2) throw new Error('no');
      return n;
    }),
    sums.worker((all) => all),
  ]);
  const flow = await group(
    [1, 2, 3].map((n) => parts.task(n)),
    { then: sums.task(), onFailure: 'run' },
  );
  expect(await flow.result({ timeout: '10s' })).toEqual([1, null, 3]);
  await runner.stop();
});

it('cancel ends all that has not ended; watch tells it', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1), queue.task(), queue.task());
  expect(await flow.status()).toMatchObject({ waiting: 1, delayed: 2 });
  const seen: object[] = [];
  const watching = (async () => {
    for await (const counts of flow.watch()) seen.push(counts);
  })();
  await until(() => seen.length);
  expect(await flow.cancel()).toBe(3);
  await watching;
  expect(seen.at(-1)).toMatchObject({ cancelled: 3, waiting: 0, delayed: 0 });
});

it('a picture of it, as text and as Mermaid', async () => {
  const [parts, sums] = [aQueue({ name: 'parts-picture' }), aQueue({ name: 'sums-picture' })];
  const flow = await group([parts.task(1), parts.task(2)], { then: sums.task() });
  const ids = flow.jobs.map(({ id }) => id);
  expect((await flow.picture()).split('\n')).toEqual([
    `parts-picture   ${ids[0]}  waiting`,
    `parts-picture   ${ids[1]}  waiting`,
    `  sums-picture  ${ids[2]}  delayed, after 2 jobs`,
  ]);
  expect((await flow.picture('mermaid')).split('\n')).toEqual([
    'graph TD',
    `  j0["parts-picture<br>${ids[0]}<br>waiting"]`,
    `  j1["parts-picture<br>${ids[1]}<br>waiting"]`,
    `  j2["sums-picture<br>${ids[2]}<br>delayed"]`,
    '  j0 --> j2',
    '  j1 --> j2',
  ]);
  await flow.cancel();
  await parts.clear();
});

it('chain and group refuse no task, a first task without a payload, what is no task, and unknown options: nothing is put', async () => {
  const queue = aQueue();
  const none = [] as unknown as [Task];
  await expect(chain(...none)).rejects.toThrow('no task');
  await expect(chain(queue.task())).rejects.toThrow('the first task has no payload');
  await expect(chain(5 as never)).rejects.toThrow('expected queue.task(payload)');
  await expect(group([])).rejects.toThrow('no task');
  await expect(group([queue.task(1), queue.task()])).rejects.toThrow('task 1 has no payload');
  await expect(group([queue.task(1)], { onFailure: 'run' })).rejects.toThrow('no effect without then');
  await expect(group([queue.task(1)], { thn: queue.task() } as never)).rejects.toThrow('did you mean "then"');
  expect(() => queue.task(1, { attempts: 0 })).toThrow('invalid attempts 0');
  expect(await queue.size()).toBe(0);
});

it.each(['done', 'failed'] as const)('a handler continues with a flow, which is %s', async (how) => {
  const [books, pages, totals] = [aQueue({ track: true, attempts: 1 }), aQueue({ attempts: 1 }), aQueue()];
  let ran = 0;
  const runner = start([
    books.worker(async (lines, job) => {
      ran += 1;
      const flow = await group(
        (lines as string[]).map((line) => pages.task(line)),
        { then: totals.task() },
      );
      job.continueWith(flow);
    }),
    pages.worker((line) => {
      if (how === 'failed') throw new Error('no');
      return String(line).length;
    }),
    totals.worker((all) => (all as number[]).reduce((sum, one) => sum + one, 0)),
  ]);
  const job = await books.put(['a', 'bc', 'def']);
  const behind = await books.with({ after: job, onFailure: 'run' }).put([]);
  void behind;
  if (how === 'done') expect(await job.result({ timeout: '10s' })).toBe(6);
  else await expect(job.result({ timeout: '10s' })).rejects.toMatchObject({ code: 'JOB_FAILED' });
  await until(
    () => ran,
    (count) => count === 2,
  );
  await runner.stop();
  expect((await job.fetch())?.failures.length).toBe(how === 'done' ? 0 : 1);
});

it('continueWith is refused for what is not tracked, for what is no job, and for the job itself', async () => {
  const queue = aQueue();
  const errors: unknown[] = [];
  const runner = start(
    queue.worker((payload, job) => {
      try {
        job.continueWith(payload === 'own' ? queue.job(job.id) : (payload as never));
      } catch (error) {
        errors.push(error);
      }
    }),
  );
  await queue.put('a');
  await queue.with({ track: true }).put('b');
  await queue.with({ track: true }).put('own');
  await until(() => errors.length === 3);
  await runner.stop();
  const itself = expect.stringContaining('cannot continue with itself') as string;
  expect(errors).toMatchObject([
    { code: 'NOT_TRACKED' },
    { code: 'INVALID_OPTION' },
    { code: 'INVALID_OPTION', message: itself },
  ]);
});

it.each(['directly', 'through others', 'by the job that continues it'])(
  'a job that continues with one that waits for it fails, and says so: %s',
  async (how) => {
    const queue = aQueue({ track: true, attempts: 1 });
    const own = await queue.put('own');
    const between = how === 'through others' ? await queue.with({ after: own }).put('between') : own;
    const other = await queue.with(how === 'by the job that continues it' ? {} : { after: between }).put('other');
    const runner = start(
      queue.worker(
        (payload, job) => {
          if (payload !== 'between') job.continueWith(payload === 'own' ? other : own);
        },
        { concurrency: 2 },
      ),
    );
    const ends = await Promise.allSettled([own.result({ timeout: '20s' }), other.result({ timeout: '20s' })]);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await runner.stop();
    const letters = await queue.dead.list();
    expect(letters.length).toBeGreaterThan(0);
    for (const { error } of letters)
      expect(error).toMatchObject({ message: expect.stringContaining('which waits for it') as string });
  },
);

it('maintenance finds a job that continues with one that waits for it, if the process that continued it has died', async () => {
  const queue = aQueue({ track: true });
  const broker = aBroker(queue.name);
  const own = await queue.with({ delay: '1h' }).put('own');
  const other = await queue.with({ after: own }).put('other');
  const continuation = refText(refOf(broker.keys, other.id));
  const terms = { parents: [continuation], onFailure: 'continue', input: 'own', due: '' };
  await broker.flows.block(own.id, -60_000, terms, { withinMs: 10_000 });
  await lookAtBlocked(broker, { withinMs: 10_000 });
  expect(await broker.flows.parents(own.id, { withinMs: 10_000 })).toMatchObject([
    { text: continuation, how: 'failed', failure: expect.stringContaining('which waits for it') as string },
  ]);
});

it('a circle of thousands of jobs is found, also through a job for which thousands wait', async () => {
  const queue = aQueue({ track: true });
  const broker = aBroker(queue.name);
  const { keys } = broker;
  const own = await queue.with({ delay: '1h' }).put('own');
  const last = await queue.with({ delay: '1h' }).put('last');
  const textOf = (id: string): string => JSON.stringify(refText(refOf(keys, id)));
  const pipeline = redis().pipeline();
  for (let n = 0; n < 1_500; n++) {
    const next = n === 1_499 ? last.id : `n${n + 1}`;
    pipeline.hset(keys.job(`n${n}`), 'children', textOf(next));
  }
  const many = Array.from({ length: 1_500 }, (_, n) => textOf(`other${n}`));
  pipeline.hset(keys.job(own.id), 'children', [...many, textOf('n0')].join(','));
  await pipeline.exec();
  const continuation = refText(refOf(keys, last.id));
  const terms = { parents: [continuation], onFailure: 'continue', input: 'own', due: '' };
  await broker.flows.block(own.id, -60_000, terms, { withinMs: 10_000 });
  await lookAtBlocked(broker, { withinMs: 60_000 });
  expect(await broker.flows.parents(own.id, { withinMs: 10_000 })).toMatchObject([
    { text: continuation, how: 'failed' },
  ]);
});

it('a job that lost its lease before it was continued still has the results of its own parents', async () => {
  const queue = aQueue({ track: true });
  const other = aQueue({ track: true });
  const seen: unknown[] = [];
  const runner = start([
    queue.worker(async (payload, job) => {
      if (payload === 'parent') return 'of the parent';
      seen.push(await job.parents());
      if (seen.length > 1) return 'own';
      job.continueWith(await other.with({ delay: '1h' }).put('continuation'));
      const [broker, { worker }] = [aBroker(queue.name), job as unknown as { worker: string }];
      await endLease(broker, worker);
      await broker.recover(worker, 'hotqueue', { withinMs: 10_000 });
      return undefined;
    }),
  ]);
  const parent = await queue.put('parent');
  const job = await queue.with({ after: parent }).put('child');
  expect(await job.result({ timeout: '20s' })).toBe('own');
  await runner.stop();
  expect(seen).toMatchObject(Array(2).fill([{ id: parent.id, status: 'done', result: 'of the parent' }]));
});
