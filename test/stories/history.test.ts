/** The history of a queue, on each kind of server. */
import { expect, it } from 'vitest';
import { aQueue } from '../support/queue.js';

const history = { max: 1_000 };

it('tells what happened to a message', async () => {
  const queue = aQueue({ history, logger: false });
  const [done, dead] = await queue.put('done', 'dead');
  for await (const delivery of queue.deliveries({ limit: 2 }))
    if (delivery.id === dead!.id) await delivery.bury('test');
  const verbs = async (id: string): Promise<string[]> => (await queue.history.read({ id })).map(({ verb }) => verb);
  expect(await verbs(done!.id)).toEqual(['put', 'take', 'ack']);
  expect(await verbs(dead!.id)).toEqual(['put', 'take', 'bury']);
});

it('is followed, alone and in a group', async () => {
  const queue = aQueue({ history });
  const { id } = await queue.put('x');
  for (const member of [{}, { group: 'g', consumer: 'c' }]) {
    for await (const entry of queue.history.follow({ since: '1h', ...member })) {
      expect(entry).toMatchObject({ verb: 'put', id });
      break;
    }
  }
});
