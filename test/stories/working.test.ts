import { IsInt, IsString, Min } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { Delivery, start, worker, type HotQueue } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';

class Resize {
  @IsString() path!: string;
  @IsInt() @Min(1) width!: number;
}

const empty = { waiting: 0, delayed: 0, active: 0, workers: 0 };
const isDrained = (queue: HotQueue<never>) =>
  until(
    () => queue.counts(),
    ({ waiting, delayed, active }) => waiting + delayed + active === 0,
  );

describe('a decorated worker', () => {
  it('gets an instance of the payload class for each message, and acknowledges it', async () => {
    const queue = aQueue({ payload: Resize });
    const seen: Resize[] = [];
    class Studio {
      @worker(queue)
      async resize(image: Resize, job: Delivery<Resize>) {
        expect(job.payload).toBe(image);
        seen.push(image);
      }
    }
    await queue.put({ path: 'a.jpg', width: 1 }, { path: 'b.jpg', width: 2 });
    const runner = start(new Studio());
    await isDrained(queue as never);
    await runner.stop();
    expect(seen.map(({ path }) => path)).toEqual(['a.jpg', 'b.jpg']);
    expect(seen[0]).toBeInstanceOf(Resize);
    expect(await queue.counts()).toMatchObject({ ...empty, dead: 0 });
  });

  it('runs as many messages at once as its concurrency, and claims no more', async () => {
    const queue = aQueue();
    const hold = latch();
    let running = 0;
    await queue.putAll(Array.from({ length: 10 }, (_, index) => index));
    const runner = start(
      queue.worker(
        async () => {
          running += 1;
          await hold;
        },
        { concurrency: 3 },
      ),
    );
    await until(() => running === 3);
    expect(await queue.counts()).toMatchObject({ waiting: 7, active: 3 });
    hold.open();
    await isDrained(queue as never);
    await runner.stop();
    expect(running).toBe(10);
  });

  it('works in order at concurrency 1', async () => {
    const queue = aQueue();
    const seen: unknown[] = [];
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    await queue.putAll(numbers);
    const runner = start(queue.worker((item) => void seen.push(item)));
    await until(() => seen.length === 200);
    await runner.stop();
    expect(seen).toEqual(numbers);
  });

  it('called with a payload only runs its method', async () => {
    const queue = aQueue();
    const first = latch<unknown>();
    const echo = queue.worker((item: unknown) => {
      first.open(item);
      return `echo ${String(item)}`;
    });
    expect(echo('by hand', Delivery.of('by hand'))).toBe('echo by hand');
  });
});

describe('a handler that fails', () => {
  it('is retried until its attempts are used up, then its message is a dead letter', async () => {
    const queue = aQueue();
    const attempts: number[] = [];
    const { id } = await queue.put({ to: 'ada' });
    const runner = start(
      queue.worker(
        (_item, job) => {
          attempts.push(job.attempt);
          throw new TypeError('no such customer');
        },
        { attempts: 3, backoff: 5 },
      ),
    );
    const [letter] = await until(
      () => queue.dead.list(),
      (letters) => letters.length === 1,
    );
    await runner.stop();
    expect(attempts).toEqual([1, 2, 3]);
    expect(letter).toMatchObject({
      id,
      reason: 'failed 3 of 3 attempts',
      attempts: 3,
      error: { name: 'TypeError', message: 'no such customer' },
      text: '{"to":"ada"}',
    });
    expect(await queue.counts()).toMatchObject({ ...empty, dead: 1 });
  });

  it("uses the attempts and the backoff of the put before the worker's", async () => {
    const queue = aQueue();
    let runs = 0;
    await queue.with({ attempts: 2, backoff: 1 }).put('twice');
    const runner = start(
      queue.worker(
        () => {
          runs += 1;
          throw new Error('no');
        },
        { attempts: 9, backoff: '1h' },
      ),
    );
    await until(
      () => queue.dead.size(),
      (size) => size === 1,
    );
    await runner.stop();
    expect(runs).toBe(2);
  });

  it('leaves its message delayed during the backoff', async () => {
    const queue = aQueue();
    await queue.put('later');
    const runner = start(
      queue.worker(
        () => {
          throw new Error('not now');
        },
        { backoff: '1h' },
      ),
    );
    await until(
      () => queue.counts(),
      ({ delayed }) => delayed === 1,
    );
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 1, active: 0, dead: 0, workers: 0 });
  });

  it('may settle its message itself', async () => {
    const queue = aQueue();
    await queue.put('hopeless');
    const runner = start(
      queue.worker(async (_item, job) => {
        await job.bury('account closed');
        throw new Error('too late to matter');
      }),
    );
    const [letter] = await until(
      () => queue.dead.list(),
      (letters) => letters.length === 1,
    );
    await runner.stop();
    expect(letter!.reason).toBe('account closed');
  });
});

