/** `queue.flow(id)`: a flow in another process. */
import { expect, expectTypeOf, it } from 'vitest';
import { chain, FlowNotFoundError, group, start, type Flow, type HotQueue } from 'hotqueue';
import { parentsFirst } from '../../src/flows/parents-first.js';
import { flowAsText } from '../../src/flows/picture.js';
import { aQueue, redis } from '../support/queue.js';

const soon = { timeout: '20s' } as const;
/** The same queue, as another process has it. */
const again = (queue: HotQueue): HotQueue => aQueue({ name: queue.name });

it('a chain, from any of its jobs: status, picture, parents, result', async () => {
  const [one, two] = [aQueue(), aQueue()];
  const put = await chain(one.task(1), two.task(), one.task());
  const queues = [one, two, one].map(again);
  const flows = await Promise.all(put.jobs.map(({ id }, at) => queues[at]!.flow<number>(id)));
  for (const flow of flows) {
    expect(flow.jobs.map(({ id }) => id)).toEqual(put.jobs.map(({ id }) => id));
    expect([flow.id, flow.queue]).toEqual([put.id, put.queue]);
    expect(flow.parentsOf(flow.id)).toEqual([put.jobs[1]!.id]);
    expect(await flow.status()).toMatchObject({ waiting: 1, delayed: 2 });
    expect(await flow.picture()).toBe(await put.picture());
  }
  const runner = start([one.worker((n) => Number(n) + 1), two.worker((n) => Number(n) * 10)]);
  expect(await Promise.all(flows.map((flow) => flow.result(soon)))).toEqual([21, 21, 21]);
  const seen: object[] = [];
  for await (const counts of flows[1]!.watch()) seen.push(counts);
  expect(seen).toMatchObject([{ done: 3 }]);
  await runner.stop();
});

it('a group with then, and one without: the results keep their form', async () => {
  const queue = aQueue();
  const joined = await group([queue.task(1), queue.task(2)], { then: queue.task() });
  const open = await chain(queue.task(5), group([queue.task(), group([queue.task(), queue.task(7)])]));
  const apart = await group([queue.task(3), chain(queue.task(4), queue.task())]);
  const other = again(queue);
  const runner = start(queue.worker((n) => n));
  for (const { id } of joined.jobs) expect(await (await other.flow(id)).result(soon)).toEqual([1, 2]);
  for (const { id } of open.jobs) expect(await (await other.flow(id)).result(soon)).toEqual([5, [5, 7]]);
  for (const { id } of apart.jobs) expect(await (await other.flow(id)).result(soon)).toEqual([3, 4]);
  expect((await other.flow(apart.id)).id).toBe(apart.id);
  await runner.stop();
});

it('a flow of one job is a flow', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1));
  expect((await queue.flow(flow.id)).jobs).toHaveLength(1);
});

it('jobs that were put with after; several that end it give an array', async () => {
  const queue = aQueue({ track: true });
  const top = await queue.put('top');
  const ends = [await queue.with({ after: top }).put('a'), await queue.with({ after: top }).put('b')];
  const flow = await again(queue).flow(top.id);
  const runner = start(queue.worker((payload) => payload));
  expect(await flow.result(soon)).toEqual(['a', 'b']);
  expect(flow.id).toBe(ends[1]!.id);
  await runner.stop();
});

it('it is cancelled there, with the jobs of other queues and prefixes', async () => {
  const [one, two] = [aQueue(), aQueue({ prefix: 'other' })];
  const put = await chain(one.task(1), two.task(), one.task());
  const flow = await again(one).flow(put.jobs[0]!.id);
  expect(await flow.cancel()).toBe(3);
  expect(await put.status()).toMatchObject({ cancelled: 3 });
});

it('another job may wait for it', async () => {
  const queue = aQueue();
  const put = await chain(queue.task(1), queue.task());
  const other = again(queue);
  const behind = await other.with({ after: await other.flow(put.jobs[0]!.id) }).put('behind');
  const runner = start(queue.worker((payload) => payload));
  expect(await behind.result(soon)).toBe('behind');
  await runner.stop();
});

