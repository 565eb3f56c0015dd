/** Jobs that wait for the ends of others. */
import { expect, inject, it, vi } from 'vitest';
import { HotQueue, start, UnknownParentError, type Job } from 'hotqueue';
import { lookAtBlocked } from '../../src/jobs/look-at-blocked.js';
import { FlowBroker } from '../../src/redis/flow-broker.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { latch, until } from '../support/facts.js';

const patience = { withinMs: 10_000 };

it.each(['before', 'after'] as const)(
  'a job runs when all it waits for have ended (they end %s it is put)',
  async (when) => {
    const [parents, children] = [aQueue({ track: true }), aQueue()];
    const gate = latch();
    if (when === 'before') gate.open();
    const order: unknown[] = [];
    const runner = start([
      parents.worker(
        async (n) => {
          await gate;
          order.push(n);
          return { n };
        },
        { concurrency: 5 },
      ),
      children.worker(async (payload, job) => {
        order.push(payload);
        return job.parents();
      }),
    ]);
    const jobs = await parents.putAll([1, 2, 3]);
    if (when === 'before') await Promise.all(jobs.map((job) => job.result()));
    const child = await children.with({ after: jobs }).put('child');
    if (when === 'after') expect(await child.status()).toBe('delayed');
    gate.open();
    expect(await child.result({ timeout: '10s' })).toEqual(
      jobs.map(({ id, queue }, index) => ({ id, queue, status: 'done', result: { n: index + 1 } })),
    );
    expect(order.at(-1)).toBe('child');
    await runner.stop();
    expect(await redis().exists(...['blocked', 'outbox'].map((key) => `{hotqueue:${children.name}}:${key}`))).toBe(0);
    expect(await redis().exists(`{hotqueue:${parents.name}}:outbox`)).toBe(0);
  },
);

it.each(['failed', 'cancelled', 'expired'] as const)(
  'a job is cancelled if one it waits for is %s, and all behind it',
  async (how) => {
    const queue = aQueue({ track: true, attempts: 1 });
    const bad = await queue.with(how === 'expired' ? { ttl: '1ms' } : {}).put('bad');
    const good = await queue.put('good');
    const child = await queue.with({ after: [good, bad] }).put('child');
    const behind = await queue.with({ after: child }).put('behind');
    if (how === 'cancelled') await bad.cancel();
    const ran: unknown[] = [];
    const runner = start(
      queue.worker((payload) => {
        ran.push(payload);
        if (payload === 'bad') throw new Error('no');
      }),
    );
    await expect(behind.result({ timeout: '20s' })).rejects.toMatchObject({ code: 'JOB_CANCELLED' });
    expect(await child.status()).toBe('cancelled');
    expect((await child.fetch())?.error).toMatchObject({
      name: 'ParentFailedError',
      message: expect.stringContaining(`${bad.id}, which is ${how}`) as string,
    });
    await good.result({ timeout: '10s' });
    await runner.stop();
    expect(ran).not.toContain('child');
    expect(ran).not.toContain('behind');
    expect(await queue.delayed.size()).toBe(0);
  },
);

it("with onFailure: 'run' it runs, and sees how they ended", async () => {
  const queue = aQueue({ track: true, attempts: 1 });
  const jobs = await queue.putAll(['bad', 'good']);
  const child = await queue.with({ after: jobs, onFailure: 'run' }).put('child');
  const runner = start(
    queue.worker((payload, job) => {
      if (payload === 'bad') throw new TypeError('no');
      return payload === 'child' ? job.parents() : 'fine';
    }),
  );
  expect(await child.result({ timeout: '10s' })).toMatchObject([
    { id: jobs[0]!.id, status: 'failed', error: { name: 'TypeError', message: 'no' } },
    { id: jobs[1]!.id, status: 'done', result: 'fine' },
  ]);
  await runner.stop();
});

it('a diamond: a job runs once after all others', async () => {
  const queue = aQueue({ track: true });
  const top = await queue.put('top');
  const sides = [await queue.with({ after: top }).put('left'), await queue.with({ after: [top] }).put('right')];
  const bottom = await queue.with({ after: sides }).put('bottom');
  const ran: unknown[] = [];
  const runner = start(queue.worker((payload) => void ran.push(payload), { concurrency: 4 }));
  await bottom.result({ timeout: '10s' });
  await runner.stop();
  expect([ran[0], ran[3], ran.length]).toEqual(['top', 'bottom', 4]);
});

