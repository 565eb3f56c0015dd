import { describe, expect, it } from 'vitest';
import {
  Bury,
  RetryIn,
  start,
  type Delivery,
  type HotQueue,
  type LogFields,
  type Logger,
  type WorkerSource,
} from 'hotqueue';
import { until } from '../support/facts.js';
import { aQueue, redis } from '../support/queue.js';

class NotFound extends Error {}

const letters = (queue: HotQueue, count = 1) =>
  until(
    () => queue.dead.list(),
    ({ length }) => length === count,
  );
const isDelayed = (queue: HotQueue) =>
  until(
    () => queue.counts(),
    ({ delayed }) => delayed === 1,
  );
/** Ms until the only delayed message is due, rounded up by at most a second. */
async function waitsMs(queue: HotQueue): Promise<number> {
  const [, due] = await redis().zrange(`{${queue.key}}:delayed`, 0, '0', 'WITHSCORES');
  const [seconds] = await redis().time();
  return Number(due) - Number(seconds) * 1_000;
}

/** A logger that records each message with its level. */
function listener(): Logger & { readonly told: [string, string][] } {
  const told: [string, string][] = [];
  const on = (level: string) => (_fields: LogFields, sentence: string) => void told.push([level, sentence]);
  return { told, debug: on('debug'), info: on('info'), warn: on('warn'), error: on('error') };
}

describe('a message that failed', () => {
  it('waits as its backoff list says; the last delay repeats', async () => {
    const queue = aQueue();
    const delays: number[] = [];
    queue.events.on('retry', ({ delayMs }) => delays.push(delayMs));
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          throw new Error('no');
        },
        { attempts: 5, backoff: [3, 1, 2] },
      ),
    );
    await letters(queue);
    await runner.stop();
    expect(delays).toEqual([3, 1, 2, 2]);
  });

  it('waits as its backoff function says, which gets the attempt and the error', async () => {
    const queue = aQueue();
    const asked: unknown[] = [];
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          throw new NotFound('no');
        },
        {
          attempts: 3,
          backoff: (attempt, error) => {
            asked.push([attempt, error instanceof NotFound]);
            return 1;
          },
        },
      ),
    );
    await letters(queue);
    await runner.stop();
    expect(asked).toEqual([
      [1, true],
      [2, true],
    ]);
  });

  it('is not lost if that function returns nonsense: it waits for the default delay, and a warning is logged', async () => {
    const logger = listener();
    const queue = aQueue({ logger });
    await queue.put('x');
    const runner = start(
      queue.worker(
        function resize() {
          throw new Error('no');
        },
        { backoff: () => 'soon' as '1s' },
      ),
    );
    await isDelayed(queue);
    await runner.stop();
    expect(
      logger.told.filter(([, sentence]) => sentence.startsWith('resize: backoff did not return a duration')),
    ).toMatchObject([['warn', expect.stringContaining('invalid backoff "soon": expected a duration') as string]]);
  });

  it("waits by its own backoff, which overrides the worker's", async () => {
    const queue = aQueue();
    await queue.with({ backoff: '1h' }).put('x');
    const runner = start(
      queue.worker(
        () => {
          throw new Error('no');
        },
        { backoff: [1] },
      ),
    );
    await isDelayed(queue);
    await runner.stop();
    expect(await waitsMs(queue)).toBeGreaterThan(1_700_000);
  });
});

describe('any thrown value', () => {
  const evil = new Error('evil');
  Object.defineProperty(evil, 'message', {
    get: () => {
      throw new Error('no message either');
    },
  });
  const circular = Object.assign(new Error('circular'), { violations: {} });
  circular.violations = circular;

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['an object without a prototype', Object.create(null), '[Object: null prototype] {}'],
    ['an error that cannot be read', evil, 'unknown error: the thrown value cannot be read'],
    ['an error that holds itself', circular, 'circular'],
    ['an error with odd parts', Object.assign(new Error('odd'), { name: 7, stack: 7 }), 'odd'],
    ['a text', 'just text', 'just text'],
  ])('(%s) counts as a failure', async (_what, thrown, message) => {
    const queue = aQueue();
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          throw thrown;
        },
        { attempts: 2, backoff: 1 },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.attempts).toBe(2);
    if (thrown !== undefined) expect(letter!.failures.map((failure) => failure.message)).toEqual([message, message]);
  });
});

