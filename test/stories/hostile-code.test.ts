import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runInNewContext } from 'node:vm';
import { Bury, RetryIn, start, type Delivery, type LogFields, type Runner, type WorkerOptions } from 'hotqueue';
import { compiledTo } from '../support/compiled-generator.js';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';

interface Hostile {
  /** What the handler does with the message "hostile". */
  readonly handle?: (job: Delivery) => unknown;
  readonly options?: WorkerOptions;
  /** A listener of every event. */
  readonly listener?: () => unknown;
  readonly logger?: () => unknown;
}

const raise = (thrown: unknown) => (): never => {
  throw thrown as Error;
};
const nothing: unknown = Object.create(null);
const unreadable = new Proxy({}, { get: raise(1), getPrototypeOf: raise(2), has: raise(3), ownKeys: raise(4) });
const unprintable = { toString: raise(new Error('toString')), [Symbol.toPrimitive]: raise(new Error('toPrimitive')) };
const badBury = Object.defineProperty(new Bury('x'), 'reason', { get: raise(new Error('reason')) });
/** Answers so many times, then throws. */
const answering = (times: number, error: Error, key: string, value: unknown): Error =>
  Object.defineProperty(error, key, { get: () => (times-- > 0 ? value : failing()) });
/** Is first this, then that. */
const changing = (...prototypes: object[]): object =>
  new Proxy(new Error('x'), { getPrototypeOf: () => prototypes.shift() ?? failing() });
const asking = (delayMs: unknown): Error => Object.defineProperty(new RetryIn(0), 'delayMs', { value: delayMs });
class OwnPromise extends Promise<unknown> {
  static override get [Symbol.species](): PromiseConstructor {
    return failing();
  }
}
const failing = raise(new Error('no'));
const rejecting = (): Promise<never> => Promise.reject(new Error('rejected'));
const returning = (value: object) => ({ handle: () => value });

/** By what the code of the user does. */
const table: Record<string, Hostile> = {
  'a listener throws': { listener: failing },
  'a listener throws an object without a prototype': { listener: raise(nothing) },
  'a listener rejects': { listener: rejecting },
  'a logger throws': { handle: failing, logger: failing },
  'a logger throws an unprintable value': { handle: failing, logger: raise(unprintable) },
  'a logger rejects': { handle: failing, logger: rejecting },
  'retryIf throws': { handle: failing, options: { retryIf: failing } },
  'retryIf throws an object without a prototype': { handle: failing, options: { retryIf: raise(nothing) } },
  'retryIf throws an unreadable value': { handle: failing, options: { retryIf: raise(unreadable) } },
  'retryIf returns an unreadable value': { handle: failing, options: { retryIf: () => unreadable as never } },
  'retryIf rejects': { handle: failing, options: { retryIf: rejecting as never } },
  'backoff throws an unprintable value': { handle: failing, options: { backoff: raise(unprintable) } },
  'backoff returns an unreadable value': { handle: failing, options: { backoff: () => unreadable as never } },
  'backoff returns Infinity': { handle: failing, options: { backoff: () => Infinity } },
  'backoff rejects': { handle: failing, options: { backoff: rejecting as never } },
  'the handler throws undefined': { handle: raise(undefined) },
  'the handler throws an object without a prototype': { handle: raise(nothing) },
  'the handler throws an unprintable value': { handle: raise(unprintable) },
  'the handler throws an unreadable value': { handle: raise(unreadable) },
  'the handler throws an error whose reason throws': { handle: () => raise(badBury)() },
  'the handler rejects with an unreadable value': {
    handle: () => new Promise((_resolve, reject) => process.nextTick(reject, unreadable)),
  },
  ...Object.fromEntries(
    [0, 1, 2, 3].flatMap((times) => [
      [
        `the handler throws a reason that can be read ${times} times`,
        { handle: () => raise(answering(times, new Bury('x'), 'reason', 'x'))() },
      ],
      [
        `the handler throws a delay that can be read ${times} times`,
        { handle: () => raise(answering(times, new RetryIn(0), 'delayMs', 0))() },
      ],
      [
        `the handler throws a value that is a Bury ${times} times`,
        { handle: () => raise(changing(...Array<object>(times).fill(Bury.prototype)))() },
      ],
      [
        `the handler throws a value that is an Error ${times} times`,
        { handle: () => raise(changing(...Array<object>(times).fill(Error.prototype)))() },
      ],
    ]),
  ),
  'the handler throws a reason that is a symbol': {
    handle: () => raise(Object.defineProperty(new Bury('x'), 'reason', { value: Symbol('x') }))(),
  },
  'the handler throws a delay that is NaN': { handle: () => raise(asking(NaN))() },
  'the handler throws a delay that is negative': { handle: () => raise(asking(-1))() },
  'the handler throws a delay that is infinite': { handle: () => raise(asking(Infinity))() },
  'the handler throws a delay that is a symbol': { handle: () => raise(asking(Symbol('x')))() },
  'the handler returns a promise that cannot be waited for': { handle: () => new OwnPromise((resolve) => resolve(1)) },
  'retryIf rejects in another realm': {
    handle: failing,
    options: { retryIf: () => runInNewContext('Promise.reject(1)') as never },
  },
  'a listener rejects in another realm': { listener: () => runInNewContext('Promise.reject(1)') as unknown },
  'a logger rejects in another realm': {
    handle: failing,
    logger: () => runInNewContext('Promise.reject(1)') as unknown,
  },
  'job.fail gets an unreadable value': { handle: (job) => job.fail(unreadable) },
  'the handler freezes its delivery': { handle: (job) => Object.freeze(job) && failing() },
  'the handler freezes its delivery, then fails it': { handle: (job) => Object.freeze(job).fail(new Error('no')) },
  'the handler replaces the public methods of its delivery': {
    handle: (job) => Object.assign(job, { ack: failing, retry: failing, bury: failing, release: failing }) && failing(),
  },
  'a getter `then` throws': returning(Object.defineProperty({}, 'then', { get: failing })),
  'a getter `then` throws when it is read again': returning(
    Object.defineProperty({ reads: 0 }, 'then', {
      get(this: { reads: number }) {
        if (this.reads++ > 0) throw new Error('read twice');
        return (resolve: (value: unknown) => void) => resolve(1);
      },
    }),
  ),
  'a method `then` throws': returning({ then: failing }),
  'a method `then` calls everything twice': returning({
    then: (resolve: () => void, reject: () => void) => [resolve(), reject(), resolve(), reject()],
  }),
  'the handler returns an unreadable value': returning(unreadable),
  'the handler rejects later with an unreadable value': {
    handle: () => new Promise((_resolve, reject) => setImmediate(reject, unreadable)),
  },
};

