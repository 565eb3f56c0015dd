import { describe, expect, it } from 'vitest';
import { HotQueue, run, start, type Delivery } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

/** The tests' server. Queues with the same options share their connection; only here, `db` is among them. */
const ownConnection = { url: redisUrl(), db: 0 };
const drained = { waiting: 0, delayed: 0, active: 0, dead: 0, workers: 0 };

/** A handler that has started one message, and ends when the test opens `hold`. */
function holding() {
  const started = latch<Delivery>();
  const hold = latch();
  const handle = async (_item: unknown, job: Delivery): Promise<void> => {
    started.open(job);
    await hold;
  };
  return { started, hold, handle };
}

describe('close() while a worker runs in this process', () => {
  it.each([
    ['that has the connection for itself', ownConnection],
    ['that shares its connection', {}],
  ])('on a queue %s lets the handler finish and acknowledge, then the runner ends', async (_what, options) => {
    const other = aQueue();
    const queue = aQueue({ name: other.name, ...options });
    const { started, hold, handle } = holding();
    const runner = start(queue.worker(handle));
    await queue.put('a');
    await started;
    const closing = queue.close();
    await queue.put('from a handler that finishes'); // until the runner has ended
    let isClosed = false;
    void closing.then(() => (isClosed = true));
    expect(isClosed).toBe(false);
    hold.open();
    await Promise.all([closing, runner.finished]);
    expect(await other.counts()).toMatchObject({ ...drained, waiting: 1, done: 1, failed: 0 });
    await expect(queue.put('late')).rejects.toMatchObject({ code: 'QUEUE_CLOSED', queue: queue.name });
  });

  it('gives the message back when the shutdown timeout of run() has passed, without a counted attempt', async () => {
    const queue = aQueue();
    const other = aQueue({ name: queue.name });
    const started = latch<Delivery>();
    const running = run(
      queue.worker(async (_item, job) => {
        started.open(job);
        await new Promise(() => {});
      }),
      { shutdownTimeout: 20 },
    );
    await queue.put('endless');
    const { signal } = await started;
    await Promise.all([queue.close(), running]);
    expect(signal.aborted).toBe(true);
    for await (const { attempt } of other.deliveries({ limit: 1 })) expect(attempt).toBe(1);
    expect(await other.counts()).toMatchObject(drained);
  });

  it.each([
    ['with slots of its own', {}],
    ['with shared slots', { order: 'fair' as const }],
  ])('also ends the workers of other queues in the same runner: one %s', async (_what, options) => {
    const [queue, second] = [aQueue(), aQueue()];
    const { started, hold, handle } = holding();
    const runner = start([queue.worker(() => undefined), second.worker(handle)], options);
    await second.put('a');
    await started;
    const closing = queue.close();
    await second.put('b'); // no worker takes it any more
    hold.open();
    await Promise.all([closing, runner.finished]);
    expect(await second.counts()).toMatchObject({ ...drained, waiting: 1, done: 1 });
    await second.put('c'); // only the first queue is closed
    expect(await second.size()).toBe(2);
  });

  it('does not touch runners of other objects for the same queue', async () => {
    const [queue, other] = [aQueue(), aQueue()];
    const same = aQueue({ name: queue.name });
    const seen: unknown[] = [];
    const runners = [start(same.worker((item) => void seen.push(item))), start(other.worker(() => undefined))];
    await using _mine = start(queue.worker(() => undefined));
    await queue.close();
    await same.put('a');
    await until(() => seen.length === 1);
    await Promise.all(runners.map((runner) => runner.stop()));
  });

  it('waits for a runner that already stops; a second call waits too', async () => {
    const queue = aQueue();
    const { started, hold, handle } = holding();
    const runner = start(queue.worker(handle));
    await queue.put('a');
    await started;
    const ends: string[] = [];
    const note = (what: string) => (): void => void ends.push(what);
    const all = [
      runner.stop().then(note('stopped')),
      queue.close().then(note('closed')),
      queue.close().then(note('closed')),
    ];
    await queue.put('b');
    expect(ends).toEqual([]);
    hold.open();
    await Promise.all(all);
    expect(ends).toEqual(['stopped', 'closed', 'closed']);
  });

  it('refuses a worker that starts later', async () => {
    const queue = aQueue();
    const work = queue.worker(() => undefined);
    const { started, hold, handle } = holding();
    start(queue.worker(handle));
    await queue.put('a');
    await started;
    const closing = queue.close();
    const closed = expect.objectContaining({ code: 'QUEUE_CLOSED', queue: queue.name }) as Error;
    expect(() => start(work)).toThrow(closed);
    hold.open();
    await closing;
    await expect(run(work)).rejects.toEqual(closed);
  });
});