describe('retryIf', () => {
  it('buries a message at once if it returns false, and gets the number of the failed attempt', async () => {
    const queue = aQueue();
    const asked: unknown[] = [];
    await queue.put('gone');
    const runner = start(
      queue.worker(
        (_item, job) => {
          throw job.attempt === 1 ? new Error('hiccup') : new NotFound('gone');
        },
        {
          attempts: 9,
          backoff: 1,
          retryIf: (error, attempt) => {
            asked.push(attempt);
            return !(error instanceof NotFound);
          },
        },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter).toMatchObject({
      attempts: 2,
      reason: 'failed 2 of 9 attempts, and retryIf returned false',
      error: { message: 'gone' },
    });
    expect(asked).toEqual([1, 2]);
  });

  it('that throws loses no message: the message is retried', async () => {
    const logger = listener();
    const queue = aQueue({ logger });
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          throw new Error('no');
        },
        {
          attempts: 2,
          backoff: 1,
          retryIf: () => {
            throw new Error('slip');
          },
        },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.attempts).toBe(2);
    expect(logger.told.filter(([, sentence]) => sentence.includes('retryIf threw (Error: slip)'))).toHaveLength(1);
  });
});

describe('a verdict', () => {
  it('Bury buries the message at once, with its reason and cause, and is logged at level info', async () => {
    const logger = listener();
    const queue = aQueue({ logger });
    const buried: unknown[] = [];
    queue.events.on('bury', ({ reason, attempt }) => buried.push([reason, attempt]));
    const cause = new NotFound('no such account');
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          throw new Bury('account closed', { cause });
        },
        { attempts: 9 },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter).toMatchObject({
      reason: 'account closed',
      attempts: 1,
      error: { name: 'Error', message: 'no such account' },
    });
    expect(buried).toEqual([['account closed', 1]]);
    expect(logger.told).toEqual([['info', expect.stringContaining('was buried (account closed)')]]);
  });

  it('Bury without a cause is itself the error of the dead letter, with its stack', async () => {
    const queue = aQueue();
    await queue.put('x');
    const runner = start(
      queue.worker(() => {
        throw new Bury('account closed');
      }),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.error).toMatchObject({
      name: 'Bury',
      message: 'account closed',
      stack: expect.stringContaining('retries.test') as string,
    });
  });

  it('RetryIn delays the retry by its own time, overrides backoff and retryIf, and is logged at level info', async () => {
    const logger = listener();
    const queue = aQueue({ logger });
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          throw new RetryIn('2h');
        },
        { backoff: 1, retryIf: () => false },
      ),
    );
    await isDelayed(queue);
    await runner.stop();
    expect(await waitsMs(queue)).toBeGreaterThan(7_190_000);
    expect(logger.told).toEqual([['info', expect.stringContaining('next attempt in 7200000 ms')]]);
  });

  it('RetryIn retries at most until the attempts are used up', async () => {
    const queue = aQueue();
    let runs = 0;
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          runs += 1;
          throw new RetryIn(1);
        },
        { attempts: 4, backoff: '1h' },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(runs).toBe(4);
    expect(letter!.reason).toBe('failed 4 of 4 attempts');
  });

  it('RetryIn with an invalid delay counts as a failure', async () => {
    const queue = aQueue();
    await queue.put('x');
    const runner = start(
      queue.worker(
        () => {
          throw new RetryIn('soon' as '1s');
        },
        { attempts: 1 },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.error).toMatchObject({ name: 'InvalidOptionError' });
  });

  it('thrown in a consume loop leaves the loop: the message is released', async () => {
    const queue = aQueue();
    await queue.put('x');
    await expect(
      (async () => {
        for await (const _ of queue.consume()) throw new Bury('not here');
      })(),
    ).rejects.toThrow('not here');
    expect(await queue.counts()).toMatchObject({ waiting: 1, dead: 0 });
  });
});

