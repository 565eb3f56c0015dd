/** Each verb of the history with the fields of its entry: docs/history.md promises both. */
import { expect, it } from 'vitest';
import { start, type Delivery, type HistoryEntry, type HotQueue } from 'hotqueue';
import { historyVerbs, type HistoryVerb } from '../../src/history/entry.js';
import { aBroker, aQueue } from '../support/queue.js';
import { aWorker, endLease, places, take } from '../support/takes.js';

type Fields = Partial<Omit<HistoryEntry, 'key' | 'at' | 'verb' | 'id'>>;

interface Case {
  /** Makes an entry of the verb. @returns the id of its message */
  readonly make: (queue: HotQueue) => Promise<string>;
  /** All fields of the entry but `key`, `at`, `verb` and `id`. */
  readonly has: Fields;
}

const at = { withinMs: 5_000 };
const [text, number] = [expect.any(String) as string, expect.any(Number) as number];
const delayed = async (queue: HotQueue): Promise<string> => (await queue.with({ delay: '1h' }).put('x')).id;

/** Puts a message, and takes it with a consumer that does this. */
async function taken(queue: HotQueue, act: (delivery: Delivery<unknown>) => Promise<unknown>): Promise<string> {
  const { id } = await queue.put('x');
  for await (const delivery of queue.deliveries({ limit: 1 })) await act(delivery);
  return id;
}

/** Puts a message, runs a worker until the queue is drained, and stops it. */
async function worked(queue: HotQueue, handle: (payload: unknown, job: Delivery<unknown>) => unknown): Promise<string> {
  const { id } = await queue.with({ track: true }).put('x');
  const runner = start(queue.worker((payload, job) => handle(payload, job)));
  await queue.drained();
  await runner.stop();
  return id;
}

const cases: Record<HistoryVerb, Case> = {
  put: { make: delayed, has: { dueAt: number, payload: '"x"' } },
  replace: {
    make: async (queue) => {
      const late = queue.with({ track: true, unique: 'u', delay: '1h', replace: true });
      const { id } = await late.put('first');
      await late.put('second');
      return id;
    },
    has: { payload: '"second"' },
  },
  promote: {
    make: async (queue) => {
      const id = await delayed(queue);
      await queue.delayed.move(id, { delay: 0 });
      return id;
    },
    has: {},
  },
  move: {
    make: async (queue) => {
      const id = await delayed(queue);
      await queue.delayed.move(id, { delay: '2h' });
      return id;
    },
    has: { dueAt: number },
  },
  take: { make: (queue) => taken(queue, (delivery) => delivery.ack()), has: { worker: text, attempt: 1 } },
  ack: { make: (queue) => taken(queue, (delivery) => delivery.ack()), has: { worker: text, attempt: 1 } },
  retry: {
    make: (queue) =>
      worked(queue, (_payload, { attempt }) => {
        if (attempt === 1) throw new TypeError('no');
      }),
    has: { worker: text, attempt: 1, error: 'TypeError', delayMs: 0 },
  },
  continue: {
    make: (queue) =>
      worked(queue, async (payload, job) => {
        if (payload === 'x') job.continueWith(await queue.with({ track: true }).put('y'));
      }),
    has: { worker: text, attempt: 1 },
  },
  bury: {
    make: (queue) => taken(queue, (delivery) => delivery.bury('no address')),
    has: { worker: text, attempt: 1, reason: 'no address' },
  },
  release: {
    make: (queue) => taken(queue, (delivery) => delivery.release()),
    has: { worker: text, attempt: 1 },
  },
  'give-back': {
    make: async (queue) => {
      const { id } = await queue.put('x');
      const broker = aBroker(queue.name);
      const worker = await aWorker(broker);
      await take(broker, worker, 1);
      await broker.leave(worker, at);
      return id;
    },
    has: { worker: text, attempt: 1 },
  },
  recover: {
    make: async (queue) => {
      const { id } = await queue.put('x');
      const broker = aBroker(queue.name);
      const worker = await aWorker(broker);
      places(await take(broker, worker, 1));
      await endLease(broker, worker);
      await broker.recover(worker, 'hotqueue', at);
      return id;
    },
    has: { worker: text, attempt: 1, crashes: 1 },
  },
  cancel: {
    make: async (queue) => {
      const id = await delayed(queue);
      await queue.delayed.cancel(id);
      return id;
    },
    has: {},
  },
  clear: {
    make: async (queue) => {
      const { id } = await queue.put('x');
      await queue.clear();
      return id;
    },
    has: {},
  },
  revive: {
    make: async (queue) => {
      const id = await taken(queue, (delivery) => delivery.bury('test'));
      await queue.dead.revive(id);
      return id;
    },
    has: {},
  },
  drop: {
    make: async (queue) => {
      const id = await taken(queue, (delivery) => delivery.bury('test'));
      await queue.dead.drop(id);
      return id;
    },
    has: {},
  },
  fire: {
    make: async (queue) => {
      await queue.schedules.set('nightly', { every: '1h', payload: 'x' });
      return (await queue.schedules.run('nightly')).id;
    },
    has: { schedule: 'nightly' },
  },
};

it.each(historyVerbs)('an entry of %s has the fields that the docs name, and no others', async (verb) => {
  const queue = aQueue({ history: { max: 1_000, payload: true }, attempts: 2, backoff: 0, logger: false });
  const id = await cases[verb].make(queue);
  const entry = (await queue.history.read({ id })).find((each) => each.verb === verb);
  expect(entry).toEqual({
    key: expect.stringMatching(/^\d+-\d+$/) as string,
    at: number,
    verb,
    id,
    ...cases[verb].has,
  });
});
