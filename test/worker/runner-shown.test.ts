/** What `console.log(runner)` shows. */
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { start } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';

it('its workers, how many handlers run, and whether it stops', async () => {
  const queue = aQueue();
  const [release, held] = [latch(), latch()];
  async function resize(): Promise<void> {
    held.open();
    await release;
  }
  const runner = start(queue.worker(resize));
  expect(inspect(runner)).toBe(`Runner { resize on ${queue.name}, 0 running }`);
  await queue.put('a');
  await held;
  expect(inspect(runner)).toBe(`Runner { resize on ${queue.name}, 1 running }`);
  const stopping = runner.stop();
  await until(() => inspect(runner).includes('stopping'));
  expect(inspect(runner)).toBe(`Runner { resize on ${queue.name}, stopping, 1 running }`);
  release.open();
  await stopping;
  expect(inspect(runner)).toBe(`Runner { resize on ${queue.name}, stopped }`);
});
