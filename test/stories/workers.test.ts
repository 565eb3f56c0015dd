import { describe, expect, it } from 'vitest';
import { start } from 'hotqueue';
import { Keys } from '../../src/redis/keys.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { latch, until } from '../support/facts.js';

const at = { withinMs: 10_000 };

describe('the workers of a queue', () => {
  it('report their metadata and active messages, and their counts remain after they leave', async () => {
    const queue = aQueue();
    const begun = latch();
    const over = latch();
    const echo = queue.worker(
      async function echo(item: unknown) {
        if (item !== 'slow') return;
        begun.open();
        await over;
      },
      { concurrency: 2 },
    );
    await using runner = start(echo);
    await queue.put('fast', 'slow');
    await begun;
    const [worker] = await until(
      async () => {
        await queue.workers.watch();
        return queue.workers.list();
      },
      ([one]) => one?.activeMessages.length === 1 && one.done === 1,
    );
    expect(worker).toMatchObject({
      queue: queue.name,
      name: 'echo',
      kind: 'handler',
      pid: process.pid,
      concurrency: 2,
      status: 'working',
      done: 1,
      failed: 0,
      active: 1,
    });
    expect(worker!.activeMessages).toEqual([
      { id: expect.any(String) as string, attempt: 1, since: expect.any(Number) as number },
    ]);
    expect(worker!.leaseUntil).toBeGreaterThan(worker!.activeMessages[0]!.since);
    expect(await queue.counts()).toMatchObject({ done: 1, failed: 0, workers: 1 });
    over.open();
    await runner.stop();
    expect(await queue.workers.list()).toEqual([]);
    expect(await queue.counts()).toMatchObject({ done: 2, failed: 0, workers: 0 });
  });

  it('add their queue to the set of its prefix, for tools, before the first put', async () => {
    const queue = aQueue();
    await using _runner = start(queue.worker(() => undefined));
    await until(
      () => redis().sismember('hotqueue', queue.name),
      (is) => is === 1,
    );
  });

  it('count each failed attempt', async () => {
    const queue = aQueue();
    const runner = start(
      queue.worker(
        () => {
          throw new Error('no');
        },
        { attempts: 2, backoff: 0 },
      ),
    );
    await queue.put('a');
    await until(
      () => queue.dead.size(),
      (size) => size === 1,
    );
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ done: 0, failed: 2 });
  });

  it('take no message after the command quiet, and continue after the command work', async () => {
    const queue = aQueue();
    const seen: unknown[] = [];
    await using _runner = start(queue.worker((item: unknown) => void seen.push(item)));
    const [worker] = await until(
      () => queue.workers.list(),
      ({ length }) => length === 1,
    );
    await queue.workers.quiet(worker!.id);
    await queue.put('wakes the worker, so that it reports more often');
    await until(
      () => queue.workers.list(),
      ([one]) => one?.status === 'quiet',
    );
    const before = seen.length;
    await queue.put('a', 'b');
    await queue.workers.watch();
    await until(
      async () => (await queue.workers.list())[0]!.leaseUntil,
      (lease) => lease > worker!.leaseUntil,
    ); // it has sent a heartbeat since
    expect(seen).toHaveLength(before);
    await queue.workers.resume(worker!.id);
    await until(
      () => seen.length,
      (length) => length === 3,
    );
  });

  it('stop with all workers of their runner after the command stop', async () => {
    const [one, other] = [aQueue(), aQueue()];
    const runner = start([one.worker(() => undefined), other.worker(() => undefined)]);
    const [worker] = await until(
      () => one.workers.list(),
      ({ length }) => length === 1,
    );
    await one.workers.stop(worker!.id);
    await one.put('wakes it');
    await runner.finished;
    expect(await one.workers.list()).toEqual([]);
    expect(await other.workers.list()).toEqual([]);
  });

  it('refuse commands if they do not exist or are a consume loop', async () => {
    const queue = aQueue();
    await expect(queue.workers.stop('unknown')).rejects.toMatchObject({ code: 'UNKNOWN_WORKER', id: 'unknown' });
    await queue.put('a');
    const loop = queue.consume();
    await loop.next();
    const [worker] = await queue.workers.list();
    expect(worker).toMatchObject({ kind: 'consumer', name: 'consume()' });
    await expect(queue.workers.quiet(worker!.id)).rejects.toThrow(/only that program can end it/);
  });

  it('add their counts to the totals once, also if leave and recover are sent several times', async () => {
    const name = aName();
    const [queue, broker] = [aQueue({ name }), aBroker(name)];
    const report = '3 1 {}';
    await broker.join('w', 'process', at, report);
    expect(await queue.counts()).toMatchObject({ done: 3, failed: 1 });
    await broker.leave('w', at, '5 2 {}');
    await broker.leave('w', at, '5 2 {}');
    await broker.recover('w', 'hotqueue', at);
    expect(await queue.counts()).toMatchObject({ done: 5, failed: 2, workers: 0 });
  });
});

describe('workers of another version of this library', () => {
  // With their own prefix: `hotqueue doctor` of another test would report them otherwise.
  const prefix = 'versions';
  const keysOf = ({ name }: { name: string }): Keys => new Keys(name, prefix);
  const inLayout: Record<string, (keys: Keys) => Promise<unknown>> = {
    'an older one': (keys) => redis().sadd(keys.earlier.registry, 'other'),
    'a newer one': async (keys) => (
      await redis().hset(keys.registry, 'other', 'process'),
      redis().hset(keys.meta, 'layout', '4')
    ),
  };

  it.each(Object.entries(inLayout))(
    '%s: every way to take a message beside them is refused',
    async (_which, register) => {
      const queue = aQueue({ prefix });
      await queue.put('waits');
      await register(keysOf(queue));
      const refused = {
        code: 'INCOMPATIBLE_WORKERS',
        message: expect.stringContaining('stop the workers of the other version') as string,
      };
      const runner = start(queue.worker(() => expect.fail('it was handled')));
      await expect(runner.finished).rejects.toMatchObject(refused);
      await expect(queue.get()).rejects.toMatchObject(refused);
      await expect(queue.get({ block: true })).rejects.toMatchObject(refused);
      await expect(queue.consume().next()).rejects.toMatchObject(refused);
      expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
    },
  );

  it('do not prevent taking after they have left', async () => {
    const queue = aQueue({ prefix });
    const { registry } = keysOf(queue).earlier;
    await queue.put('waits');
    await redis().sadd(registry, 'other');
    await expect(queue.get()).rejects.toMatchObject({ code: 'INCOMPATIBLE_WORKERS' });
    await redis().srem(registry, 'other');
    expect(await queue.get()).toBe('waits');
  });

  it('do not prevent a put: only taking is refused', async () => {
    const queue = aQueue({ prefix });
    await redis().sadd(keysOf(queue).earlier.registry, 'other');
    await queue.put('a');
    await queue.with({ delay: '1h' }).put('b');
    expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 1 });
  });
});
