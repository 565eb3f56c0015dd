import { expect, it } from 'vitest';
import { start } from 'hotqueue';
import { latch, until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';

const total = 2_000;
const slow = 1_000;

it('what was claimed ahead and stands behind a slow message goes back, where others find it', async () => {
  const queue = aQueue();
  const [slowBegan, slowMayEnd] = [latch(), latch()];
  const done = new Set<unknown>();
  const handle = async (number: unknown): Promise<void> => {
    if (number === slow) {
      slowBegan.open();
      await slowMayEnd;
    }
    done.add(number);
  };
  await queue.putAll(Array.from({ length: total }, (_, index) => index));
  const first = start(queue.worker(handle));
  let second: ReturnType<typeof start> | undefined;
  try {
    await slowBegan;
    // Fast ones came before it, so a good many were claimed with it.
    expect((await queue.counts()).claimed).toBeGreaterThan(1);
    await until(() => queue.counts(), ({ claimed }) => claimed === 1);
    second = start(queue.worker(handle));
    await until(() => done.size, (size) => size === total - 1);
    expect(done.has(slow)).toBe(false);
  } finally {
    slowMayEnd.open();
    await Promise.all([first.stop(), second?.stop()]);
  }
  expect(done.size).toBe(total);
});
