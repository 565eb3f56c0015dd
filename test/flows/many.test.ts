/** The payload from the results of very many jobs is built in several calls. */
import { expect, inject, it, vi } from 'vitest';
import { chain, group, start } from 'hotqueue';
import { lookAtBlocked } from '../../src/jobs/look-at-blocked.js';
import { Connection } from '../../src/redis/connection.js';
import { pack } from '../../src/wire/pack.js';
import { FlowBroker } from '../../src/redis/flow-broker.js';
import { aBroker, aQueue, redis } from '../support/queue.js';
import { until } from '../support/facts.js';

const patience = { withinMs: 10_000 };
/** The JavaScript engine is slow. */
const many = inject('serverKind') === 'redis' ? 2_500 : 1_100;
const soon = { timeout: '100s' } as const;
const times = <V>(count: number, make: (n: number) => V): V[] => Array.from({ length: count }, (_, n) => make(n));

/** What the calls of parent-ended have answered. */
function answers(): string[] {
  const { script: real } = Connection.prototype as unknown as {
    script: (this: unknown, ...args: unknown[]) => Promise<unknown>;
  };
  const seen: string[] = [];
  vi.spyOn(Connection.prototype, 'script').mockImplementation(async function (this: unknown, name, ...args) {
    const reply = await real.call(this, name, ...args);
    if (name === 'parent-ended') seen.push(...(reply as string[]));
    return reply;
  });
  return seen;
}

it('an array of more than 1,000 results, in order, in several calls', { timeout: 120_000 }, async () => {
  const [parts, sums] = [aQueue(), aQueue()];
  const seen = answers();
  const runner = start([parts.worker((n) => ({ n }), { concurrency: 200 }), sums.worker((all) => all)]);
  const flow = await group(
    times(many, (n) => parts.task(n)),
    { then: sums.task() },
  );
  expect(await flow.result(soon)).toEqual(times(many, (n) => ({ n })));
  await runner.stop();
  vi.restoreAllMocks();
  expect(seen.filter((answer) => answer === 'more')).toHaveLength(Math.ceil(many / 1_000) - 1);
  const fields = await redis().hkeys(`{hotqueue:${sums.name}}:parents:${flow.id}`);
  expect(fields.filter((field) => field.startsWith('part') && field !== 'parts')).toEqual([]);
});

it('results in the form of nested groups, over several calls', { timeout: 120_000 }, async () => {
  const queue = aQueue();
  const runner = start(queue.worker((n) => n, { concurrency: 200 }));
  const flow = await chain(
    group([
      group(times(600, (n) => queue.task(n))),
      queue.task('one'),
      group(times(600, (n) => queue.task(1_000 + n))),
    ]),
    queue.task(),
  );
  expect(await flow.result(soon)).toEqual([times(600, (n) => n), 'one', times(600, (n) => 1_000 + n)]);
  await runner.stop();
});

it('its process dies between two calls, and calls come twice: the job runs once', { timeout: 120_000 }, async () => {
  const [parts, sums] = [aQueue(), aQueue()];
  const flow = await group(
    times(many, (n) => parts.task(n)),
    { then: sums.task() },
  );
  const broker = aBroker(sums.name);
  const text = (id: string): string => `hotqueue ${parts.name} ${id}`;
  const key = broker.keys.parents(flow.id);
  // All have ended but one, as if they had been told.
  const [last, ...others] = flow.jobs.slice(0, -1);
  const ended: Record<string, string | number> = {};
  for (const [n, { id }] of others.entries()) Object.assign(ended, { [`=${text(id)}`]: 'done', [`r${text(id)}`]: n });
  await redis().hset(key, ended);
  await redis().hset(key, 'left', 1);
  const { waiting, blocked, delayed, delayedMessages, meta, jobIndexes } = broker.keys;
  const keys = [blocked, delayed, delayedMessages, meta, ...jobIndexes, ...waiting, key, broker.keys.job(flow.id)];
  const call = async (...end: string[]) => {
    const words = pack([String(1 + end.length), flow.id, ...end]);
    return ((await broker.connection.script('parent-ended', keys, [words], patience)) as string[])[0];
  };
  const end = [text(last!.id), 'done', '"last"', ''];
  expect(await call(...end)).toBe('more'); // the process dies here
  expect(await sums.size()).toBe(0);
  if (many > 2_000) expect(await call(...end)).toBe('more'); // the notice is delivered again
  await redis().zadd(blocked, 1, flow.id);
  await Promise.all([lookAtBlocked(broker, patience), broker.flows.goOn(flow.id, patience)]);
  expect(await sums.size()).toBe(1);
  expect(await call(...end)).toBe('known');
  expect(await call()).toBe('known');
  expect(await sums.get()).toEqual(['last', ...times(many - 1, (n) => n)]);
  expect(await sums.size()).toBe(0);
});

it('job.parents() of very many reads them in portions', { timeout: 120_000 }, async () => {
  const queue = aQueue();
  const parents = times(many, (n) => `hotqueue other ${n}`);
  const what = { parents, onFailure: 'run', input: 'own', due: '' };
  const { flows, keys } = aBroker(queue.name);
  await flows.block('child', 1, what, patience);
  await redis().hset(keys.parents('child'), `=${parents[1_050]!}`, 'done', `r${parents[1_050]!}`, '5');
  const read = await flows.parents('child', patience);
  expect(read.map(({ text }) => text)).toEqual(parents);
  expect(read[1_050]).toEqual({ text: parents[1_050], how: 'done', result: '5', failure: undefined });
  expect(read[1_051]).toEqual({ text: parents[1_051], how: '', result: undefined, failure: undefined });
});

it('maintenance goes on with a payload that was begun', async () => {
  const queue = aQueue();
  const goOn = vi.spyOn(FlowBroker.prototype, 'goOn');
  const flow = await chain(queue.task(1), queue.task());
  const broker = aBroker(queue.name);
  const [parent] = await redis().hmget(broker.keys.parents(flow.id), 'order');
  await redis().hset(broker.keys.parents(flow.id), `=${parent!}`, 'done', `r${parent!}`, '7', 'left', 0);
  await redis().zadd(broker.keys.blocked, 1, flow.id);
  await lookAtBlocked(broker, patience);
  await until(() => goOn.mock.calls.length);
  expect(await queue.size()).toBe(2);
  vi.restoreAllMocks();
});
