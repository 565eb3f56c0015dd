/** Jobs of a flow that are put in one call, and those that are put alone. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, inject, it, onTestFinished, vi } from 'vitest';
import { chain, group, start } from 'hotqueue';
import { RedisUnreachableError } from '../../src/core/errors.js';
import { lookMs } from '../../src/jobs/after.js';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { FlowBroker } from '../../src/redis/flow-broker.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { until } from '../support/facts.js';

const soon = { timeout: '60s' } as const;
const patience = { withinMs: 10_000 };
/** The JavaScript engine is slow. */
const many = inject('serverKind') === 'redis' ? 1_200 : 600;
const times = <V>(count: number, make: (n: number) => V): V[] => Array.from({ length: count }, (_, n) => make(n));

afterEach(() => void vi.restoreAllMocks());

/** Names of the scripts that are called from now on. */
function scriptsCalled(): string[] {
  const { script: real } = Connection.prototype as unknown as {
    script: (this: unknown, ...args: unknown[]) => Promise<unknown>;
  };
  const names: string[] = [];
  vi.spyOn(Connection.prototype, 'script').mockImplementation(function (this: unknown, name, ...args) {
    names.push(name);
    return real.call(this, name, ...args);
  });
  return names;
}

it('a flow of one queue is put in one call', async () => {
  const queue = aQueue();
  const called = scriptsCalled();
  const flow = await chain(queue.task(1), group([queue.task(), queue.task(7)]), queue.task());
  expect(called).toEqual(['put-flow']);
  expect(await flow.status()).toMatchObject({ waiting: 1, delayed: 3 });
  expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 3 });
  expect(await queue.jobs.counts()).toMatchObject({ waiting: 1, delayed: 3 });
  const runner = start(queue.worker((payload) => payload));
  expect(await flow.result(soon)).toEqual([1, 7]);
  await runner.stop();
});

it('a first task of high priority wakes an idle worker: it is where workers wait', async () => {
  const queue = aQueue();
  await chain(queue.task(1, { priority: 'high' }), queue.task());
  expect(await redis().llen(aBroker(queue.name).keys.base)).toBe(1);
});

it('flows that are put in one turn share a call, and one that cannot be put does not stop the others', async () => {
  const queue = aQueue();
  const called = scriptsCalled();
  const refused = expect(chain(queue.task(1), queue.task(5n))).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
  const flows = await Promise.all(times(3, (n) => chain(queue.task(n), queue.task())));
  await refused;
  expect(called).toEqual(['put-flow']);
  const runner = start(queue.worker((n) => Number(n) + 1));
  expect(await Promise.all(flows.map((flow) => flow.result(soon)))).toEqual([2, 3, 4]);
  await runner.stop();
  expect(await queue.jobs.counts()).toMatchObject({ done: 6, waiting: 0, delayed: 0, cancelled: 0 });
});

it('what does not fit in one call is put in the next one, and an error is that of all flows of its call', async () => {
  const queue = aQueue();
  const called = scriptsCalled();
  const some = () => group(times(150, (n) => queue.task(n)));
  await Promise.all([some(), some()]);
  expect(called).toEqual(['put-flow', 'put-flow']);
  vi.spyOn(FlowBroker.prototype, 'put').mockRejectedValueOnce(new Error('away'));
  const ends = await Promise.allSettled(times(2, (n) => chain(queue.task(n), queue.task())));
  expect(ends.map((end) => (end as PromiseRejectedResult).reason as Error)).toMatchObject([
    { message: 'away' },
    { message: 'away' },
  ]);
});

it('a put that has waited for the call before it waits less for Redis in its own', async () => {
  const queue = aQueue();
  const waits: number[] = [];
  let second: Promise<unknown> | undefined;
  vi.spyOn(FlowBroker.prototype, 'put').mockImplementation(async (_producer, _jobs, _terms, { withinMs }) => {
    waits.push(withinMs!);
    if (!second) (second = chain(queue.task(2), queue.task())).catch(() => undefined);
    if (waits.length === 1) await pause(100);
    else throw new Error('away');
  });
  await chain(queue.task(1), queue.task());
  await expect(second).rejects.toThrow('away');
  expect(waits[1]).toBeLessThan(waits[0]! - 50);
});

