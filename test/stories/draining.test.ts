import { describe, expect, it } from 'vitest';
import { run, start } from 'hotqueue';
import { aChild } from '../support/child.js';
import { latch, until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';

/** Whether a promise is settled after the queue was read some more times. */
async function isSettled(promise: Promise<unknown>, queue: { counts(): Promise<unknown> }): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  for (let reads = 0; reads < 20; reads++) {
    await queue.counts();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return settled;
}

describe('drained', () => {
  it.each(['runner', 'queue'] as const)('of a %s waits for what is waiting and for what is active', async (what) => {
    const queue = aQueue();
    const hold = latch();
    const handled: unknown[] = [];
    await queue.put(...Array.from({ length: 50 }, (_, index) => index));
    const runner = start(
      queue.worker(async (item) => {
        if (item === 49) await hold;
        handled.push(item);
      }),
    );
    const drained = what === 'runner' ? runner.drained() : queue.drained();
    await until(() => handled.length === 49);
    expect(await isSettled(drained, queue)).toBe(false); // size() is 0 now
    hold.open();
    await drained;
    expect(handled).toHaveLength(50);
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, done: 50 });
  });

  it('waits for what handlers put on another queue of the runner', async () => {
    const [first, second] = [aQueue(), aQueue()];
    const handled: unknown[] = [];
    const runner = start([
      second.worker((item) => void handled.push(item)),
      first.worker(async (item) => void (await second.put(`${String(item)} again`))),
    ]);
    for (let round = 1; round <= 20; round++) {
      await first.put(round);
      await runner.drained();
      expect(handled).toHaveLength(round);
    }
    await runner.stop();
  });

  it.each([
    [false, 0],
    [true, 1],
  ])('with delayed: %s waits for so many messages that are not due: %i', async (delayed, count) => {
    const queue = aQueue();
    const handled: unknown[] = [];
    const runner = start(queue.worker((item) => void handled.push(item)));
    await queue.with({ delay: delayed ? 300 : '1h' }).put('later');
    await runner.drained({ delayed });
    expect(handled).toHaveLength(count);
    await runner.stop();
  });

  it('waits for a delayed message that is due, and for the retry of a failed one with delayed: true', async () => {
    const queue = aQueue();
    const attempts: number[] = [];
    await queue.put('a');
    const runner = start(
      queue.worker(
        (_item, { attempt }) => {
          attempts.push(attempt);
          if (attempt === 1) throw new Error('no');
        },
        { backoff: 200 },
      ),
    );
    await runner.drained({ delayed: true });
    expect(attempts).toEqual([1, 2]);
    await runner.stop();
  });

  it('does not wait for the waiting messages of a paused queue', async () => {
    const queue = aQueue();
    await queue.pause();
    await queue.put('a');
    await queue.drained();
    expect(await queue.size()).toBe(1);
  });

  it('rejects with the reason of its signal, and resolves when its runner stops', async () => {
    const queue = aQueue();
    await queue.put('a');
    await expect(queue.drained({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ name: 'TimeoutError' });
    await queue.pause();
    const other = aQueue({ name: queue.name });
    const hold = latch();
    const runner = start(other.worker(() => hold));
    await other.resume();
    await until(
      () => other.counts(),
      ({ active }) => active === 1,
    );
    const drained = runner.drained();
    const stopping = runner.stop();
    hold.open();
    await Promise.all([drained, stopping]);
    await expect(queue.drained({ delay: true } as object)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe("run(…, { until: 'drained' })", () => {
  it('ends when all messages are handled', async () => {
    const queue = aQueue();
    const handled: unknown[] = [];
    await queue.put(...Array.from({ length: 100 }, (_, index) => index));
    const work = queue.worker(
      async (item) => {
        await new Promise((resolve) => setImmediate(resolve));
        handled.push(item);
      },
      { concurrency: 3 },
    );
    await run(work, { until: 'drained' });
    expect(handled).toHaveLength(100);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, workers: 0 });
  });

  it('ends the process of a script', async () => {
    const queue = aQueue();
    await queue.put('a', 'b');
    const child = aChild(`
      import { HotQueue, run } from 'hotqueue';
      const queue = new HotQueue('${queue.name}');
      await run(queue.worker((item) => console.log(item)), { until: 'drained' });
      console.log('over');
    `);
    expect(await child.ended).toBe(0);
    expect(child.lines).toEqual(['a', 'b', 'over']);
  });

  it('is the only end that it knows', async () => {
    const queue = aQueue();
    await expect(
      run(
        queue.worker(() => undefined),
        { until: 'empty' as 'drained' },
      ),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});