it('delay and ttl count from when the job is due', async () => {
  const queue = aQueue({ track: true });
  const parent = await queue.put('parent');
  const child = await queue.with({ after: parent, delay: '1h', ttl: '10m', priority: 'high' }).put('child');
  const now = Date.now();
  await queue.get();
  const broker = aBroker(queue.name);
  await until(
    () => broker.flows.parents(child.id, patience),
    ([one]) => one?.how === 'done',
  );
  const [delayed] = await queue.delayed.list();
  expect(delayed).toMatchObject({ id: child.id, priority: 'high' });
  expect(Math.abs(delayed!.dueAt - now - 3_600_000)).toBeLessThan(60_000);
  const [entry] = await redis().hvals(broker.keys.delayedMessages);
  expect(Number(/ x=(\d+)/.exec(entry!)![1]) - delayed!.dueAt).toBe(600_000);
});

it('a job that is cancelled before never runs, and lets nothing behind', async () => {
  const queue = aQueue({ track: true });
  const parent = await queue.put('parent');
  const child = await queue.with({ after: parent }).put('child');
  expect(await child.cancel()).toBe(true);
  const ran: unknown[] = [];
  const runner = start(queue.worker((payload) => void ran.push(payload)));
  await parent.result({ timeout: '10s' });
  await queue.drained({ delayed: true });
  await runner.stop();
  expect(ran).toEqual(['parent']);
});

it('a notice that was lost is made up for', async () => {
  const queue = aQueue({ track: true });
  const parent = await queue.put('parent');
  const child = await queue.with({ after: parent }).put('child');
  const notified = vi.spyOn(FlowBroker.prototype, 'parentsEnded').mockRejectedValueOnce(new Error('killed'));
  await queue.get();
  await until(() => notified.mock.calls.length);
  notified.mockRestore();
  const broker = aBroker(queue.name);
  await redis().del(broker.keys.outbox);
  await redis().zadd(broker.keys.blocked, 1, child.id);
  await lookAtBlocked(broker, patience);
  expect((await queue.get()) ?? '').toBe('child');
});

it('a parent that its dead workers have buried is found', async () => {
  const queue = aQueue({ track: true });
  const parent = await queue.put('parent');
  const child = await queue.with({ after: parent }).put('child');
  const broker = aBroker(queue.name);
  const message = (await redis().lpop(broker.keys.base))!;
  await redis().rpush(broker.keys.quarantine, message.replace(' 0 0 ', ' 0 2 '));
  await broker.join('w', 'p', patience);
  await broker.take('w', 1, 1, patience);
  await redis().zadd(broker.keys.workers, 1, 'w');
  await redis().hset(broker.keys.meta, 'seen', Date.now());
  expect(await broker.recover('w', 'hotqueue', patience)).toMatchObject({ buried: 1 });
  await redis().zadd(broker.keys.blocked, 1, child.id);
  await lookAtBlocked(broker, patience);
  expect(await parent.status()).toBe('failed');
  expect(await child.status()).toBe('cancelled');
});

it('what a process has noted that died before its put is deleted', async () => {
  const queue = aQueue();
  const broker = aBroker(queue.name);
  const what = { parents: ['hotqueue q a'], onFailure: 'cancel', input: 'own', due: '' };
  await broker.flows.block('c', 1, what, patience);
  await redis().hset(broker.keys.parents('c'), 'since', 1); // long ago
  await redis().zadd(broker.keys.blocked, 1, 'c');
  await lookAtBlocked(broker, patience);
  expect(await redis().zcard(broker.keys.blocked)).toBe(0);
  expect(await redis().pttl(broker.keys.parents('c'))).toBeGreaterThan(0);
});

it('an id of its own is put once, and what the first put waits for stays', async () => {
  const queue = aQueue({ track: true });
  const [one, other] = await queue.putAll([1, 2]);
  const first = await queue.with({ id: 'x', after: one! }).put('first');
  const second = await queue.with({ id: 'x', after: other!, onFailure: 'run' }).put('second');
  expect([first.isDuplicate, second.isDuplicate, second.id]).toEqual([false, true, 'x']);
  const broker = aBroker(queue.name);
  expect(await broker.flows.parents('x', patience)).toMatchObject([{ text: `hotqueue ${queue.name} ${one!.id}` }]);
  const ran: unknown[] = [];
  const runner = start(queue.worker((payload) => void ran.push(payload)));
  await first.result({ timeout: '10s' });
  await runner.stop();
  expect(ran.filter((payload) => typeof payload === 'string')).toEqual(['first']);
  const third = await queue.with({ id: 'x', after: queue.job(one!.id) }).put('third');
  expect(third.isDuplicate).toBe(true);
  expect(await redis().zcard(broker.keys.blocked)).toBe(0);
});