it('Redis is away: what has waited as long as a put may is rejected, and was never sent', async () => {
  const queue = aQueue();
  let second: Promise<unknown> | undefined;
  const put = vi.spyOn(FlowBroker.prototype, 'put').mockImplementation(async () => {
    (second = chain(queue.task(2), queue.task())).catch(() => undefined);
    await pause(10);
    const later = performance.now() + 40_000;
    vi.spyOn(performance, 'now').mockReturnValue(later);
    throw new RedisUnreachableError('redis', 'no reply');
  });
  await expect(chain(queue.task(1), queue.task())).rejects.toThrow('no reply');
  await expect(second).rejects.toThrow('no job of this call was sent within 30 s');
  expect(put).toHaveBeenCalledTimes(1);
});

it('close() waits for flows that are being put', async () => {
  const queue = aQueue();
  const { put: real } = FlowBroker.prototype as unknown as {
    put: (this: unknown, ...args: unknown[]) => Promise<void>;
  };
  const put = vi.spyOn(FlowBroker.prototype, 'put').mockImplementation(async function (this: FlowBroker, ...args) {
    await pause(100);
    await real.apply(this, args);
  });
  const flow = chain(queue.task(1), queue.task());
  await until(() => put.mock.calls.length);
  await queue.close();
  expect((await flow).jobs).toHaveLength(2);
  expect(await aQueue({ name: queue.name }).size()).toBe(1);
});

it('two steps that are one job count once for the step behind them', async () => {
  const queue = aQueue();
  const flow = await group([queue.task(1, { unique: 'k' }), queue.task(2, { unique: 'k' })], {
    then: queue.task('own'),
  });
  const runner = start(queue.worker((payload) => payload));
  expect(await flow.result(soon)).toBe('own');
  await runner.stop();
});

it('a call is bounded also where each job waits for very many', async () => {
  const queue = aQueue();
  const { script: real } = Connection.prototype as unknown as {
    script: (this: unknown, ...args: unknown[]) => Promise<unknown>;
  };
  const sizes: number[] = [];
  vi.spyOn(Connection.prototype, 'script').mockImplementation(function (this: unknown, name, keys, args, ...rest) {
    if (name === 'put-flow') sizes.push((args.at(-1) as Buffer).length);
    return real.call(this, name, keys, args, ...rest);
  });
  const some = () => group(times(120, (n) => queue.task(n)));
  await chain(some(), some());
  expect(sizes.length).toBeGreaterThan(4);
  expect(Math.max(...sizes)).toBeLessThan(600_000);
});

