import { expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { aBroker } from '../support/queue.js';

it('a wait resolves after the call behind it, because its client keeps the process alive only until then', async () => {
  const broker = aBroker();
  await broker.put({ producer: 'producer', number: 1, messages: ['one'] }, { withinMs: 5_000 });
  const waiter = broker.wakeup();
  let answer!: () => void;
  let isOver = false;
  const waiting = waiter
    .wait(() => new Promise((resolve) => (answer = resolve)))
    .then((moved) => {
      isOver = true;
      return moved;
    });
  // BLMOVE ends at once, because a message waits. The call behind it has no reply yet.
  const inbox = (): Promise<number> =>
    broker.connection.call((client) => client.llen(broker.keys.inbox), { withinMs: 5_000 });
  await until(inbox, (length) => length === 1);
  for (let trips = 0; trips < 20; trips++) await inbox(); // by now the reply to BLMOVE has arrived
  expect(isOver).toBe(false);
  answer();
  expect(await waiting).toBe(true);
  await waiter.close();
});
