import { expect, it } from 'vitest';
import { type HotQueue } from 'hotqueue';
import { Keys } from '../../src/redis/keys.js';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aTerminal, hotqueueWords } from '../support/terminal.js';
import { hotqueue } from './hotqueue.js';

/** Keys of a queue that stay: batch numbers of put batchers and answers to requests, which expire. */
const expiring = /:(producer|request):/;

/** What Redis stores of a queue. */
async function leftOf({ name }: HotQueue): Promise<{ keys: string[]; isNamed: boolean }> {
  const { base, names } = new Keys(name);
  const keys = await redis().keys(`*${base}*`);
  for (const key of keys.filter((one) => expiring.test(one))) expect(await redis().pttl(key)).toBeGreaterThan(0);
  return {
    keys: keys.filter((key) => !expiring.test(key)).sort(),
    isNamed: (await redis().sismember(names, name)) === 1,
  };
}

const nothing = { keys: [], isNamed: false };

/** Each thing that a queue can have, and how "queues rm" calls it. */
const contents: readonly [what: string, make: (queue: HotQueue) => Promise<(() => Promise<unknown>) | void>][] = [
  ['1 waiting message', async (queue) => void (await queue.put('a'))],
  ['1 waiting message', async (queue) => void (await queue.with({ priority: 'low' }).put('a'))],
  ['1 delayed message', async (queue) => void (await queue.with({ delay: '1h' }).put('a'))],
  [
    '1 dead letter',
    async (queue) => {
      await queue.put('a');
      for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('unwanted');
    },
  ],
  [
    '1 worker, 1 active message',
    async (queue) => {
      await queue.put('a');
      const consumer = queue.deliveries();
      await consumer.next();
      return () => consumer.return();
    },
  ],
];

it.each(contents)('queues rm refuses a queue with %s, and removes it with --force --yes', async (what, make) => {
  const queue = aQueue();
  const stop = await make(queue);
  const before = await leftOf(queue);
  expect(await hotqueue(['queues', 'rm', queue.name])).toEqual({
    code: 1,
    stdout: '',
    stderr: `hotqueue: ${queue.name} was not removed: it has ${what}. Stop its workers, or add --force\n`,
  });
  expect(await hotqueue(['queues', 'rm', queue.name, '--force'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      `remove ${queue.name} with ${what} permanently? There is no terminal to ask on: add --yes`,
    ) as string,
  });
  expect(await leftOf(queue)).toEqual(before);
  expect(await hotqueue(['queues', 'rm', queue.name, '--force', '--yes'])).toEqual({
    code: 0,
    stdout: `${queue.name} is removed, with ${what}\n`,
    stderr: '',
  });
  expect(await leftOf(queue)).toEqual(nothing);
  await stop?.();
});

it.each([
  ['n', 0],
  ['y', 1],
])('queues rm --force asks on a terminal: %s', async (key, removed) => {
  const queue = aQueue();
  await queue.put('a');
  const words = hotqueueWords('queues', 'rm', queue.name, '--force', '--url', redisUrl());
  const terminal = await aTerminal(words, { cols: 160 });
  await terminal.shows(/1 waiting message permanently\? \[y\/N\]/);
  terminal.enter(key);
  await terminal.shows(removed ? 'is removed' : 'nothing was removed');
  expect(await queue.size()).toBe(1 - removed);
});

it('queues rm removes a queue without messages, its pause and the ids that it knows, and tells a second call so', async () => {
  const queue = aQueue();
  await queue.with({ id: 'own' }).put('a');
  expect(await queue.get()).toBe('a');
  await until(async () => (await queue.counts()).workers === 0);
  await queue.pause();
  const { stdout } = await hotqueue(['queues', 'rm', queue.name, '--json']);
  expect(JSON.parse(stdout)).toEqual({
    queue: queue.name,
    removed: { workers: 0, waiting: 0, delayed: 0, active: 0, dead: 0, schedules: 0, ids: 1 },
  });
  expect(await leftOf(queue)).toEqual(nothing);
  expect(await hotqueue(['queues', 'rm', queue.name, '--force', '--yes'])).toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringContaining(`there is no queue ${queue.name}`) as string,
  });
  expect((await queue.with({ id: 'own' }).put('b')).isDuplicate).toBeFalsy();
});

it('queues rm removes nothing of a queue whose name begins the same, or of another prefix', async () => {
  const queue = aQueue();
  const others = [`${queue.name}:claims`, `${queue.name}2`].map((name) => aQueue({ name }));
  const elsewhere = aQueue({ name: queue.name, prefix: 'shop' });
  for (const one of [queue, elsewhere, ...others]) await one.with({ id: 'own' }).put('a');
  expect(await hotqueue(['queues', 'rm', queue.name, '--force', '--yes'])).toMatchObject({ code: 0 });
  for (const one of [elsewhere, ...others]) {
    expect(await one.size()).toBe(1);
    expect((await one.with({ id: 'own' }).put('a')).isDuplicate).toBe(true);
  }
  expect(await hotqueue(['queues', 'rm', queue.name, '--prefix', 'shop', '--force', '--yes'])).toMatchObject({
    code: 0,
  });
  expect(await elsewhere.size()).toBe(0);
});

it('queues rm deletes the claims of a worker that died, also without a registration', async () => {
  const queue = aQueue();
  const keys = new Keys(queue.name);
  await queue.put('a');
  const consumer = queue.deliveries();
  await consumer.next();
  await redis().del(keys.workers, keys.registry, keys.heartbeats);
  expect((await hotqueue(['queues', 'rm', queue.name])).stderr).toContain('was not removed');
  expect(await hotqueue(['queues', 'rm', queue.name, '--force', '--yes'])).toMatchObject({ code: 0 });
  expect(await leftOf(queue)).toEqual(nothing);
  await consumer.return();
});

it.each([
  [['queues', 'rm'], 2, /missing required argument 'queue'/],
  [['queues', 'rm', 'a{b}'], 1, /^hotqueue: invalid queue name "a\{b\}"/],
  [['queues', 'drop', 'emails'], 2, /error/],
])('%j exits with %i', async (args, code, sentence) => {
  const ended = await hotqueue(args);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code, stdout: '' });
});
