import { expect, it, vi } from 'vitest';
import { HotQueue, HotQueueError, InvalidOptionError } from 'hotqueue';
import { longestMs, toMs, type Duration } from '../../src/core/duration.js';
import { sleep, Timer } from '../../src/core/timer.js';

it.each([
  [0, 0],
  [-0, 0],
  [1.4, 1],
  ['1.5s', 1_500],
  ['0ms', 0],
  ['30d', 2_592_000_000],
  [longestMs, longestMs],
] as [Duration, number][])('reads %j as %d ms', (value, ms) => {
  expect(Object.is(toMs(value, 'timeout'), ms)).toBe(true);
});

const unreadable = {
  toString() {
    throw new TypeError('not for you');
  },
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const refused: [string, unknown][] = [
  ['a negative number', -1],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['more than 100 years', longestMs + 1],
  ['more than 100 years as text', '36600d'],
  ['a text that means Infinity', `${'9'.repeat(400)}d`],
  ['the largest number', Number.MAX_VALUE],
  ['a BigInt', 5n],
  ['a huge BigInt', 10n ** 500n],
  ['exponents', '1e3'],
  ['exponents with a unit', '1e3ms'],
  ['a text without a unit', '1000'],
  ['a negative text', '-1s'],
  ['spaces', ' 1s'],
  ['an unknown unit', '1w'],
  ['an empty text', ''],
  ['a long text', 'x'.repeat(100_000)],
  ['a symbol', Symbol('1s')],
  ['null', null],
  ['true', true],
  ['an array', ['1s']],
  ['an object whose toString throws', unreadable],
  ['an object without a prototype', Object.create(null)],
  ['a revoked proxy', revoked.proxy],
  ['a date', new Date()],
  ['a function', () => 5],
];

it.each(refused)('refuses %s as a duration, in a short sentence', (_what, value) => {
  expect(() => toMs(value as never, 'timeout')).toThrow(InvalidOptionError);
  expect(() => toMs(value as never, 'timeout')).toThrow(/^invalid timeout .{0,150}: expected /s);
});

const queue = new HotQueue('numbers', { logger: false, port: 1 });
const calls: [string, (value: never) => unknown][] = [
  ['lease', (lease) => new HotQueue('x', { lease })],
  ['delay', (delay) => queue.with({ delay })],
  ['at', (at) => queue.with({ at })],
  ['uniqueFor', (uniqueFor) => queue.with({ id: 'x', uniqueFor })],
  ['attempts', (attempts) => queue.with({ attempts })],
  ['backoff', (backoff) => queue.with({ backoff })],
  ['timeout', (timeout) => queue.with({ timeout })],
  ['ttl', (ttl) => queue.with({ ttl })],
  ['idleTimeout', (idleTimeout) => queue.consume({ idleTimeout })],
  ['limit', (limit) => queue.consume({ limit })],
  ['batch', (batch) => queue.consume({ batch })],
  ['linger', (linger) => queue.consume({ batch: 2, linger })],
  ['get timeout', (timeout) => queue.get({ block: true, timeout })],
  ['pause for', (time) => queue.pause({ for: time })],
  ['maxLength', (maxLength) => new HotQueue('x', { maxLength })],
  ['maxBytes', (maxBytes) => new HotQueue('x', { maxBytes })],
  ['maxDepth', (maxDepth) => new HotQueue('x', { maxDepth })],
  ['port', (port) => new HotQueue('x', { port })],
  ['db', (db) => new HotQueue('x', { db })],
  ['password', (password) => new HotQueue('x', { password })],
  ['deadLetters', (deadLetters) => new HotQueue('x', { deadLetters })],
  ['deadLetters.max', (max) => new HotQueue('x', { deadLetters: { max } })],
  ['deadLetters.maxAge', (maxAge) => new HotQueue('x', { deadLetters: { maxAge } })],
  ['concurrency', (concurrency) => queue.worker(() => undefined, { concurrency })],
  ['worker timeout', (timeout) => queue.worker(() => undefined, { timeout })],
  ['the options of a worker', (options) => queue.worker(() => undefined, options)],
  ['the options of a queue', (options) => new HotQueue('x', options)],
  ['the name of a queue', (name) => new HotQueue(name)],
];
const hostile = refused.filter(([what]) => !['a date', 'a function', 'null', 'an array', 'a long text'].includes(what));

it.each(calls)(
  '%s: every hostile value is a typed error or a valid value, never a raw TypeError',
  async (_name, call) => {
    for (const [what, value] of hostile) {
      const error: unknown = await Promise.resolve()
        .then(() => call(value as never))
        .then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
      if (error !== undefined) expect(error, what).toBeInstanceOf(HotQueueError);
    }
  },
);

it('refuses options that cannot be read, and keeps the cause', () => {
  const options = {
    get timeout(): never {
      throw new RangeError('no');
    },
  };
  expect(() => queue.with(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', cause: expect.any(RangeError) as Error }) as Error,
  );
  expect(() => new HotQueue('x', revoked.proxy)).toThrow(InvalidOptionError);
});

it('does not show a password of the wrong type', () => {
  expect(() => new HotQueue('x', { password: 12345 as never })).toThrow(/^[^0-9]*$/);
});

it('waits longer than the longest timer of Node', () => {
  vi.useFakeTimers();
  try {
    const fired = vi.fn();
    const days = (n: number): number => n * 86_400_000;
    new Timer(days(60), fired);
    const stopped = new Timer(days(60), fired);
    vi.advanceTimersByTime(days(59));
    expect(fired).not.toHaveBeenCalled();
    stopped.stop();
    vi.advanceTimersByTime(days(2));
    expect(fired).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});

it('a sleep ends when its signal aborts, and leaves no listener', async () => {
  const controller = new AbortController();
  const removed = vi.spyOn(controller.signal, 'removeEventListener');
  const sleeping = sleep(longestMs, controller.signal);
  controller.abort();
  await sleeping;
  expect(removed).toHaveBeenCalledTimes(1);
  await sleep(longestMs, controller.signal);
});

it.each([
  'redis://:%zz@127.0.0.1:1',
  'redis://%E0%A4%A@127.0.0.1:1',
  'redis://127.0.0.1:1/%zz',
  'redis://127.0.0.1:99999',
  'redis://127.0.0.1:1/-1',
  'redis://[::1',
  'unix://%zz',
  'http://127.0.0.1:1',
  'redis://',
  ' ',
  'redis://127.0.0.1:1/0?db=x&tls=%zz',
  'redis://127.0.0.1:1?family=x',
  'unix://:%zz@/tmp/nothing.sock',
])('the url %s gives a typed error or works, and never a raw TypeError or URIError', async (url) => {
  const error: unknown = await (async () => {
    const given = new HotQueue('urls', { url, logger: false });
    await given.get().finally(() => given.close());
  })().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HotQueueError);
});