it('unknown, untracked and lonely jobs have no flow', async () => {
  const queue = aQueue();
  const untracked = await queue.put(1);
  const lonely = await queue.with({ track: true }).put(2);
  await expect(queue.flow('nothing')).rejects.toBeInstanceOf(FlowNotFoundError);
  await expect(queue.flow('nothing')).rejects.toMatchObject({
    code: 'FLOW_NOT_FOUND',
    id: 'nothing',
    hasRecord: false,
  });
  await expect(queue.flow(untracked.id)).rejects.toThrow('It was put without tracking');
  await expect(queue.flow(lonely.id)).rejects.toMatchObject({ code: 'FLOW_NOT_FOUND', hasRecord: true });
  await expect(queue.flow(lonely.id)).rejects.toThrow('Use queue.job(id)');
  for (const id of [undefined, '', 5, lonely])
    await expect(queue.flow(id as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

it('after its jobs have ended, and some records have expired', async () => {
  const queue = aQueue();
  const put = await chain(queue.task(1), queue.task(), queue.task());
  const runner = start(queue.worker((payload) => payload));
  await put.result(soon);
  await runner.stop();
  await redis().del(`{hotqueue:${queue.name}}:job:${put.jobs[0]!.id}`);
  const flow = await again(queue).flow(put.id);
  expect(await flow.result(soon)).toBe(1);
  expect(await flow.status()).toMatchObject({ done: 2 });
  await expect(queue.flow(put.jobs[0]!.id)).rejects.toMatchObject({ hasRecord: false });
});

it('a closed queue refuses, and ends waits for jobs of other queues', async () => {
  const [queue, behind] = [aQueue(), aQueue()];
  const { jobs } = await chain(queue.task(1), behind.task());
  const other = again(queue);
  const flow = await other.flow(jobs[0]!.id);
  const waiting = expect(flow.result({ timeout: '5s' })).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
  await other.close();
  await waiting;
  await expect(other.flow(jobs[0]!.id)).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
  await expect(flow.status()).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
});

it('a flow of more than 50,000 jobs is refused, and its jobs stay', async () => {
  const queue = aQueue({ track: true });
  const job = await queue.put('a');
  const children = Array.from({ length: 50_000 }, (_, n) => `"hotqueue ${queue.name} child${n}"`).join(',');
  await redis().hset(`{${queue.key}}:job:${job.id}`, 'children', children);
  await expect(queue.flow(job.id)).rejects.toMatchObject({ code: 'FLOW_TOO_LARGE', id: job.id, most: 50_000 });
  expect(await job.status()).toBe('waiting');
});

it('a chain of 20,000 jobs has an order and a picture', () => {
  const ids = Array.from({ length: 20_000 }, (_, n) => `job${n}`);
  const after = (id: string): string[] => (id === 'job0' ? [] : [`job${Number(id.slice(3)) - 1}`]);
  expect(parentsFirst([...ids].reverse(), after)).toEqual(ids);
  const nodes = [...ids].reverse().map((id) => ({ id, queue: 'q', status: 'done' as const, after: after(id) }));
  expect(flowAsText(nodes).split('\n')[0]).toMatch(/^ {80}q +job19999 {2}done$/);
});

it('an order for jobs that wait for each other in a circle has each once', () => {
  const after: Record<string, string[]> = { a: ['b'], b: ['c'], c: ['a'], d: ['a', 'c'] };
  expect(parentsFirst(['d', 'a'], (id) => after[id]!)).toEqual(['c', 'b', 'a', 'd']);
});

it('the compiler knows the results of queue.flow<R>(), chain() and group()', () => {
  // Only the compiler reads this.
  const flows = (queue: HotQueue<string, string, number>) => ({
    found: queue.flow<number>('x'),
    chain: chain(queue.task('a'), queue.task()),
    beside: chain(queue.task('a'), group([queue.task(), queue.task()])),
    group: group([chain(queue.task('a')), queue.task('b')]),
  });
  expectTypeOf(flows).returns.toEqualTypeOf<{
    found: Promise<Flow<number>>;
    chain: Promise<Flow<number>>;
    beside: Promise<Flow<[number, number]>>;
    group: Promise<Flow<[number, number]>>;
  }>();
});
