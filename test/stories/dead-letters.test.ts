import { IsInt } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { start, type DeadLetter, type HotQueue, type QueueOptions } from 'hotqueue';
import { until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';
import { serverKind } from '../support/server.js';

class Task {
  @IsInt() n!: number;
}

/** A queue with `count` dead letters, with the payloads 0, 1, … in the order of burial. */
async function aQueueWithDead(
  count: number,
  options: QueueOptions & { payload?: undefined; name?: string } = {},
): Promise<HotQueue> {
  const queue = aQueue(options);
  await queue.putAll(Array.from({ length: count }, (_, index) => index));
  for await (const delivery of queue.deliveries({ limit: count }))
    await delivery.bury(Number(delivery.payload) % 2 === 0 ? 'even' : 'odd');
  return queue;
}

/** Writes dead letters directly to Redis. */
async function writeLetters(queue: HotQueue, count: number, at: (index: number) => number): Promise<void> {
  const own = `{${queue.key}}:dead`;
  for (let from = 0; from < count; from += 5_000) {
    const some = Array.from({ length: Math.min(5_000, count - from) }, (_, index) => from + index);
    await redis().hset(
      `${own}:messages`,
      ...some.flatMap((n) => [`id-${n}`, `{"lane":"b","reason":"test","attempts":3}\n#id-${n} 3 0\n${n}`]),
    );
    await redis().zadd(own, ...some.flatMap((n) => [at(n), `id-${n}`]));
  }
}

const textsOf = (letters: readonly DeadLetter[]) => letters.map(({ text }) => text);
async function ready(queue: HotQueue): Promise<unknown[]> {
  return (await queue.peek(1_000)).map(({ payload }) => payload);
}

describe('dead letters', () => {
  it('are counted, and listed newest or oldest first, in pages', async () => {
    const queue = aQueue();
    await writeLetters(queue, 5, (n) => 1_700_000_000_000 + n);
    expect(await queue.dead.size()).toBe(5);
    expect(textsOf(await queue.dead.list())).toEqual(['4', '3', '2', '1', '0']);
    expect(textsOf(await queue.dead.list({ order: 'oldest' }))).toEqual(['0', '1', '2', '3', '4']);
    expect(textsOf(await queue.dead.list({ limit: 2, offset: 1 }))).toEqual(['3', '2']);
    expect(textsOf(await queue.dead.list({ limit: 2, offset: 4, order: 'oldest' }))).toEqual(['4']);
    expect(await queue.dead.list({ offset: 5 })).toEqual([]);
  });

  it('can be read one by one: bytes, error and failures', async () => {
    const queue = aQueue();
    const { id, putAt } = await queue.put({ to: 'ada' });
    const runner = start(
      queue.worker(
        (_item, job) => {
          throw new TypeError(`no ${job.attempt}`);
        },
        { attempts: 2, backoff: 1 },
      ),
    );
    await until(() => queue.dead.size());
    await runner.stop();
    const letter = (await queue.dead.get(id))!;
    expect(letter).toMatchObject({
      id,
      key: id,
      queue: queue.name,
      reason: 'failed 2 of 2 attempts',
      attempts: 2,
      error: { name: 'TypeError', message: 'no 2', stack: expect.stringContaining('dead-letters.test') as string },
      failures: [
        { attempt: 1, name: 'TypeError', message: 'no 1' },
        { attempt: 2, name: 'TypeError', message: 'no 2' },
      ],
      text: '{"to":"ada"}',
    });
    expect(letter.bytes.toString()).toMatch(new RegExp(`^#${id} 1 0 d=\\d+ f=\\d+\\n\\[.*\\]\\n\\{"to":"ada"\\}$`));
    expect(letter.buriedAt).toBeGreaterThan(putAt - 60_000);
    expect(await queue.dead.get('unknown')).toBeUndefined();
  });

  it('with the same id have different keys', async () => {
    const queue = aQueue();
    await redis().rpush(queue.key, '#same 0 0\n1', '#same 0 0\n2');
    for await (const delivery of queue.deliveries({ limit: 2 })) await delivery.bury('test');
    const letters = await queue.dead.list({ order: 'oldest' });
    expect(letters.map(({ id, key }) => [id, key]).sort()).toEqual([
      ['same', 'same'],
      ['same', 'same~1'],
    ]);
    expect((await queue.dead.get('same~1'))!.text).toBe('2');
    expect(await queue.dead.revive('same~1')).toBe(1);
    expect(await redis().lrange(queue.key, 0, -1)).toEqual(['#same 0 0\n2']);
  });

  it('of a dead worker are listed with the others', async () => {
    const queue = aQueue();
    await redis().hset(
      `{${queue.key}}:dead:messages`,
      'id',
      '{"lane":"b","reason":"its worker died 3 times","attempts":0,"worker":"w"}\n#id 0 3\n"killer"',
    );
    await redis().zadd(`{${queue.key}}:dead`, 1, 'id');
    expect(await queue.dead.list()).toMatchObject([
      { id: 'id', reason: 'its worker died 3 times', attempts: 0, error: undefined, failures: [] },
    ]);
  });
});

describe('a dead letter that another program wrote', () => {
  it.each([
    ['without a record', '"x"', ''],
    ['with a record that is not JSON', 'oops\n"x"', '"x"'],
    ['with a record that is JSON, but no object', '7\n"x"', '"x"'],
  ])('(%s) is listed with the others, and can be revived', async (_what, entry, text) => {
    const queue = await aQueueWithDead(1);
    await redis().hset(`{${queue.key}}:dead:messages`, 'foreign', entry);
    await redis().zadd(`{${queue.key}}:dead`, 1, 'foreign');
    expect(await queue.dead.list()).toMatchObject([
      { reason: 'even' },
      { id: 'foreign', reason: 'unknown: its record cannot be read' },
    ]);
    if (text !== '') expect((await queue.dead.get('foreign'))!.text).toBe(text);
    expect(await queue.dead.reviveAll()).toBe(2);
    expect(await redis().lrange(queue.key, 0, 0)).toEqual(['#foreign 0 0\n"x"']);
  });
});

describe('reviving', () => {
  it('puts one message back under its id, without attempts', async () => {
    const queue = aQueue();
    const { id } = await queue.with({ ttl: '1h', attempts: 2 }).put('x');
    const attempts: number[] = [];
    let isBroken = true;
    const runner = start(
      queue.worker(
        (_item, job) => {
          expect(job.id).toBe(id);
          attempts.push(job.attempt);
          if (isBroken) throw new Error('no');
        },
        { backoff: 1 },
      ),
    );
    await until(() => queue.dead.size());
    isBroken = false;
    expect(await queue.dead.revive(id)).toBe(1);
    await until(() => attempts.length === 3);
    await until(
      () => queue.counts(),
      ({ waiting, active }) => waiting + active === 0,
    );
    await runner.stop();
    expect(attempts).toEqual([1, 2, 1]);
    expect(await queue.dead.size()).toBe(0);
    expect(await queue.dead.revive(id)).toBe(0);
  });

  it('removes the ttl of an expired message', async () => {
    const queue = aQueue();
    const { id, putAt } = await queue.with({ ttl: 1 }).put('late');
    await until(() => Date.now() > putAt + 1);
    expect(await queue.get()).toBeUndefined();
    expect(await queue.dead.revive(id)).toBe(1);
    expect(await queue.get()).toBe('late');
  });

  it('puts back those that a filter selects, in the order of burial', async () => {
    const queue = await aQueueWithDead(6);
    expect(await queue.dead.revive({ where: ({ reason }) => reason === 'odd' })).toBe(3);
    expect(await ready(queue)).toEqual([1, 3, 5]);
    expect(textsOf(await queue.dead.list({ order: 'oldest' }))).toEqual(['0', '2', '4']);
  });

  it('puts all back, and emits an event with their number', async () => {
    const queue = await aQueueWithDead(3);
    const told: unknown[] = [];
    queue.events.on('revive', (event) => told.push(event));
    expect(await queue.dead.reviveAll()).toBe(3);
    expect(await ready(queue)).toEqual([0, 1, 2]);
    expect(await queue.dead.reviveAll()).toBe(0);
    expect(told).toEqual([{ queue: queue.name, count: 3 }]);
  });

  it('ends, also if the revived messages are buried again at once', async () => {
    const queue = aQueue();
    await writeLetters(queue, 350, (n) => 1_700_000_000_000 + n);
    const runner = start(
      queue.worker(
        () => {
          throw new Error('still broken');
        },
        { attempts: 1, concurrency: 20 },
      ),
    );
    expect(await queue.dead.reviveAll()).toBe(350);
    await until(
      () => queue.dead.size(),
      (size) => size === 350,
    );
    await runner.stop();
    expect(await queue.dead.list({ limit: 1 })).toMatchObject([{ reason: 'failed 1 of 1 attempts' }]);
  });

  it('with a filter skips none, also if hundreds were buried in one millisecond', async () => {
    const queue = aQueue();
    await writeLetters(queue, 730, (n) => 1_700_000_000_000 + Math.floor(n / 250));
    const isEven = ({ text }: DeadLetter) => Number(text) % 2 === 0;
    expect(await queue.dead.revive({ where: isEven })).toBe(365);
    expect(await queue.dead.revive({ where: isEven })).toBe(0);
    expect(await queue.dead.drop({ where: () => true })).toBe(365);
    expect(await queue.size()).toBe(365);
  });

  it('on a plain queue keeps the id, so the message goes to a list that Python does not read', async () => {
    const queue = aQueue({ wire: 'plain', payload: Task });
    await redis().rpush(queue.key, '{"n":"one"}');
    expect(await queue.get()).toBeUndefined();
    const [{ id } = expect.fail('no letter')] = await queue.dead.list();
    expect(await queue.dead.revive(id)).toBe(1);
    expect(await redis().lrange(queue.key, 0, -1)).toEqual([]);
    expect(await queue.get()).toBeUndefined();
    expect(await queue.dead.list()).toMatchObject([{ id, text: '{"n":"one"}' }]); // still invalid
  });
});

describe('dropping', () => {
  it('deletes one, some or all dead letters', async () => {
    const queue = await aQueueWithDead(6);
    const [newest] = await queue.dead.list();
    const told: unknown[] = [];
    queue.events.on('drop', ({ count }) => told.push(count));
    expect(await queue.dead.drop(newest!.key)).toBe(1);
    expect(await queue.dead.drop(newest!.key)).toBe(0);
    expect(await queue.dead.drop({ where: ({ reason }) => reason === 'even' })).toBe(3);
    expect(textsOf(await queue.dead.list())).toHaveLength(2);
    expect(await queue.dead.dropAll()).toBe(2);
    expect(await queue.counts()).toMatchObject({ waiting: 0, dead: 0 });
    expect(await redis().exists(`{${queue.key}}:dead`, `{${queue.key}}:dead:messages`)).toBe(0);
    expect(told).toEqual([1, 3, 2]);
  });
});

describe('a call that fails after its first page', () => {
  it.each(['revive', 'drop'] as const)('%s emits an event with the number of the pages before it', async (verb) => {
    const queue = aQueue();
    await writeLetters(queue, 150, (n) => 1_700_000_000_000 + n);
    const told: unknown[] = [];
    queue.events.on(verb, (event) => told.push(event));
    const where = ({ text }: DeadLetter): boolean => {
      if (text === '120') throw new RangeError('cannot judge 120');
      return true;
    };
    await expect(queue.dead[verb]({ where })).rejects.toThrow('cannot judge 120');
    expect(await queue.dead.size()).toBe(50);
    expect(told).toEqual([{ queue: queue.name, count: 100 }]);
  });

  it.each(['revive', 'drop'] as const)('%s emits nothing if it changed nothing', async (verb) => {
    const queue = await aQueueWithDead(2);
    const told: unknown[] = [];
    queue.events.on(verb, (event) => told.push(event));
    const where = (): boolean => {
      throw new RangeError('cannot judge');
    };
    await expect(queue.dead[verb]({ where })).rejects.toThrow('cannot judge');
    expect(told).toEqual([]);
  });
});

describe('a hundred thousand dead letters (on the engine, a thousand)', () => {
  it(
    'are revived and dropped in small steps: Redis replies to other clients meanwhile',
    { timeout: 120_000 },
    async () => {
      const count = serverKind() === 'redis' ? 100_000 : 1_000;
      const queue = aQueue();
      await writeLetters(queue, count, (n) => 1_700_000_000_000 + n);
      let slowestMs = 0;
      let isOver = false;
      const others = (async () => {
        while (!isOver) {
          const askedAt = performance.now();
          await redis().ping();
          slowestMs = Math.max(slowestMs, performance.now() - askedAt);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      })();
      expect(await queue.dead.drop({ where: ({ text }) => Number(text) % 2 === 0 })).toBe(count / 2);
      expect(await queue.dead.reviveAll()).toBe(count / 2);
      isOver = true;
      await others;
      expect(await queue.size()).toBe(count / 2);
      expect(await queue.dead.size()).toBe(0);
      expect(slowestMs).toBeLessThan(2_000);
    },
  );
});

describe('bounds', () => {
  it('drop the oldest dead letters if there are too many', async () => {
    const queue = await aQueueWithDead(5, { deadLetters: { max: 3 } });
    expect(await queue.dead.size()).toBe(3);
  });

  it.each([
    [{ max: 0 }, 'invalid deadLetters.max 0: expected a whole number from 1'],
    [{ max: 1.5 }, 'invalid deadLetters.max 1.5: expected'],
    [{ maxAge: 'for ever' }, 'invalid deadLetters.maxAge "for ever": expected a duration'],
    [{ maxAge: 0 }, 'invalid deadLetters.maxAge 0: expected at least 1 ms'],
    [{ maxage: '1d' }, 'deadLetters: unknown option "maxage": did you mean "maxAge"?'],
    [100, 'deadLetters: invalid options 100: expected an object'],
    [null, 'deadLetters: invalid options null: expected an object'],
  ])('refuse %j', (deadLetters, sentence) => {
    const make = () => aQueue({ deadLetters: deadLetters as { max: number } });
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error);
    expect(make).toThrow(sentence);
  });
});

describe('bad input', () => {
  it.each([
    [{ limit: 0 }, 'invalid limit 0: expected a whole number from 1 to 10000'],
    [{ offset: -1 }, 'invalid offset -1: expected'],
    [{ order: 'random' }, "invalid order \"random\": expected 'newest' or 'oldest'"],
    [{ limti: 5 }, 'unknown option "limti": did you mean "limit"?'],
    [100, 'invalid options 100: expected an object, such as { limit: … }'],
  ])('list(%j) is refused', async (options, sentence) => {
    await expect(aQueue().dead.list(options as { limit: number })).rejects.toThrow(sentence);
  });

  it.each([
    [
      'nothing',
      undefined,
      'invalid key undefined: expected the key of a dead letter or { where: (letter) => … }; for all dead letters call reviveAll()',
    ],
    ['an empty key', '', 'invalid key "": expected the key of a dead letter'],
    ['a number', 7, 'invalid key 7: expected the key of a dead letter'],
    ['null', null, 'invalid options null: expected an object'],
    ['an object without a filter', {}, 'invalid key an object: expected the key of a dead letter'],
    ['a mistyped filter', { were: () => true }, 'unknown option "were": did you mean "where"?'],
    ['a filter that is not a function', { where: 'reason' }, 'invalid where "reason": expected a function'],
  ])('revive(%s) is refused, and revives nothing', async (_what, which, sentence) => {
    const queue = await aQueueWithDead(1);
    await expect(queue.dead.revive(which as string)).rejects.toThrow(sentence);
    expect(await queue.dead.size()).toBe(1);
  });

  it.each([
    ['async', async () => false],
    ['that returns nothing', () => undefined],
    ['that returns a number', () => 0],
  ])('drop({ where }) with a filter %s is refused, and drops nothing', async (_what, where) => {
    const queue = await aQueueWithDead(2);
    await expect(queue.dead.drop({ where: where as never })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      option: 'where',
    });
    expect(await queue.dead.size()).toBe(2);
  });

  it('includes every call on a closed queue, which is refused', async () => {
    const name = aName();
    const queue = aQueue({ name });
    await queue.close();
    const closed = { code: 'QUEUE_CLOSED', queue: name };
    for (const ask of [
      () => queue.dead.size(),
      () => queue.dead.list(),
      () => queue.dead.get('id'),
      () => queue.dead.revive('id'),
      () => queue.dead.dropAll(),
    ]) {
      await expect(ask()).rejects.toMatchObject(closed);
    }
  });
});

