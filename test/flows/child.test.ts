/** The header of a message names the only job that waits for it: that one learns of its end in the step that settles the message. */
import diagnostics_channel from 'node:diagnostics_channel';
import { expect, it, onTestFinished, vi } from 'vitest';
import { chain, group, HotQueue, start, type Flow } from 'hotqueue';
import type { Broker } from '../../src/redis/broker.js';
import { FlowBroker } from '../../src/redis/flow-broker.js';
import { open, optionsOf } from '../../src/wire/envelope.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { until } from '../support/facts.js';
import { redisUrl } from '../support/server.js';
import { aWorker } from '../support/takes.js';

const at = { withinMs: 10_000 };
const soon = { timeout: '60s' } as const;
const keep = { keepMs: 60_000, keepFailedMs: 60_000 };

interface Taken {
  readonly broker: Broker;
  readonly worker: string;
  /** Settles the messages with these results. A message that was not taken is settled as the one of number 1. */
  readonly settle: (...results: string[]) => Promise<unknown>;
}

/** Takes all waiting messages. */
async function taking(queue: HotQueue): Promise<Taken> {
  const broker = aBroker(queue.name);
  const worker = await aWorker(broker);
  const reply = await broker.take(worker, 1, 100, at, { name: 'w' });
  if (reply === 'lost' || !reply.take) throw new Error('nothing was taken');
  const { take } = reply;
  const settle = (...results: string[]) =>
    broker.jobs.settle(
      worker,
      results.map((result, place) => {
        const { header } = open(take.text(place + 1));
        const { child } = optionsOf(header!);
        const run = `${Date.now()} 1 w`;
        const words = ['done', result];
        return { take: { number: 1 }, index: place + 1, id: header!.id, isTracked: true, putAt: 1, run, child, words };
      }),
      keep,
      at,
    );
  return { broker, worker, settle };
}

/** What is published on a channel. */
function published(channel: string): { readonly seen: string[]; readonly listen: Promise<unknown> } {
  const subscriber = redis().duplicate();
  onTestFinished(() => subscriber.disconnect());
  const seen: string[] = [];
  subscriber.on('message', (_channel, text) => seen.push(text));
  return { seen, listen: subscriber.subscribe(channel) };
}

const idsOf = ({ jobs }: Flow): string[] => jobs.map(({ id }) => id);
const outboxOf = ({ keys }: Broker): Promise<Record<string, string>> => redis().hgetall(keys.outbox);

it('a step waits no more as soon as the one before it is settled, and the outbox stays empty', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1), queue.task({ priority: 'own payload' }, { priority: 'high' }), queue.task());
  const [, second, third] = idsOf(flow) as [string, string, string];
  const { broker, settle } = await taking(queue);
  expect(await settle('7')).toEqual(['done']);
  expect(await outboxOf(broker)).toEqual({});
  expect(await redis().llen(broker.keys.base)).toBe(1); // where it wakes a worker
  const { endedAt, expiresAt } = (await flow.jobs[0]!.fetch())!;
  expect(expiresAt).toBe(endedAt! + 600_000);
  expect(await redis().hmget(broker.keys.job(second), 'status', 'payload')).toEqual([
    'waiting',
    '{"priority":"own payload"}',
  ]);
  expect(await broker.flows.parents(second, at)).toMatchObject([{ how: 'done', result: '7' }]);
  expect(await redis().zrange(broker.keys.blocked, 0, '-1')).toEqual([third]);
  expect(await redis().hkeys(broker.keys.delayedMessages)).toEqual([third]);
  expect(await flow.status()).toMatchObject({ done: 1, waiting: 1, delayed: 1 });
  expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 1 });
  expect(await queue.get()).toEqual({ priority: 'own payload' });
  expect(await settle('8')).toEqual(['already']);
  expect(await broker.flows.parents(second, at)).toMatchObject([{ how: 'done', result: '7' }]);
});

it('a worker needs no second call to notify a step', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1), queue.task(), queue.task());
  const notified = vi.spyOn(FlowBroker.prototype, 'parentsEnded');
  onTestFinished(() => notified.mockRestore());
  const runner = start(queue.worker((payload) => Number(payload) + 1));
  expect(await flow.result(soon)).toBe(4);
  await runner.stop();
  expect(notified).not.toHaveBeenCalled();
});

it('payloads may be checked later: all steps are put, or none', async () => {
  const validate = async (value: unknown) => {
    await Promise.resolve();
    return value === 'bad' ? { issues: [{ message: 'no' }] } : { value };
  };
  const payload = { '~standard': { version: 1, vendor: 'home-made', validate } } as const;
  const queue = new HotQueue(aName(), { url: redisUrl(), logger: false, payload });
  onTestFinished(() => queue.close());
  const flow = await chain(queue.task('a'), queue.task());
  const refused = chain(queue.task('b'), group([queue.task('bad'), queue.task('bad'), queue.task('c')]));
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' });
  const refusedAtOnce = chain(queue.task('bad'), aQueue().task(5n));
  await expect(refusedAtOnce).rejects.toMatchObject({ code: 'NOT_SERIALIZABLE' });
  expect(await queue.jobs.counts()).toMatchObject({ waiting: 1, delayed: 1 });
  const runner = start(queue.worker((payload) => payload));
  expect(await flow.result(soon)).toBe('a');
  await runner.stop();
});

