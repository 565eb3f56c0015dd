import { describe, expect, it } from 'vitest';
import type { HotQueue } from 'hotqueue';
import { aChild, type Child } from '../support/child.js';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';

const lease = 3_000;

/** A worker process whose handler computes for `ms`. It prints each start and end. */
const computing = (name: string, ms: number, options = '{}', more = ''): Child =>
  aChild(`
    import { HotQueue, run } from 'hotqueue';
    const queue = new HotQueue('${name}', { lease: ${lease} });
    ${more}
    function compute(item) {
      console.log('began', item);
      for (const until = performance.now() + ${ms}; performance.now() < until;);
      console.log('ended', item);
    }
    await run(queue.worker(compute, ${options}));
  `);

const warnings = (children: readonly Child[]): string[] =>
  children.flatMap(({ stderr }) => stderr.split('\n').filter((line) => line.includes('blocked the event loop')));

describe('a handler that computes for three leases', () => {
  it('runs once, is acknowledged, and causes one warning with its name', async () => {
    const queue = aQueue({ lease });
    const children = [computing(queue.name, 3 * lease), computing(queue.name, 3 * lease)];
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 2,
    );
    await queue.put('sum');
    await until(() => children.some(({ lines }) => lines.includes('ended sum')), Boolean, 60_000);
    await until(
      () => queue.counts(),
      ({ active }) => active === 0,
    );
    expect(await Promise.all(children.map((child) => child.kill('SIGTERM')))).toEqual([0, 0]);
    expect(children.flatMap(({ lines }) => lines)).toEqual(['began sum', 'ended sum']);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0, done: 1, failed: 0 });
    expect(warnings(children)).toEqual([
      expect.stringMatching(/compute blocked the event loop for \d+\.\d s\. A thread renewed its lease meanwhile\. /),
    ]);
  });

  it('in a loop over consume() keeps its message too', async () => {
    const queue = aQueue({ lease });
    await queue.put('sum');
    const child = aChild(`
      import { HotQueue } from 'hotqueue';
      const queue = new HotQueue('${queue.name}', { lease: ${lease} });
      for await (const item of queue.consume({ limit: 1 })) {
        console.log('began', item);
        for (const until = performance.now() + ${3 * lease}; performance.now() < until;);
      }
      console.log('ended');
    `);
    await until(() => child.lines.includes('began sum'));
    // Without the thread, this worker would get the message while the loop computes.
    const other = computing(queue.name, 0);
    expect(await child.ended).toBe(0);
    expect([...child.lines, ...other.lines]).toEqual(['began sum', 'ended']);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, dead: 0, done: 1 });
  });
});

describe('a blocked process', () => {
  it.each(['SIGSTOP', 'SIGKILL'] as const)('gives its message back after %s', async (signal) => {
    const queue = aQueue({ lease });
    const child = computing(queue.name, 3_600_000);
    await queue.put('sum');
    await until(() => child.lines.includes('began sum'));
    const other = computing(queue.name, 0);
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 2,
    );
    await new Promise((resolve) => setTimeout(resolve, 2 * lease));
    expect(other.lines).toEqual([]); // the thread has renewed the lease for two leases
    child.signal(signal);
    await until(() => other.lines.includes('ended sum'));
    expect(child.lines).toEqual(['began sum']);
  });

  it('gives its message back when it has blocked for longer than maxBlocked', async () => {
    const queue = aQueue({ lease });
    const child = computing(queue.name, 3_600_000, `{ maxBlocked: ${lease} }`);
    await queue.put('sum');
    await until(() => child.lines.includes('began sum'));
    const other = computing(queue.name, 0);
    await until(() => other.lines.includes('ended sum'));
  });
});

describe('a process whose event loop is blocked', () => {
  it('holds no message of its other queues that came meanwhile, while another process is idle', async () => {
    const [blocking, other] = [aQueue(), aQueue()];
    const child = aChild(`
      import { HotQueue, run } from 'hotqueue';
      const [blocking, other] = ['${blocking.name}', '${other.name}'].map((name) => new HotQueue(name));
      await run([
        blocking.worker((item) => {
          console.log('began', item);
          for (;;);
        }),
        other.worker((item) => console.log('ended', item)),
      ]);
    `);
    const idle = computing(other.name, 0);
    const workers = async (queue: HotQueue, count: number): Promise<unknown> =>
      until(
        () => queue.counts(),
        (counts) => counts.workers === count,
      );
    await Promise.all([workers(blocking, 1), workers(other, 2)]);
    await blocking.put('endless');
    await until(() => child.lines.includes('began endless'));
    await other.put('a', 'b'); // a wait of each process is served
    await until(() => idle.lines.filter((line) => line.startsWith('ended')).length === 2);
    expect(child.lines).toEqual(['began endless']);
  });
});

describe('a worker whose first of five messages blocks the event loop', () => {
  it('gives the other four back to an idle process, and acknowledges the first once', async () => {
    const queue = aQueue({ lease });
    const child = aChild(`
      import { HotQueue, run } from 'hotqueue';
      const queue = new HotQueue('${queue.name}', { lease: ${lease} });
      await run(queue.worker((item) => {
        console.log('began', item);
        if (item === 0) for (const until = performance.now() + ${3 * lease}; performance.now() < until;);
        console.log('ended', item);
      }, { concurrency: 5 }));
    `);
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.put(0, 1, 2, 3, 4);
    await until(() => child.lines.includes('began 0'));
    const other = computing(queue.name, 0);
    await until(() => other.lines.filter((line) => line.startsWith('ended')).length === 4);
    expect(child.lines).toEqual(['began 0']); // it still computes
    await until(
      () => queue.counts(),
      ({ active, done }) => active === 0 && done === 5,
    );
    await until(() => child.lines.length === 2); // Redis may have the acknowledgement before this process has the output
    expect(child.lines).toEqual(['began 0', 'ended 0']);
    expect(other.lines.filter((line) => line.startsWith('began'))).toEqual([1, 2, 3, 4].map((item) => `began ${item}`));
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, dead: 0, done: 5, failed: 0 });
  });
});