it('options of a task that are no object are refused', () => {
  const queue = aQueue();
  for (const options of [5, true, null, 'x'])
    expect(() => queue.task(1, options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error);
});

it('a job whose keys another program has changed does not stop others of its call', async () => {
  const queue = aQueue({ track: true });
  const { flows, keys } = aBroker(queue.name);
  const parent = await queue.with({ delay: '1h' }).put('parent');
  const text = `hotqueue ${queue.name} ${parent.id}`;
  const children = await queue.with({ after: parent }).putAll(['a', 'broken', 'c']);
  await redis().hset(keys.delayedMessages, children[1]!.id, 'no header');
  await redis().hset(keys.outbox, 'end:x', '{"ended":"x","children":[]}');
  const end = { status: 'done', result: '1', failure: '' } as const;
  const ends = children.map(({ id }) => ({ id, ends: new Map([[text, end]]) }));
  await expect(flows.parentsEnded(ends, ['end:x'], patience)).rejects.toMatchObject({ code: 'REDIS_REFUSED' });
  expect(await redis().hkeys(keys.outbox)).toEqual(['end:x']);
  expect([await queue.get(), await queue.get()]).toEqual(['a', 'c']);
});

it('a flow is put also if its queue cannot be announced to tools', async () => {
  const queue = aQueue();
  const announce = vi.spyOn(Broker.prototype, 'announce').mockRejectedValue(new Error('away'));
  const flow = await chain(queue.task(1), queue.task());
  expect(announce).toHaveBeenCalled();
  expect(await flow.status()).toMatchObject({ waiting: 1, delayed: 1 });
});

it('tools find a queue on which only flows were put', async () => {
  const queue = aQueue();
  const announce = vi.spyOn(Broker.prototype, 'announce');
  await chain(queue.task(1), queue.task());
  expect(await redis().sismember(aBroker(queue.name).keys.names, queue.name)).toBe(1);
  await chain(queue.task(1), queue.task());
  expect(announce).toHaveBeenCalledTimes(1); // once for each process
});

it('jobs that were put alone know those that wait for them, and which jobs end their flow', async () => {
  const queue = aQueue();
  const { flows } = aBroker(queue.name);
  const text = ({ id }: { id: string }): string => `hotqueue ${queue.name} ${id}`;
  const { jobs } = await chain(queue.task(1, { id: 'alone' }), queue.task());
  expect((await flows.links('alone', patience)).children).toEqual([text(jobs[1]!)]);
  const flow = await group([queue.task(1, { id: 'first' }), queue.task(2)]);
  expect((await flows.links('first', patience)).ends).toBe(text(flow));
  expect((await flows.links(flow.id, patience)).ends).toBe(JSON.stringify(flow.jobs.map(text)));
});

it('a flow of several queues is put in one call for each, and is held until all are put', async () => {
  const [one, two] = [aQueue(), aQueue()];
  const called = scriptsCalled();
  const flow = await group([one.task(1), two.task(2), one.task(3)], { then: two.task() });
  expect(called.filter((name) => name === 'put-flow')).toHaveLength(2);
  expect(called.filter((name) => name === 'parent-ended')).toHaveLength(2); // the start, for each queue
  const runner = start([one.worker((n) => n), two.worker((n) => n)]);
  expect(await flow.result(soon)).toEqual([1, 2, 3]);
  await runner.stop();
});

it(
  'very many jobs are put in several calls; a job with very many parents notes them before',
  { timeout: 120_000 },
  async () => {
    const queue = aQueue();
    const called = scriptsCalled();
    const flow = await group(
      times(many, (n) => queue.task(n)),
      { then: queue.task() },
    );
    const calls = Math.ceil((many + 1) / 200);
    expect(called.filter((name) => name === 'put-flow')).toHaveLength(calls);
    expect(called.filter((name) => name === 'block')).toHaveLength(Math.ceil(many / 1_000));
    vi.restoreAllMocks();
    const runner = start(queue.worker((n) => n, { concurrency: 200 }));
    expect(await flow.result({ timeout: '100s' })).toEqual(times(many, (n) => n));
    await runner.stop();
  },
);

it('large messages are put in several calls, and queues with the same name and another prefix in calls of their own', async () => {
  const queue = aQueue();
  const called = scriptsCalled();
  const large = 'x'.repeat(150_000);
  await group(times(4, () => queue.task(large)));
  expect(called.filter((name) => name === 'put-flow')).toHaveLength(4);
  called.length = 0;
  const other = aQueue({ name: queue.name, prefix: `${queue.name}-other` });
  const flow = await group([queue.task(1), other.task(2)]);
  expect(called.filter((name) => name === 'put-flow')).toHaveLength(2);
  expect([await queue.job(flow.jobs[0]!.id).status(), await other.job(flow.jobs[1]!.id).status()]).toEqual([
    'waiting',
    'waiting',
  ]);
  await redis().del(...(await redis().keys(`*${queue.name}-other*`)));
});

it('jobs with an id, a unique key, a ttl or a delay of their own, and of a limited queue, are in one flow with others', async () => {
  const [queue, limited] = [aQueue(), aQueue({ maxLength: 100 })];
  const flow = await chain(
    group([
      queue.task(1, { id: 'own' }),
      queue.task(2, { unique: 'key' }),
      queue.task(3, { ttl: '1h' }),
      queue.task(4, { delay: '5ms' }),
      limited.task(5),
      queue.task(6),
    ]),
    group([queue.task(undefined, { id: 'behind', ttl: '1h', delay: '5ms' }), limited.task(), queue.task()]),
    queue.task(),
  );
  expect(flow.jobs.map(({ id }) => flow.parentsOf(id).length)).toEqual([0, 0, 0, 0, 0, 0, 6, 6, 6, 3]);
  const handle = (payload: unknown) => payload;
  const runner = start([queue.worker(handle), limited.worker(handle)]);
  const all = [1, 2, 3, 4, 5, 6];
  expect(await flow.result(soon)).toEqual([all, all, all]);
  await runner.stop();
});

it('the result of a step before the last one can be awaited, and it can be watched', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1), queue.task(), queue.task());
  const results = Promise.all(flow.jobs.map((job) => job.result(soon)));
  const seen: unknown[] = [];
  const watching = (async () => {
    for await (const step of flow.jobs[1]!.watch()) seen.push(step);
  })();
  await until(() => seen.length);
  const runner = start(queue.worker((n) => Number(n) * 2));
  expect(await results).toEqual([2, 4, 8]);
  await watching;
  await runner.stop();
  expect(seen.at(-1)).toMatchObject({ status: 'done' });
});

