import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { aBroker } from '../support/queue.js';

it('a wait is over only when what was asked behind it is, as its line keeps the process alive until then', async () => {
  const broker = aBroker();
  await broker.put('producer', 1, ['one'], { withinMs: 5_000 });
  const waiter = broker.waiter();
  let answer!: () => void;
  let isOver = false;
  const waiting = waiter.wait(() => new Promise((resolve) => (answer = resolve))).then((moved) => {
    isOver = true;
    return moved;
  });
  // The wait itself ends at once, as there is a message; what is behind it has not been answered.
  while ((await broker.size({ withinMs: 5_000 })) === 0 || answer === undefined) await pause(1);
  await broker.connection.call((client) => client.lrange(broker.keys.inbox, 0, 0), { withinMs: 5_000 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  answer();
  expect(await waiting).toBe(true);
  await waiter.close();
});