describe('an invalid message', () => {
  const bad = {
    'no JSON': '{"path":',
    'another shape': '"text"',
    'a broken rule': '{"path":"a.jpg","width":0}',
    'an unknown key': '{"path":"a.jpg","width":1,"height":2}',
    'a prototype key': '{"path":"a.jpg","width":1,"__proto__":{"isAdmin":true}}',
    'a line that resembles a header': '#x\n{"path":"a.jpg","width":1}',
    'a size beyond the limit': JSON.stringify({ path: 'x'.repeat(3_000), width: 1 }),
    'a depth beyond the limit': `{"path":${'['.repeat(100)}${']'.repeat(100)},"width":1}`,
  };

  it.each(Object.entries(bad))(
    '(%s) is buried at once with its bytes and its violations, and the worker continues',
    async (_what, bytes) => {
      const queue = aQueue({ payload: Resize, maxBytes: 2_000 });
      const seen = latch<Resize>();
      await redis().rpush(queue.key, bytes);
      await queue.put({ path: 'good.jpg', width: 1 });
      const runner = start(queue.worker((image: Resize) => seen.open(image)));
      expect((await seen).path).toBe('good.jpg');
      await runner.stop();
      const [letter] = await queue.dead.list();
      expect(letter!.bytes.toString()).toBe(bytes);
      expect(letter).toMatchObject({ reason: 'invalid payload', attempts: 1, error: { name: 'InvalidPayloadError' } });
      expect(letter!.error!.violations!.length).toBeGreaterThan(0);
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
    },
  );

  it('is also buried by consume() and get()', async () => {
    const queue = aQueue({ payload: Resize });
    await redis().rpush(queue.key, 'one', '{"path":"a","width":1}', 'two', '{"path":"b","width":1}');
    expect((await queue.get())!.path).toBe('a');
    for await (const { path } of queue.consume({ limit: 1 })) expect(path).toBe('b');
    expect(await queue.dead.size()).toBe(2);
  });

  it('that is not text keeps its bytes', async () => {
    const queue = aQueue({ payload: Resize });
    const bytes = Buffer.from([0x80, 0x04, 0x95, 0xff, 0x00, 0x0a, 0xfe]);
    await redis().rpush(queue.key, bytes);
    expect(await queue.get()).toBeUndefined();
    expect((await queue.dead.list())[0]!.bytes.equals(bytes)).toBe(true);
  });
});

describe('stopping', () => {
  it('lets running handlers finish, and takes no new message', async () => {
    const queue = aQueue();
    const started = latch();
    const hold = latch();
    await queue.put('a', 'b');
    const runner = start(
      queue.worker(async () => {
        started.open();
        await hold;
      }),
    );
    await started;
    const stopped = runner.stop();
    hold.open();
    await stopped;
    expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 0, active: 0, dead: 0, workers: 0 });
  });

  it('at the shutdown deadline aborts running handlers and releases their messages, without a counted attempt', async () => {
    const queue = aQueue();
    const started = latch<Delivery>();
    await queue.put('endless');
    const runner = start(
      queue.worker(async (_item, job) => {
        started.open(job);
        await new Promise(() => {});
      }),
    );
    const job = await started;
    expect(job.signal.aborted).toBe(false);
    await runner.stop({ shutdownTimeout: 10 });
    expect(job.signal.aborted).toBe(true);
    expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 0, active: 0, dead: 0, workers: 0 });
    for await (const delivery of queue.deliveries({ limit: 1 })) expect(delivery.attempt).toBe(1);
  });

  it('may be called twice, the second time with a shorter deadline', async () => {
    const queue = aQueue();
    const started = latch();
    await queue.put('endless');
    const runner = start(
      queue.worker(async () => {
        started.open();
        await new Promise(() => {});
      }),
    );
    await started;
    const patient = runner.stop({ shutdownTimeout: '1h' });
    await runner.stop({ shutdownTimeout: 0 });
    await patient;
    await runner.stop();
    expect(await queue.size()).toBe(1);
  });

  it('right after the start leaves no worker and no claim', async () => {
    const queue = aQueue();
    await queue.put('a');
    await start(queue.worker(() => undefined)).stop();
    const { waiting, workers, active } = await queue.counts();
    expect({ workers, active }).toEqual({ workers: 0, active: 0 });
    expect(waiting).toBeLessThanOrEqual(1);
  });

  it('lets a handler that ends later settle nothing, because its message belongs to another worker', async () => {
    const queue = aQueue();
    const hold = latch();
    const started = latch();
    await queue.put('a');
    const slow = start(
      queue.worker(async () => {
        started.open();
        await hold;
      }),
    );
    await started;
    await slow.stop({ shutdownTimeout: 0 });
    const holder = queue.consume();
    await holder.next();
    hold.open();
    await until(
      () => queue.counts(),
      ({ active }) => active === 1,
    );
    await holder.return();
    expect(await queue.size()).toBe(1);
  });

  it('happens at the end of an `await using` block', async () => {
    const queue = aQueue();
    const seen = latch();
    await queue.put('a');
    {
      await using _runner = start(queue.worker(() => seen.open()));
      await seen;
    }
    expect(await queue.counts()).toMatchObject({ ...empty, dead: 0 });
  });
});

describe('events', () => {
  it('are emitted for each transition, under its verb, without the payload', async () => {
    const queue = aQueue();
    const told: string[] = [];
    for (const verb of ['put', 'take', 'ack', 'retry', 'bury', 'release', 'lost'] as const) {
      queue.events.on(verb, (event: object) => {
        told.push(verb);
        expect(JSON.stringify(event)).not.toContain('secret');
      });
    }
    await queue.put('secret');
    const runner = start(
      queue.worker(
        (_item, job) => {
          if (job.attempt === 1) throw new Error('once');
        },
        { backoff: 1 },
      ),
    );
    await isDrained(queue as never);
    await runner.stop();
    expect(told).toEqual(['put', 'take', 'retry', 'take', 'ack']);
  });
});

describe('several workers of one run', () => {
  it('each handle their own queue', async () => {
    const name = aName();
    const mails = aQueue({ name: `${name}-mails` });
    const texts = aQueue({ name: `${name}-texts` });
    const seen: string[] = [];
    const workers = [
      mails.worker((item: unknown) => void seen.push(`mail ${String(item)}`)),
      texts.worker((item: unknown) => void seen.push(`text ${String(item)}`)),
    ];
    await Promise.all([mails.put(1), texts.put(2)]);
    const runner = start(workers);
    await until(() => seen.length === 2);
    await runner.stop();
    expect(seen.sort()).toEqual(['mail 1', 'text 2']);
  });
});
