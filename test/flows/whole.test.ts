/** A flow is put as a whole, or none of its jobs runs: its process may die at any point. */
import { afterEach, expect, it, vi } from 'vitest';
import { chain, group, start, type Flow, type HotQueue } from 'hotqueue';
import { lookAtBlocked } from '../../src/jobs/look-at-blocked.js';
import { FlowBroker } from '../../src/redis/flow-broker.js';
import { Connection } from '../../src/redis/connection.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { until } from '../support/facts.js';

const patience = { withinMs: 10_000 };
const soon = { timeout: '20s' } as const;

afterEach(() => void vi.restoreAllMocks());

/** From now on, calls to Redis fail, as if the process had died. @param when before the call reaches Redis, or after it */
function dieAt(call: number, when: 'before' | 'after'): void {
  let calls = 0;
  for (const method of ['call', 'script'] as const) {
    const { [method]: real } = Connection.prototype as unknown as Record<
      string,
      (this: unknown, ...args: unknown[]) => Promise<unknown>
    >;
    vi.spyOn(Connection.prototype, method).mockImplementation(async function (this: Connection, ...args: unknown[]) {
      calls += 1;
      if (calls < call) return (await real!.apply(this, args)) as never;
      if (calls === call && when === 'after') await real!.apply(this, args);
      throw new Error('killed');
    });
  }
}

/** Lets maintenance look at all jobs that wait for others, as if time had passed. */
async function lookLater(queues: readonly HotQueue[], isOld: boolean): Promise<void> {
  for (let round = 0; round < 4; round += 1)
    for (const { name } of queues) {
      const broker = aBroker(name);
      for (const id of await redis().zrange(broker.keys.blocked, 0, '-1')) {
        await redis().zadd(broker.keys.blocked, 1, id);
        if (isOld) await redis().hset(broker.keys.parents(id), 'since', 1);
      }
      await lookAtBlocked(broker, patience);
    }
}

const flows: Record<string, (queues: readonly HotQueue[]) => Promise<Flow>> = {
  'a chain': ([a, b, c]) => chain(a!.task(1), b!.task(), c!.task()),
  'a group whose join runs also after failures': ([a, b, c]) =>
    group([a!.task(1), b!.task(2), a!.task(3)], { then: c!.task(), onFailure: 'run' }),
  'a group in a chain': ([a, b, c]) =>
    chain(a!.task(1), group([b!.task(), c!.task()], { onFailure: 'run' }), a!.task()),
  'a group without then': ([a, b]) => group([a!.task(1), b!.task(2)]),
};

it.each(Object.keys(flows).flatMap((name) => [[name, 'before'] as const, [name, 'after'] as const]))(
  '%s: its process dies %s each of its calls',
  async (name, when) => {
    let outcomes = '';
    for (let call = 1; !outcomes.endsWith('whole whole whole '); call += 1) {
      const queues = [aQueue({ track: true }), aQueue({ track: true }), aQueue({ track: true })];
      for (const queue of queues) await queue.put('other');
      for (const queue of queues) await queue.get();
      dieAt(call, when);
      await flows[name]!(queues).catch(() => undefined);
      vi.restoreAllMocks();
      const putBefore = await count(queues);
      const isStarted =
        (await redis().keys(`{hotqueue:${queues[0]!.name}}:start:*`)).length > 0 || (await sizes(queues)) > 0;
      const ran: unknown[] = [];
      const runner = start(queues.map((queue) => queue.worker((payload) => void ran.push(payload))));
      await lookLater(queues, !isStarted);
      await until(() => count(queues).then((left) => left === 0 || undefined));
      await runner.stop();
      const isWhole = ran.length > 0;
      outcomes += isWhole ? 'whole ' : 'nothing ';
      if (isWhole) expect([call, ran.length]).toEqual([call, putBefore]);
      else expect([call, isStarted]).toEqual([call, false]);
      expect(await keysLeft(queues)).toEqual([]);
    }
    expect(outcomes).toMatch(/^(nothing ){5}/); // the last calls are whole
  },
  180_000,
);

const sizes = async (queues: readonly HotQueue[]): Promise<number> =>
  (await Promise.all(queues.map((queue) => queue.size()))).reduce((sum, size) => sum + size, 0);

/** How many messages wait in all queues, also for others. */
async function count(queues: readonly HotQueue[]): Promise<number> {
  const counts = await Promise.all(queues.map((queue) => queue.counts()));
  return counts.reduce((sum, { waiting, delayed, active }) => sum + waiting + delayed + active, 0);
}

/** Jobs that are still noted as waiting, and notices. */
async function keysLeft(queues: readonly HotQueue[]): Promise<string[]> {
  const keys = queues.flatMap(({ name }) => ['blocked', 'outbox'].map((key) => `{hotqueue:${name}}:${key}`));
  const exist = await Promise.all(keys.map((key) => redis().exists(key)));
  return keys.filter((_, at) => exist[at] === 1);
}