describe('the failures of a message', () => {
  it('are kept from attempt to attempt, and are gone when it succeeds', async () => {
    const queue = aQueue();
    await queue.put({ to: 'jörg' });
    const seen: unknown[] = [];
    const runner = start(
      queue.worker(
        (item, job) => {
          seen.push(item);
          if (job.attempt < 4) throw new TypeError(`größer ${job.attempt}`);
        },
        { attempts: 5, backoff: 1 },
      ),
    );
    await until(
      () => queue.counts(),
      ({ waiting, delayed, active }) => waiting + delayed + active === 0 && seen.length === 4,
    );
    await runner.stop();
    expect(seen).toEqual(Array.from({ length: 4 }, () => ({ to: 'jörg' })));
    const left = await redis().keys(`{${queue.key}}:*`);
    expect(left.filter((key) => !/:(meta|registry|roll|left|producer:.*|metrics:.*)$/.test(key))).toEqual([]);
  });

  it('are listed in its dead letter, oldest first, with the last one', async () => {
    const queue = aQueue();
    await queue.put('x');
    const before = Date.now();
    const runner = start(
      queue.worker(
        (_item, job) => {
          throw new RangeError(`failure ${job.attempt}`);
        },
        { attempts: 13, backoff: 0 },
      ),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.failures.map(({ attempt, name, message }) => `${attempt} ${name}: ${message}`)).toEqual(
      Array.from({ length: 11 }, (_, index) => `${index + 3} RangeError: failure ${index + 3}`),
    );
    for (const { at } of letter!.failures) expect(at).toBeGreaterThanOrEqual(before - 1_000);
    expect(letter).toMatchObject({ text: '"x"', attempts: 13 });
  });

  it('are kept through a delay, a release and a change of worker', async () => {
    const queue = aQueue();
    const { id } = await queue.put('x');
    let runner = start(
      queue.worker(
        () => {
          throw new Error('first');
        },
        { backoff: '1h' },
      ),
    );
    await isDelayed(queue);
    await runner.stop();
    expect(await queue.delayed.promote(id)).toBe(true);
    const again = queue.deliveries({ limit: 1 });
    const { value } = await again.next();
    expect(value!.attempt).toBe(2);
    await again.return(); // released, the attempt is not counted
    runner = start(
      queue.worker(() => {
        throw new Bury('enough');
      }),
    );
    const [letter] = await letters(queue);
    await runner.stop();
    expect(letter!.failures.map(({ attempt, message }) => [attempt, message])).toEqual([
      [1, 'first'],
      [2, 'enough'],
    ]);
  });

  it('add nothing to a message that never fails', async () => {
    const queue = aQueue();
    const { id } = await queue.put('x');
    expect(await redis().lrange(queue.key, 0, -1)).toEqual([`#${id} 0 0\n"x"`]);
  });
});

describe('an error given to fail()', () => {
  const told = new Bury('no such customer');
  it.each([
    ['a handler', {}],
    ['a handler of batches', { batch: 2 }],
    ['a handler with a timeout', { timeout: '1h' }],
    ['a handler of batches with a timeout', { batch: 2, timeout: '1h' }],
  ])('counts for its message also if %s throws another one afterwards', async (_what, options) => {
    for (const isAsync of [true, false]) {
      const queue = aQueue();
      await queue.put('x');
      const handle = (_item: unknown, jobs: Delivery | Delivery[]): unknown => {
        for (const job of [jobs].flat()) job.fail(told);
        if (isAsync) return Promise.reject(new Error('the connection was closed'));
        throw new Error('the connection was closed');
      };
      const declare = queue.worker as unknown as (handler: unknown, options: object) => WorkerSource;
      const runner = start(declare(handle, options));
      const [letter] = await letters(queue);
      await runner.stop();
      expect(letter).toMatchObject({ reason: 'no such customer', attempts: 1 });
    }
  });
});