/** Runs the messages "hostile" and "good" with one slot. @returns what was logged */
async function run(
  { handle, options, listener, logger }: Hostile,
  more: WorkerOptions = {},
): Promise<readonly string[]> {
  const lines: string[] = [];
  const log = (_fields: LogFields, line: string): unknown => (lines.push(line), logger?.());
  const queue = aQueue({ logger: { debug: () => undefined, info: log, warn: log, error: log } });
  const done: unknown[] = [];
  if (listener) for (const verb of ['put', 'take', 'ack', 'retry', 'bury'] as const) queue.events.on(verb, listener);
  await queue.put('hostile', 'good');
  const work = queue.worker(
    (item, job) => {
      if (item === 'good') return void done.push(item);
      return handle?.(job);
    },
    { attempts: 2, backoff: 0, ...options, ...more },
  );
  const runner: Runner = start(work);
  await until(() => done.length === 1);
  await until(
    () => queue.counts(),
    ({ waiting, active, delayed }) => waiting + active + delayed === 0,
  );
  await runner.stop();
  return lines;
}

describe.each(Object.entries(table))('if %s,', (what, hostile) => {
  it.each([
    ['', {}],
    [' with a timeout', { timeout: '10s' as const }],
  ])('the message is settled, the next one runs, and the user is told%s', async (_with, more) => {
    const lines = await run(hostile, more);
    const isHarmless = /twice|read again|returns an unreadable value$/.test(what) && !/retryIf|backoff/.test(what);
    if (!isHarmless) expect(lines.length).toBeGreaterThan(0);
  });
});

it('a frozen delivery of a loop or of a batch is settled', async () => {
  const queue = aQueue({ logger: false });
  await queue.putAll([1, 2, 3]);
  for await (const delivery of queue.deliveries({ limit: 3 })) Object.freeze(delivery);
  await queue.drained();
  await queue.putAll([1, 2, 3]);
  const runner = start(queue.worker((_payloads, deliveries) => deliveries.forEach(Object.freeze), { batch: 2 }));
  await queue.drained();
  await runner.stop();
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 0, done: 6 });
});