describe('the error of a dead letter', () => {
  it('has the causes of what the handler threw, and the payload is not in it', async () => {
    const queue = aQueue({ attempts: 1, logger: false });
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const runner = start(
      queue.worker(() => {
        throw new AggregateError([new Error('first'), new Error('second')], 'both failed', { cause });
      }),
    );
    await queue.put('x');
    await until(async () => (await queue.dead.size()) === 1);
    await runner.stop();
    const [letter] = await queue.dead.list();
    expect(letter!.error).toMatchObject({
      name: 'AggregateError',
      message: 'both failed',
      cause: { message: 'connect', code: 'ECONNREFUSED' },
      errors: [{ message: 'first' }, { message: 'second' }],
    });
  });

  it.each([
    ['undefined', () => Promise.reject(undefined as unknown as Error), 'the handler threw undefined'],
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    ['null', () => Promise.reject(null), 'null'],
    ['60 MB', () => Promise.reject(new Error('x'.repeat(60_000_000))), /\(60000000 characters in all\)$/],
  ])('records a handler that throws %s', async (_what, handler, message) => {
    const queue = aQueue({ attempts: 2, backoff: 0, logger: false });
    const runner = start(queue.worker(handler));
    await queue.put('x');
    await until(async () => (await queue.dead.size()) === 1);
    await runner.stop();
    const [letter] = await queue.dead.list();
    expect(letter).toMatchObject({
      attempts: 2,
      error: { message: typeof message === 'string' ? message : (expect.stringMatching(message) as string) },
    });
    expect(letter!.failures).toHaveLength(2);
    expect(letter!.bytes.length).toBeLessThan(2_000);
  });
});