it('two steps behind one: both are notified', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1), group([queue.task(), queue.task()]));
  const { settle } = await taking(queue);
  expect(await settle('7')).toEqual([{ children: flow.jobs.slice(1).map(({ id }) => `hotqueue ${queue.name} ${id}`) }]);
});

it('the record of a step is kept until the one behind it knows, and a message whose header names none has a notice', async () => {
  const queue = aQueue({ track: { keep: 1 } });
  const flow = await chain(queue.task(1), queue.task());
  const [first] = idsOf(flow) as [string];
  const { broker, worker, settle } = await taking(queue);
  await settle('7');
  expect(await redis().pttl(broker.keys.job(first))).toBeGreaterThan(60_000);
  const { endedAt, expiresAt } = (await flow.jobs[0]!.fetch())!;
  expect(expiresAt! - endedAt!).toBe(600_000);
  const other = await chain(queue.task(2), queue.task());
  await broker.take(worker, 2, 1, at, { name: 'w' }); // the second step of the first flow
  await broker.take(worker, 3, 1, at, { name: 'w' });
  const message = { take: { number: 3 }, index: 1, id: other.jobs[0]!.id, isTracked: true, putAt: 1, run: '1 1 w' };
  expect(await broker.jobs.settle(worker, [{ ...message, words: ['done', '7'] }], keep, at)).toEqual([
    { children: [`hotqueue ${queue.name} ${other.id}`] },
  ]);
});

it('the last of a group settles together with others: the step behind it gets all results, in order', async () => {
  const queue = aQueue();
  const flow = await group([queue.task(1), queue.task(2), queue.task(3)], { then: queue.task() });
  const { broker, settle } = await taking(queue);
  expect(await settle('"a"', '')).toEqual(['done', 'done']);
  expect(await flow.status()).toMatchObject({ done: 2, delayed: 1 });
  expect(await settle('"a"', '', '{"b":1}')).toEqual(['already', 'already', 'done']);
  expect(await outboxOf(broker)).toEqual({});
  expect(await redis().hget(broker.keys.job(flow.id), 'payload')).toBe('["a",null,{"b":1}]');
  expect(await queue.get()).toEqual(['a', null, { b: 1 }]);
});

it('a step with a delay of its own is due that long after the one before it', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1), queue.task(undefined, { delay: '1h' }));
  const { settle } = await taking(queue);
  await settle('2');
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 1 });
  const { dueAt } = (await queue.jobs.list({ status: 'delayed' })).jobs[0]!;
  expect(dueAt! - Date.now()).toBeGreaterThan(3_000_000);
  expect(await redis().hget(aBroker(queue.name).keys.job(flow.id), 'payload')).toBe('2');
});

it('another job that waits for the first one too: both are notified, by the outbox', async () => {
  const queue = aQueue({ track: true });
  const flow = await chain(queue.task(1), queue.task());
  const other = await queue.with({ after: flow.jobs[0]! }).put('other');
  const { broker, settle } = await taking(queue);
  const name = (id: string): string => `hotqueue ${queue.name} ${id}`;
  expect(await settle('7')).toEqual([{ children: [name(flow.id), name(other.id)] }]);
  expect(Object.keys(await outboxOf(broker))).toEqual([`end:${flow.jobs[0]!.id}`]);
  expect(await redis().hget(broker.keys.job(flow.jobs[0]!.id), 'terms')).toMatch(/^\+\d+ \d+ $/);
  const runner = start(queue.worker((payload) => payload));
  expect(await Promise.all([flow.result(soon), other.result(soon)])).toEqual([7, 'other']);
  await runner.stop();
});

it.each(['watched', 'cancelled elsewhere'])('something must be checked (%s): the outbox has a notice', async (what) => {
  const queue = aQueue({ track: true });
  const other = await queue.put('other');
  const flow = await chain(queue.task(1), queue.task());
  const { broker, settle } = await taking(queue);
  if (what === 'watched') await broker.jobs.watch(flow.jobs[0]!.id);
  else await other.cancel();
  const [, reply] = (await settle('0', '7')) as unknown[];
  expect(reply).toEqual({ children: [`hotqueue ${queue.name} ${flow.id}`] });
  expect(await outboxOf(broker)).toHaveProperty(`end:${flow.jobs[0]!.id}`);
});

it('a step on another queue, and one whose id has no room in the header, are notified by the outbox', async () => {
  const [queue, other] = [aQueue(), aQueue()];
  const flow = await chain(queue.task(1), other.task());
  const { settle } = await taking(queue);
  expect(await settle('7')).toEqual([{ children: [`hotqueue ${other.name} ${flow.id}`] }]);
  const long = aQueue();
  const trace = (event: { carrier: object }): void =>
    void Object.assign(event.carrier, {
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      tracestate: `k=${'v'.repeat(60)}`,
    });
  diagnostics_channel.subscribe('tracing:hotqueue:put:start', trace as () => void);
  onTestFinished(() => void diagnostics_channel.unsubscribe('tracing:hotqueue:put:start', trace as () => void));
  const second = await chain(long.task(1), long.task());
  expect(await (await taking(long)).settle('7')).toEqual([{ children: [`hotqueue ${long.name} ${second.id}`] }]);
});