it.each(['acknowledge', 'retryIn', 'buryAs'])(
  'a handler that replaces %s of its delivery leaves its slot to the next message',
  async (method) => {
    const lines: string[] = [];
    const queue = aQueue({
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: (_fields, line) => lines.push(line),
        error: () => undefined,
      },
    });
    const done: unknown[] = [];
    await queue.put('hostile', 'good');
    const runner = start(
      queue.worker(
        (item, job) => {
          if (item === 'good') return void done.push(item);
          Object.assign(job, { [method]: failing });
          if (method !== 'acknowledge') throw new Error('no');
        },
        { attempts: method === 'buryAs' ? 1 : 2, backoff: 0 },
      ),
    );
    await until(() => done.length === 1);
    expect(lines.at(-1)).toContain('was not settled (no): it will be handled again');
    await runner.stop();
  },
);

describe('a reason that is no text of a usual length', () => {
  it.each<[string, unknown, RegExp]>([
    ['an error', new TypeError('closed'), /^closed$/],
    ['an object', { a: 1 }, /^\{ a: 1 \}$/],
    ['undefined', undefined, /^undefined$/],
    ['null', null, /^null$/],
    ['a symbol', Symbol('x'), /^Symbol\(x\)$/],
    ['an unreadable value', unreadable, /cannot be read/],
    ['a long text', 'x'.repeat(1_000_000), /^x{8128}… \(1000000 characters in all\)$/],
  ])('%s is kept as a text of a bounded size', async (_what, reason, kept) => {
    const queue = aQueue();
    await queue.put('bury', 'throw');
    const runner = start(
      queue.worker((item, job) => {
        if (item === 'bury') return job.bury(reason as string);
        throw Object.defineProperty(new Bury('x'), 'reason', { value: reason });
      }),
    );
    await until(
      () => queue.dead.size(),
      (size) => size === 2,
    );
    for (const letter of await queue.dead.list()) expect(letter.reason).toMatch(kept);
    await runner.stop();
  });
});

describe('a handler that returns work that was not done', () => {
  async function* asyncParts(): AsyncGenerator<number> {
    yield 1;
  }
  function* parts(): Generator<number> {
    yield 1;
  }
  const unread: Record<string, () => unknown> = {
    'a generator': () => parts(),
    'an async generator': () => asyncParts(),
    'an async generator, compiled to ES2017': () => compiledTo('es2017', 'async function* made() { yield 1; }'),
    'a generator, compiled to ES5': () => compiledTo('es5', 'function* made() { yield 1; }'),
    'a stream': () => Readable.from(['a']),
    'a web stream': () => new ReadableStream(),
  };

  describe.each(Object.entries(unread))('%s', (_what, make) => {
    it.each([
      ['directly', (result: unknown) => result, {}],
      ['from an async function', async (result: unknown) => Promise.resolve(result), {}],
      ['with a timeout', (result: unknown) => result, { timeout: '10s' as const }],
      ['in a batch', (result: unknown) => result, { batch: 2 }],
    ])('fails with an error that says so, %s', async (_how, give, options) => {
      const queue = aQueue();
      const errors: unknown[] = [];
      queue.events.on('bury', ({ error }) => void errors.push(error));
      await queue.put('a');
      const runner = start(
        queue.worker((() => give(make())) as () => Promise<void>, { attempts: 1, ...options } as object),
      );
      await until(() => errors.length > 0);
      expect(errors).toEqual([expect.objectContaining({ code: 'UNREAD_RESULT' })]);
      await runner.stop();
    });
  });

  it.each<[string, () => unknown]>([
    ['an array', () => [1]],
    ['a map', () => new Map([[1, 2]])],
    [
      'a stream that was read',
      async () => {
        const read = Readable.from(['a']);
        for await (const _ of read);
        return read;
      },
    ],
    ['a stream that flows elsewhere', () => Readable.from(['a']).on('data', () => undefined)],
    [
      'a web stream that was read',
      async () => {
        const read = new Blob(['a']).stream();
        for await (const _ of read);
        return read;
      },
    ],
  ])('is none if it returns %s', async (_what, make) => {
    const queue = aQueue();
    const acked: unknown[] = [];
    queue.events.on('ack', (event) => void acked.push(event));
    await queue.put('a');
    const runner = start(queue.worker(make as () => Promise<void>));
    await until(() => acked.length === 1);
    await runner.stop();
  });
});
