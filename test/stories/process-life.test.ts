import { getEventListeners } from 'node:events';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { HotQueue, run, start } from 'hotqueue';
import { aChild } from '../support/child.js';
import { latch, until } from '../support/facts.js';
import { aName, aQueue } from '../support/queue.js';
import { realProgram, startRedis } from '../support/servers.js';

describe('run', () => {
  it('as the first process of a container ends by the second SIGTERM, with the code of the signal', async () => {
    const queue = aQueue();
    await queue.put('endless');
    // A signal without a listener does not end process 1. Here, nothing sends one.
    const child = aChild(`
      import { HotQueue, run } from 'hotqueue';
      Object.defineProperty(process, 'pid', { value: 1 });
      process.kill = () => { throw new Error('a signal cannot end process 1'); };
      const queue = new HotQueue('${queue.name}');
      await run(queue.worker(() => (console.log('began'), new Promise((resolve) => setTimeout(resolve, 3_600_000)))));
    `);
    await until(() => child.lines.includes('began'));
    child.signal('SIGTERM');
    await until(() => child.stderr.includes('send it again to force'));
    child.signal('SIGTERM');
    expect(await child.ended).toBe(143);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
  });

  it('may be called twelve times in one process, without a warning of too many listeners', async () => {
    const queues = Array.from({ length: 12 }, () => aQueue());
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    const before = process.listenerCount('SIGTERM');
    const running = queues.map((queue) => run(queue.worker(() => undefined)));
    await new Promise((resolve) => setImmediate(resolve)); // warnings come in the next turn
    expect(process.listenerCount('SIGTERM')).toBe(before + 1);
    await Promise.all(queues.map((queue) => queue.close()));
    await Promise.all(running);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});

describe('a signal of the program', () => {
  it('keeps nothing of many calls of get, consume and drained', async () => {
    const queue = aQueue();
    const { signal } = new AbortController();
    const kept = (): number =>
      Object.getOwnPropertySymbols(signal).reduce((sum, key) => {
        const value = (signal as unknown as Record<symbol, unknown>)[key];
        return sum + (value instanceof Set || value instanceof Map ? value.size : 0);
      }, getEventListeners(signal, 'abort').length);
    const once = async (): Promise<void> => {
      await queue.get({ signal });
      for await (const _ of queue.consume({ signal, idleTimeout: 0 }));
      await queue.drained({ signal });
    };
    await once();
    const before = kept();
    for (let call = 0; call < 100; call++) await once();
    expect(kept()).toBe(before);
  });
});

describe('stop', () => {
  it.each(['a message runs', 'nothing runs'])('ends at its deadline if Redis is away and %s', async (what) => {
    const server = await startRedis(await realProgram());
    const direct = new Redis(server.url);
    const pid = Number(/process_id:(\d+)/.exec(await direct.info('server'))![1]);
    direct.disconnect();
    const queue = new HotQueue(aName(), { url: server.url, logger: false });
    const began = latch();
    const runner = start(
      queue.worker(() => {
        began.open();
        return new Promise(() => undefined);
      }),
    );
    if (what === 'a message runs') {
      await queue.put('a');
      await began;
    } else {
      await until(
        () => queue.counts(),
        ({ workers }) => workers === 1,
      );
    }
    process.kill(pid, 'SIGSTOP');
    const ended = runner.stop({ shutdownTimeout: 100 }).then(
      () => 'ended',
      () => 'ended',
    );
    // A call on a frozen server takes seven seconds to fail.
    expect(await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 4_000, 'late'))])).toBe('ended');
    process.kill(pid, 'SIGCONT');
    await queue.close();
    await server.stop();
  });
});
