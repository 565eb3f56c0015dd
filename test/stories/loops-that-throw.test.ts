/** A loop that throws for a message: the message comes back, then it is retried with backoff, then it is buried. */
import { describe, expect, it } from 'vitest';
import type { HotQueue } from 'hotqueue';
import { aQueue, redis } from '../support/queue.js';

/** Runs a loop that throws for the message "bad", and handles the others. @returns whether it threw */
async function loopOnce(queue: HotQueue, seen: unknown[], batch?: number): Promise<boolean> {
  const check = (item: unknown): void => {
    if (item === 'bad') throw new Error('bad');
    seen.push(item);
  };
  try {
    if (batch === undefined) for await (const item of queue.consume({ idleTimeout: 0 })) check(item);
    else for await (const items of queue.consume({ idleTimeout: 0, batch })) items.forEach(check);
    return false;
  } catch {
    return true;
  }
}

describe('a loop that always throws for one message', () => {
  it.each([undefined, 1])('does not keep it at the head for ever (batch %s)', async (batch) => {
    const queue = aQueue();
    await queue.with({ backoff: 1, attempts: 3 }).put('bad');
    await queue.put('good');
    const seen: unknown[] = [];
    let threw = 0;
    while ((await queue.dead.size()) === 0) {
      if (await loopOnce(queue, seen, batch)) threw += 1;
      for (const { id } of await queue.delayed.list()) await queue.delayed.promote(id);
    }
    expect(threw).toBe(18); // three attempts of six loops
    expect(seen).toEqual(['good']);
    const [letter] = await queue.dead.list();
    expect(letter).toMatchObject({ attempts: 3, reason: 'failed 3 of 3 attempts' });
    expect(letter!.failures.map(({ message }) => message)).toEqual(
      Array(3).fill('6 loops in a row ended before they finished this message: they may have thrown'),
    );
    expect(letter!.text).toBe('"bad"');
    await queue.dead.revive(letter!.key);
    expect(await redis().lrange(queue.key, 0, -1)).toEqual([expect.stringMatching(/^#\S+ 0 0[^l]*\n"bad"$/)]);
  });
});

it('a message that a loop leaves with break once or twice comes back first, its attempts not counted', async () => {
  const queue = aQueue();
  await queue.put('first', 'second');
  for (let loop = 0; loop < 2; loop++) {
    for await (const { payload, attempt } of queue.deliveries()) {
      expect([payload, attempt]).toEqual(['first', 1]);
      break;
    }
  }
  expect(await queue.get()).toBe('first');
  expect(await queue.get()).toBe('second');
});
