/** What a caller gives in JavaScript, with wrong types: each call refuses it with an error of this library, and asks Redis for nothing. */
import { expect, it, describe } from 'vitest';
import { chain, group, HotQueue, HotQueueError } from 'hotqueue';
import { aQueue } from '../support/queue.js';

/** No list, no text, no number, no date, no options. */
const wrong: Record<string, unknown> = {
  NaN,
  Infinity,
  'a negative number': -1,
  'a fraction': 1.5,
  'a huge number': 1e20,
  'a BigInt': 5n,
  null: null,
  true: true,
  'a symbol': Symbol('x'),
  'a function': () => 1,
  'an object': { a: 1 },
  'an array of no sense': [{}],
  'an empty text': '',
  'an invalid date': new Date(NaN),
  'a String': new String('1s'),
};

type Call = (queue: HotQueue, value: never) => unknown;
const calls: Record<string, Call> = {
  'peek(n)': (queue, n) => queue.peek(n),
  'history.read({ since })': (queue, since) => queue.history.read({ since }),
  'history.read({ until })': (queue, until) => queue.history.read({ until }),
  'history.read({ limit })': (queue, limit) => queue.history.read({ limit }),
  'history.read({ verb })': (queue, verb) => queue.history.read({ verb }),
  'metrics({ since })': (queue, since) => queue.metrics({ since }),
  'metrics({ step })': (queue, step) => queue.metrics({ step }),
  'jobs.list({ limit })': (queue, limit) => queue.jobs.list({ status: 'done', limit }),
  'dead.list({ limit })': (queue, limit) => queue.dead.list({ limit }),
  'delayed.list({ offset })': (queue, offset) => queue.delayed.list({ offset }),
  'job(id).result({ timeout })': (queue, timeout) => queue.job('x').result({ timeout }),
  'schedules.set(name, { every })': (queue, every) => queue.schedules.set('s', { every, payload: 1 }),
  'schedules.set(name, { cron })': (queue, cron) => queue.schedules.set('s', { cron, payload: 1 }),
  'schedules.set(name, { start })': (queue, start) => queue.schedules.set('s', { every: '1h', start, payload: 1 }),
  'schedules.set(name, { limit })': (queue, limit) => queue.schedules.set('s', { every: '1h', limit, payload: 1 }),
  'schedules.set(name)': (queue, name) => queue.schedules.set(name, { every: '1h', payload: 1 }),
  'chain(task)': (_queue, task) => chain(task),
  'group(tasks)': (_queue, tasks) => group(tasks),
  'with({ at })': (queue, at) => queue.with({ at }),
  'with({ priority })': (queue, priority) => queue.with({ priority }),
  'with({ after })': (queue, after) => queue.with({ after }).put(1),
  'new HotQueue(name)': (_queue, name) => new HotQueue(name),
  'new HotQueue(name, { logger })': (_queue, logger) => new HotQueue('x', { logger }),
  'new HotQueue(name, { history })': (_queue, history) => new HotQueue('x', { history }),
};

describe.each(Object.entries(calls))('%s', (_name, call) => {
  it.each(Object.entries(wrong))('refuses %s', async (_what, value) => {
    const refusal = await (async () => call(aQueue(), value as never))().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(HotQueueError);
    expect((refusal as HotQueueError).code).not.toMatch(/REDIS/);
  });
});

it.each(Object.entries(wrong).filter(([, value]) => !Array.isArray(value) && !(value instanceof String)))(
  'putAll refuses %s',
  async (_what, value) => {
    await expect(aQueue().putAll(value as never)).rejects.toThrow(HotQueueError);
  },
);

it('putAll refuses a text, which is a list of its letters', async () => {
  const queue = aQueue();
  await expect(queue.putAll('hello')).rejects.toThrow(/invalid messages "hello": expected a list of messages/);
  expect(await queue.size()).toBe(0);
});
