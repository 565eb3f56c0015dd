import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { aChild } from '../support/child.js';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';

const worker = (name: string, body: string, shutdownTimeout = '20s'): string => `
  import { HotQueue, run } from 'hotqueue';
  const queue = new HotQueue('${name}');
  await run(queue.worker(async (item, job) => { ${body} }), { shutdownTimeout: '${shutdownTimeout}' });
  console.log('ran to its end');
`;

describe('a script', () => {
  it('ends by itself after its last line, without closing its queues', async () => {
    const { name } = aQueue();
    const child = aChild(`
      import { HotQueue } from 'hotqueue';
      const queue = new HotQueue('${name}');
      await queue.put('a', 'b');
      for await (const item of queue.consume({ limit: 2 })) console.log(item);
      await queue.get({ block: true, timeout: 50 });
    `);
    expect(await child.ended).toBe(0);
    expect(child.lines).toEqual(['a', 'b']);
    expect(child.stderr).toBe('');
  });

  it('that ends after get() leaves no registered worker; one that exits at once has acknowledged its message', async () => {
    const queue = aQueue();
    await queue.put('a', 'b', 'c');
    const script = (end: string): string => `
      import { HotQueue } from 'hotqueue';
      const queue = new HotQueue('${queue.name}');
      console.log(await queue.get());
      ${end}
    `;
    const ending = aChild(script(''));
    expect(await ending.ended).toBe(0);
    expect(await queue.counts()).toMatchObject({ waiting: 2, active: 0, workers: 0 });
    const exiting = aChild(script('process.exit(3);'));
    expect(await exiting.ended).toBe(3);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
    expect([ending.lines, exiting.lines]).toEqual([['a'], ['b']]);
  });

  it('with a handler that never settles stays alive, although nothing else is, and stops on SIGTERM', async () => {
    const queue = aQueue();
    await queue.put('a');
    const child = aChild(worker(queue.name, 'console.log(item); await new Promise(() => undefined);', '1ms'));
    await until(() => child.lines.length === 1);
    const ended = await Promise.race([child.ended, pause(1_500, 'alive')]);
    expect(ended).toBe('alive');
    await child.kill('SIGTERM');
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
  });

  it('with a loop whose body never settles gives its message back when it ends', async () => {
    const queue = aQueue();
    await queue.put('a');
    const child = aChild(`
      import { HotQueue } from 'hotqueue';
      for await (const item of new HotQueue('${queue.name}').consume()) await new Promise(() => undefined);
    `);
    expect(await child.ended).toBe(13); // as Node ends a program with an await that nothing can settle
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
  });

  it('that puts without await still stores the message', async () => {
    const queue = aQueue();
    const child = aChild(`
      import { HotQueue } from 'hotqueue';
      void new HotQueue('${queue.name}').put('a');
    `);
    expect(await child.ended).toBe(0);
    expect(await queue.size()).toBe(1);
  });

  it('waits in its consume loop while the queue is empty', async () => {
    const queue = aQueue();
    const child = aChild(`
      import { HotQueue } from 'hotqueue';
      for await (const item of new HotQueue('${queue.name}').consume()) {
        console.log(item);
        if (item === 'last') break;
      }
    `);
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    await queue.put('first');
    await until(() => child.lines.length === 1);
    await queue.put('last');
    expect(await child.ended).toBe(0);
    expect(child.lines).toEqual(['first', 'last']);
  });
});

describe.each(['SIGINT', 'SIGTERM'] as const)('run, at the first %s,', (signal) => {
  it('lets the handler finish, releases no finished message, and continues after `run`', async () => {
    const queue = aQueue();
    await queue.put('slow', 'next');
    const child = aChild(
      worker(
        queue.name,
        `console.log('began', item); await new Promise((resolve) => setTimeout(resolve, 300)); console.log('ended', item);`,
      ),
    );
    await until(() => child.lines.includes('began slow'));
    expect(await child.kill(signal)).toBe(0);
    expect(child.lines).toEqual(['began slow', 'ended slow', 'ran to its end']);
    expect(child.stderr).toContain(`${signal}: stopping, 1 running; send it again to force`);
    expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual(['next']);
    expect(await queue.counts()).toMatchObject({ active: 0, workers: 0 });
  });

  it('and the second one, releases active messages and ends by that signal', async () => {
    const queue = aQueue();
    await queue.put('endless');
    const child = aChild(
      worker(
        queue.name,
        `console.log('began'); job.signal.onabort = () => console.log('aborted'); await new Promise((resolve) => setTimeout(resolve, 3_600_000));`,
        '1h',
      ),
    );
    await until(() => child.lines.includes('began'));
    child.signal(signal);
    await until(() => child.stderr.includes('send it again to force'));
    const forcedAt = performance.now();
    child.signal(signal);
    expect(await child.ended).toBe(signal);
    // Also below the default, 25 s: so no shutdown timeout has passed.
    expect(performance.now() - forcedAt).toBeLessThan(20_000);
    expect(child.lines).toEqual(['began', 'aborted']);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
  });
});

describe('an idle worker', () => {
  it('stops at once on SIGTERM', async () => {
    const queue = aQueue();
    const child = aChild(worker(queue.name, ''));
    await until(
      () => queue.counts(),
      ({ workers }) => workers === 1,
    );
    expect(await child.kill('SIGTERM')).toBe(0);
    expect(await queue.counts()).toMatchObject({ workers: 0 });
  });
});

describe('a worker function called without arguments', () => {
  it('handles messages until the process gets a signal', async () => {
    const queue = aQueue();
    const child = aChild(`
      import { HotQueue } from 'hotqueue';
      const queue = new HotQueue('${queue.name}');
      const echo = queue.worker((item) => console.log(item));
      await echo();
      console.log('over');
    `);
    await queue.put('a', 'b');
    await until(() => child.lines.length === 2);
    expect(await child.kill('SIGINT')).toBe(0);
    expect(child.lines).toEqual(['a', 'b', 'over']);
  });
});
