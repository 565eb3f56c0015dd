/** Functions of the user that must not be asynchronous, and are: the call says so, and the rejection that nobody awaits ends no process. */
import { expect, it } from 'vitest';
import { aQueue } from '../support/queue.js';

const rejecting = (): Promise<never> => Promise.reject(new Error('rejected later'));

it('unique', async () => {
  const queue = aQueue();
  await expect(queue.with({ unique: rejecting as never }).put(1)).rejects.toThrow(/invalid unique \(an object\)/);
  expect(await queue.size()).toBe(0);
});

it('dumps of a serializer', async () => {
  const queue = aQueue({ serializer: { dumps: rejecting as never, loads: JSON.parse } });
  await expect(queue.put(1)).rejects.toThrow(/return a string from the serializer/);
});

it('loads of a serializer', async () => {
  const queue = aQueue({ serializer: { dumps: JSON.stringify, loads: rejecting } });
  await expect(queue.put(1)).rejects.toThrow(/a promise after deserialization/);
  expect(await queue.size()).toBe(0);
});

it('where of dead letters', async () => {
  const queue = aQueue();
  await queue.put(1);
  for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury('no');
  await expect(queue.dead.drop({ where: rejecting as never })).rejects.toThrow(/where/);
  expect(await queue.dead.size()).toBe(1);
});