describe('after close()', () => {
  const calls: Record<string, (queue: HotQueue) => Promise<unknown>> = {
    'delayed.size': ({ delayed }) => delayed.size(),
    'delayed.list': ({ delayed }) => delayed.list(),
    'delayed.get': ({ delayed }) => delayed.get('a'),
    'delayed.cancel': ({ delayed }) => delayed.cancel('a'),
    'delayed.move': ({ delayed }) => delayed.move('a', { delay: 1 }),
    'delayed.promote': ({ delayed }) => delayed.promote('a'),
    'workers.list': ({ workers }) => workers.list(),
    'workers.watch': ({ workers }) => workers.watch(),
    'workers.quiet': ({ workers }) => workers.quiet('a'),
    'workers.resume': ({ workers }) => workers.resume('a'),
    'workers.stop': ({ workers }) => workers.stop('a'),
    'dead.size': ({ dead }) => dead.size(),
    'dead.list': ({ dead }) => dead.list(),
    'dead.get': ({ dead }) => dead.get('a'),
    'dead.revive': ({ dead }) => dead.revive('a'),
    'dead.reviveAll': ({ dead }) => dead.reviveAll(),
    'dead.drop': ({ dead }) => dead.drop({ where: () => true }),
    'dead.dropAll': ({ dead }) => dead.dropAll(),
    with: (queue) => queue.with({ delay: 1 }).put(1),
    peek: (queue) => queue.peek(),
    counts: (queue) => queue.counts(),
    clear: (queue) => queue.clear(),
    pause: (queue) => queue.pause(),
    resume: (queue) => queue.resume(),
    isPaused: (queue) => queue.isPaused(),
  };

  it.each(Object.entries(calls))(
    '%s rejects with the name of the queue, also while another queue shares the connection',
    async (_what, call) => {
      const refused = { code: 'QUEUE_CLOSED', queue: aName() };
      const alone = new HotQueue(refused.queue, { ...ownConnection, logger: false });
      const shared = new HotQueue(refused.queue, { url: redisUrl(), logger: false });
      const other = aQueue();
      await other.size();
      await Promise.all([alone.size(), shared.size()]);
      await Promise.all([alone.close(), shared.close()]);
      await expect(call(alone)).rejects.toMatchObject(refused);
      await expect(call(shared)).rejects.toMatchObject(refused);
    },
  );
});

describe('peek()', () => {
  it('has the time of the put: from the id, from the header for an id of your own; no time for a message without one', async () => {
    const queue = aQueue();
    const job = await queue.put('a');
    const own = await queue.with({ id: 'order-1' }).put('b');
    await redis().rpush(queue.key, '"bare"', '#order-2 0 0\n"own, of another program"');
    const [first, second, third, fourth] = await queue.peek(4);
    expect(first).toEqual({ ...job });
    expect(second).toEqual({ id: 'order-1', queue: queue.name, payload: 'b', putAt: own.putAt });
    expect(third).toEqual({ id: '', queue: queue.name, payload: 'bare' });
    expect(fourth).toEqual({ id: 'order-2', queue: queue.name, payload: 'own, of another program' });
  });
});