it('a step whose keys another program has changed does not stop the others, and its notice is in the outbox', async () => {
  const queue = aQueue();
  const flows = [await chain(queue.task(1), queue.task()), await chain(queue.task(2), queue.task())] as const;
  const { broker, settle } = await taking(queue);
  await redis().set(broker.keys.parents(flows[0].id), 'text');
  onTestFinished(async () => void (await redis().del(broker.keys.parents(flows[0].id))));
  expect(await settle('7', '8')).toEqual([{ children: [`hotqueue ${queue.name} ${flows[0].id}`] }, 'done']);
  expect(Object.keys(await outboxOf(broker))).toEqual([`end:${flows[0].jobs[0]!.id}`]);
  expect(await queue.get()).toBe(8);
});

it('a step with many results to put together is notified by the outbox', async () => {
  const queue = aQueue();
  const flow = await chain(queue.task(1), queue.task());
  const { broker, settle } = await taking(queue);
  const parents = broker.keys.parents(flow.id);
  const names = Array.from({ length: 1_000 }, (_, n) => `hotqueue ${queue.name} p${n}`);
  await redis().hset(
    parents,
    'input',
    'previous',
    'order',
    [await redis().hget(parents, 'order'), ...names].join('\n'),
  );
  expect(await settle('7')).toEqual([{ children: [`hotqueue ${queue.name} ${flow.id}`] }]);
  expect(await outboxOf(broker)).toHaveProperty(`end:${flow.jobs[0]!.id}`);
  const runner = start(queue.worker((results) => (results as unknown[]).length));
  expect(await flow.result(soon)).toBe(1_001);
  await runner.stop();
});

it('steps that are put later are ready later, by their headers', async () => {
  const queue = aQueue();
  const { keys } = aBroker(queue.name);
  const readyAt = async (): Promise<number> => {
    const { id } = await chain(queue.task(1), queue.task());
    const message = await redis().hget(keys.delayedMessages, id);
    return optionsOf(open(message!.slice(1)).header!).readyAt!;
  };
  const first = await readyAt();
  await until(() => Date.now() > first);
  expect(await readyAt()).toBeGreaterThan(first);
});

it('a message that another program has put again counts once, also if both copies are settled together', async () => {
  const queue = aQueue();
  const flow = await group([queue.task(1), queue.task(2)], { then: queue.task() });
  const { keys } = aBroker(queue.name);
  const [copy] = await redis().lrange(keys.base, 0, 0);
  await redis().lpush(keys.base, copy!);
  const { broker, settle } = await taking(queue);
  expect(await settle('"a"', '"a"')).toEqual(['done', 'done']);
  expect(await flow.status()).toMatchObject({ done: 1, delayed: 1 });
  expect(await redis().hget(broker.keys.parents(flow.id), 'left')).toBe('1');
});

it('the record of a step was lost: the step behind it is notified all the same', async () => {
  const queue = aQueue({ track: { keep: 1 } });
  const flow = await chain(queue.task(1), queue.task());
  const { broker, settle } = await taking(queue);
  const [first] = idsOf(flow) as [string];
  await redis().del(broker.keys.job(first));
  await broker.jobs.watch(flow.id); // so that the record is not only glanced at
  const { seen, listen } = published(broker.keys.job(flow.id));
  await listen;
  expect(await settle('7')).toEqual(['done']);
  expect(await redis().pttl(broker.keys.job(first))).toBeGreaterThan(60_000);
  await until(() => seen.includes('waiting'));
  expect(await queue.get()).toBe(7);
});

it('a failed step cancels those behind it, and one that was retried notifies the one behind it', async () => {
  const queue = aQueue({ attempts: 2, backoff: 0 });
  const [fails, later] = await Promise.all([
    chain(queue.task('fails'), queue.task()),
    chain(queue.task('later'), queue.task()),
  ]);
  const runner = start(
    queue.worker((payload, { attempt }) => {
      if (payload === 'fails' || (payload === 'later' && attempt === 1)) throw new Error('no');
      return payload;
    }),
  );
  await expect(fails.result(soon)).rejects.toMatchObject({ code: 'JOB_CANCELLED', cause: { code: 'JOB_FAILED' } });
  expect(await later.result(soon)).toBe('later');
  await runner.stop();
});

it('a step that continues with another job notifies the one behind it when that one has ended', async () => {
  const queue = aQueue({ track: true });
  const flow = await chain(queue.task('outer'), queue.task());
  const runner = start(
    queue.worker(async (payload, job) => {
      if (payload === 'outer') job.continueWith(await queue.put('inner'));
      return payload === 'inner' ? 'result of inner' : payload;
    }),
  );
  expect(await flow.result(soon)).toBe('result of inner');
  await runner.stop();
});