it('a wait for a step before the last one makes its end published, which it is not by itself', async () => {
  const queue = aQueue({ track: true });
  const runner = start(queue.worker((n) => n));
  await (await queue.put('subscribe')).result(soon);
  await runner.stop();
  const flow = await chain(queue.task(1), queue.task());
  const [first] = flow.jobs;
  const result = first!.result(soon);
  await until(
    async () => (await redis().hget(aBroker(queue.name).keys.job(first!.id), 'watched')) === '1' || undefined,
  );
  const again = start(queue.worker((n) => n));
  expect(await result).toBe(1);
  await again.stop();
});

it('delay and ttl of a first task count from its put; those of a later one from the end of its parents', async () => {
  const queue = aQueue();
  const { keys } = aBroker(queue.name);
  const now = Date.now();
  const [late] = (await chain(queue.task(1, { delay: '1h' }), queue.task())).jobs;
  const [short] = (await chain(queue.task(2, { ttl: '1h' }), queue.task())).jobs;
  expect((await queue.delayed.get(late!.id))!.dueAt - now).toBeGreaterThan(3_500_000);
  const [message] = await redis().lrange(keys.base, 0, '-1');
  expect(message).toMatch(new RegExp(`^#${short!.id} 0 0 x=\\d{13} `));
  const flow = await chain(queue.task(3), queue.task(undefined, { delay: '1h', ttl: '2h' }));
  const behind = flow.jobs[1]!.id;
  expect(await redis().hget(keys.delayedMessages, behind)).toMatch(/^b#\S+ 0 0 x=\+7200000 j=1 d=\d{13}\n/);
  const runner = start(queue.worker((n) => n));
  await flow.jobs[0]!.result(soon);
  await until(async () => (await queue.delayed.get(behind))!.dueAt < now + 7_000_000 || undefined);
  await runner.stop();
  const found = (await queue.delayed.get(behind))!;
  expect(found.dueAt - now).toBeGreaterThan(3_500_000);
  const [, expiresAt, readyAt] = / x=(\d+) j=1 d=(\d+)\n/.exec((await redis().hget(keys.delayedMessages, behind))!)!;
  expect([Number(expiresAt) - found.dueAt, Number(readyAt)]).toEqual([7_200_000, found.dueAt]);
});

it('a flow inside another one has its own result', async () => {
  const queue = aQueue();
  const inner = chain(queue.task(1), queue.task());
  const outer = await chain(inner, queue.task());
  const runner = start(queue.worker((n) => Number(n) + 1));
  expect(await (await inner).result(soon)).toBe(3);
  expect(await outer.result(soon)).toBe(4);
  await runner.stop();
});

it('what the records have: payload, who put it, ends, and how long they are kept', async () => {
  const queue = aQueue({ track: { keep: '1h', payload: false } });
  const flow = await group([queue.task(1), queue.task(2)]);
  const records = await Promise.all(flow.jobs.map((job) => job.fetch()));
  expect(records.map((record) => record?.payload)).toEqual([undefined, undefined]);
  const stored = await redis().hgetall(aBroker(queue.name).keys.job(flow.id));
  expect(stored.terms).toMatch(/^3600000 604800000 ./);
  expect(JSON.parse(stored.ends!)).toHaveLength(2);
  const between = (await chain(queue.task(1), queue.task())).jobs[0]!;
  // No process is notified of the end of a step that is not the last.
  expect(await redis().hget(aBroker(queue.name).keys.job(between.id), 'terms')).toBe('*3600000 604800000 ');
});

it("events: every job of a flow emits 'put' when it is stored", async () => {
  const queue = aQueue();
  const ids: string[] = [];
  const putting = chain(queue.task(1), queue.task());
  queue.events.on('put', (event) => ids.push(...event.ids));
  const flow = await putting;
  expect(ids).toEqual(flow.jobs.map(({ id }) => id));
});

it('Redis does not answer the only call: the outcome is unknown. With several calls, none of the jobs runs', async () => {
  const [queue, other] = [aQueue(), aQueue()];
  const { put: real } = FlowBroker.prototype as unknown as {
    put: (this: unknown, ...args: unknown[]) => Promise<void>;
  };
  const lost = (): Error => new RedisUnreachableError('redis', 'no reply', { mayHaveArrived: true });
  vi.spyOn(FlowBroker.prototype, 'put').mockImplementation(async function (this: FlowBroker, ...args) {
    await real.apply(this, args);
    throw lost();
  });
  await expect(chain(queue.task(1), queue.task())).rejects.toMatchObject({
    ...{ code: 'OUTCOME_UNKNOWN', queue: queue.name, mayRepeat: false },
    ids: [expect.any(String), expect.any(String)] as string[],
  });
  expect(await queue.size()).toBe(1);
  await expect(chain(other.task(1), queue.task())).rejects.toThrow('no reply');
  expect([await other.size(), await other.delayed.size()]).toEqual([0, 0]);
});

it('jobs of one call of parent-ended: one is due, one waits, one is cancelled, and the notices are removed', async () => {
  const queue = aQueue({ track: true });
  const { flows, keys } = aBroker(queue.name);
  const parents = await Promise.all(['a', 'b'].map((payload) => queue.with({ delay: '1h' }).put(payload)));
  const [a, b] = parents.map(({ id }) => `hotqueue ${queue.name} ${id}`) as [string, string];
  const [one, both, gone] = [
    await queue.with({ after: parents[0]!, priority: 'high' }).put('one'),
    await queue.with({ after: parents }).put('both'),
    await queue.with({ after: parents[1]! }).put('gone'),
  ];
  await redis().hset(keys.outbox, 'end:a', '{"ended":"a","children":[]}', 'end:b', '{"ended":"b","children":[]}');
  const done = { status: 'done', result: '1', failure: '' } as const;
  const failed = { status: 'failed', result: '', failure: '{"name":"Error","message":"no"}' } as const;
  const ends = [
    { id: one.id, ends: new Map([[a, done]]) },
    { id: both.id, ends: new Map([[a, done]]) },
    { id: gone.id, ends: new Map([[b, failed]]) },
  ];
  const subscriber = redis().duplicate();
  onTestFinished(() => subscriber.disconnect());
  const published: string[] = [];
  subscriber.on('message', (_channel, text) => published.push(text));
  await subscriber.subscribe(keys.job(one.id));
  await redis().hset(keys.job(one.id), 'watched', 1);
  expect(await flows.parentsEnded(ends, ['end:a'], patience)).toEqual(['due', 'waiting', 'cancelled']);
  await until(() => published.includes('waiting') || undefined);
  expect(await redis().llen(keys.base)).toBe(1); // where it wakes a worker
  const left = await Promise.all([one, both, gone].map(({ id }) => redis().pttl(keys.parents(id))));
  expect(left.map((ms) => Math.round(ms / 86_400_000))).toEqual([30, -0, 7]);
  expect(await redis().hkeys(keys.outbox)).toEqual(['end:b']);
  expect(await flows.parentsEnded(ends, ['end:b'], patience)).toEqual(['known', 'known', 'known']);
  expect(await redis().exists(keys.outbox)).toBe(0);
  expect(await queue.get()).toBe('one');
  expect([await both.status(), await gone.status()]).toEqual(['delayed', 'cancelled']);
});

it('a job that was noted with one parent, and then with two, gets an array of both results', async () => {
  const queue = aQueue({ track: true });
  const { flows } = aBroker(queue.name);
  const parents = await Promise.all(['a', 'b'].map((payload) => queue.with({ delay: '1h' }).put(payload)));
  const [a, b] = parents.map(({ id }) => `hotqueue ${queue.name} ${id}`) as [string, string];
  const what = { onFailure: 'cancel', input: 'previous', due: '' };
  // A process has died between the note and the put, and another one puts it with the same id.
  await flows.block('child', lookMs, { ...what, parents: [a] }, patience);
  await flows.block('child', lookMs, { ...what, parents: [a, b] }, patience);
  await queue.with({ id: 'child', after: parents }).put('own');
  await flows.block('child', lookMs, { ...what, parents: [a] }, patience);
  const end = (result: string) => ({ status: 'done', result, failure: '' }) as const;
  const ends = new Map([
    [a, end('1')],
    [b, end('2')],
  ]);
  expect(await flows.parentsEnded([{ id: 'child', ends }], [], patience)).toEqual(['due']);
  expect(await queue.get()).toEqual([1, 2]);
});
