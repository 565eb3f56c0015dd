import { expect, it } from 'vitest';
import { until } from '../support/facts.js';
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
  const inbox = (): Promise<number> => broker.connection.call((client) => client.llen(broker.keys.inbox), { withinMs: 5_000 });
  await until(inbox, (length) => length === 1);
  for (let trips = 0; trips < 20; trips++) await inbox(); // its answer has arrived, too
  expect(isOver).toBe(false);
  answer();
  expect(await waiting).toBe(true);
  await waiter.close();
});