it('until it is started, maintenance leaves it alone for five minutes', async () => {
  const [first, second] = [aQueue(), aQueue()];
  const decide = vi.spyOn(FlowBroker.prototype, 'decideStart');
  decide.mockRejectedValue(new Error('killed'));
  await expect(chain(first.task(1), second.task())).rejects.toThrow('killed');
  decide.mockRestore();
  await lookLater([first, second], false);
  expect([await first.delayed.size(), await second.delayed.size()]).toEqual([1, 1]);
  await lookLater([first, second], true);
  expect([await first.delayed.size(), await second.delayed.size()]).toEqual([0, 0]);
  for (const { name } of [first, second]) expect(await redis().zcard(aBroker(name).keys.blocked)).toBe(0);
});

it('what cannot be put cancels all of it at once; a payload that cannot be put is found before', async () => {
  const [free, full] = [aQueue(), aQueue({ maxLength: 1, whenFull: 'reject' })];
  await full.put('full');
  await expect(group([free.task(1), full.task(2)], { then: free.task() })).rejects.toMatchObject({
    code: 'QUEUE_FULL',
  });
  expect([await free.size(), await free.delayed.size(), await full.size()]).toEqual([0, 0, 1]);
  class Never {
    toJSON(): never {
      throw new Error('not to be sent');
    }
  }
  await expect(chain(free.task(1), free.task(new Never()))).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
  expect([await free.size(), await free.delayed.size()]).toEqual([0, 0]);
  const { jobs } = await free.jobs.list({ status: 'cancelled' });
  expect(jobs.map(({ error }) => error?.name)).toEqual(['FlowNotStartedError']);
});

it('a flow that maintenance has given up is refused', async () => {
  const [queue, other] = [aQueue(), aQueue()];
  const { put: real } = FlowBroker.prototype as unknown as {
    put: (this: unknown, ...args: unknown[]) => Promise<void>;
  };
  vi.spyOn(FlowBroker.prototype, 'put').mockImplementation(async function (this: FlowBroker, ...args) {
    await real.apply(this, args); // the process stops for a long time here
    await lookLater([queue, other], true);
  });
  await expect(chain(queue.task(1), other.task(2))).rejects.toMatchObject({
    code: 'FLOW_NOT_STARTED',
    queue: queue.name,
  });
  for (const one of [queue, other]) {
    expect([await one.size(), await one.delayed.size()]).toEqual([0, 0]);
    expect(await redis().zcard(aBroker(one.name).keys.blocked)).toBe(0);
  }
});

it('a flow with ids of its own that a process has begun is finished by another put', async () => {
  const queue = aQueue();
  const put = () => chain(queue.task(1, { id: 'first' }), queue.task(undefined, { id: 'second' }));
  vi.spyOn(FlowBroker.prototype, 'decideStart').mockRejectedValue(new Error('killed'));
  await expect(put()).rejects.toThrow('killed');
  vi.restoreAllMocks();
  expect(await queue.job('first').status()).toBe('delayed');
  const flow = await put();
  const ran: unknown[] = [];
  const runner = start(queue.worker((payload) => (ran.push(payload), 'x')));
  expect(await flow.result(soon)).toBe('x');
  await put();
  await runner.stop();
  expect(ran).toEqual([1, 'x']);
});

it('a unique task of which Redis has the job: the flow waits for that one', async () => {
  const queue = aQueue();
  const first = await queue.with({ unique: 'k' }).put('holder');
  const flow = await group([queue.task('mine', { unique: 'k' }), queue.task('other')], { then: queue.task() });
  expect(flow.jobs[0]!.id).toBe(first.id);
  const ran: unknown[] = [];
  const runner = start(queue.worker((payload) => (ran.push(payload), payload)));
  expect(await flow.result(soon)).toEqual(['holder', 'other']);
  await runner.stop();
  expect(ran).toHaveLength(3);
});

it('delay, at and ttl of the first jobs count from the start; the handler sees no parents; no key stays', async () => {
  const queue = aQueue();
  const now = Date.now();
  const later = await group([queue.task('later', { delay: '1h', ttl: '10m', priority: 'high' })]);
  const [delayed] = await queue.delayed.list();
  expect(delayed).toMatchObject({ id: later.id, priority: 'high' });
  expect(Math.abs(delayed!.dueAt - now - 3_600_000)).toBeLessThan(180_000);
  const [entry] = await redis().hvals(`{hotqueue:${queue.name}}:delayed:messages`);
  expect(Number(/ x=(\d+)/.exec(entry!)![1]) - delayed!.dueAt).toBe(600_000);
  await later.cancel();
  const flow = await group([queue.task(1), queue.task(2)]);
  expect(await redis().keys(`{hotqueue:${queue.name}}:start:*`)).toEqual([]);
  expect(await redis().keys(`{hotqueue:${queue.name}}:parents:*`)).toEqual([]);
  const runner = start(queue.worker((_, job) => job.parents()));
  expect(await flow.result(soon)).toEqual([[], []]);
  await runner.stop();
});