it('leaves no key for the ids that the library makes', async () => {
  const queue = aQueue({ track: true });
  await queue.with({ after: await queue.put(1) }).put(2);
  expect(await redis().keys(`{hotqueue:${queue.name}}:id:*`)).toEqual([]);
});

it('a job waits for a parent in another queue with another prefix, and gets its result', async () => {
  const other = aQueue({ track: true, prefix: 'other' });
  const queue = aQueue();
  const child = await queue.with({ after: await other.put(1) }).put('child');
  const runner = start([other.worker(() => 'x'), queue.worker((_, job) => job.parents())]);
  expect(await child.result({ timeout: '10s' })).toMatchObject([{ queue: other.name, result: 'x' }]);
  await runner.stop();
});

it('an unknown parent is refused, and nothing is put', async () => {
  const queue = aQueue({ track: true });
  const known = await queue.put(1);
  const put = queue.with({ after: [known, queue.job('nothing')] }).put(2);
  await expect(put).rejects.toBeInstanceOf(UnknownParentError);
  await expect(put).rejects.toMatchObject({ code: 'UNKNOWN_PARENT', parent: 'nothing', queue: queue.name });
  expect(await queue.delayed.size()).toBe(0);
  await known.cancel();
  expect(await redis().zcard(aBroker(queue.name).keys.blocked)).toBe(0);
});

it.each<[string, (queue: HotQueue, job: Job) => object, string]>([
  ['no job', () => ({ after: [] }), 'expected at least one job'],
  ['a text', () => ({ after: 'id' }), 'expected a job that put() has returned'],
  ['an object', () => ({ after: { id: 'a', queue: 'b' } }), 'expected a job'],
  ['unique', (_, job) => ({ after: job, unique: 'x' }), 'cannot be used together'],
  ['track: false', (_, job) => ({ after: job, track: false }), 'remove track: false'],
  ['onFailure alone', () => ({ onFailure: 'run' }), 'no effect without after'],
  ['another onFailure', (_, job) => ({ after: job, onFailure: 'stop' }), 'invalid onFailure "stop"'],
])('refuses %s', async (_, options, sentence) => {
  const queue = aQueue({ track: true });
  const job = await queue.put(1);
  await expect((async () => queue.with(options(queue, job)).put(2))()).rejects.toThrow(sentence);
  expect(await queue.delayed.size()).toBe(0);
});

it('refuses a job that is not tracked, a job on another Redis, a plain queue, and after as an option of a queue', async () => {
  const queue = aQueue();
  const untracked = await queue.put(1);
  await expect(queue.with({ after: untracked }).put(2)).rejects.toMatchObject({ code: 'NOT_TRACKED' });
  const db = aQueue({ track: true, db: 1 });
  const far = await db.put(1);
  await expect(queue.with({ after: far }).put(2)).rejects.toThrow('is on another Redis');
  await db.clear();
  const job = await aQueue({ track: true }).put(1);
  await expect((async () => aQueue({ wire: 'plain' }).with({ after: job }).put(2))()).rejects.toThrow("wire: 'plain'");
  expect(() => new HotQueue('x', { after: job } as never)).toThrow('only for a single message');
});

it('ten thousand parents', { timeout: 120_000 }, async () => {
  // The JavaScript engine serves all tests, and such a hash stops it for seconds.
  const many = inject('serverKind') === 'redis' ? 10_000 : 500;
  const [parts, sums] = [aQueue({ track: true }), aQueue()];
  const jobs = await parts.putAll(Array.from({ length: many }, (_, n) => n));
  const sum = await sums.with({ after: jobs }).put(null);
  const runner = start([
    parts.worker((n) => n, { concurrency: 200 }),
    sums.worker(async (_, job) => (await job.parents<number>()).reduce((total, { result = 0 }) => total + result, 0)),
  ]);
  expect(await sum.result({ timeout: '100s' })).toBe((many * (many - 1)) / 2);
  await runner.stop();
});
