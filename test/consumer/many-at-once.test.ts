import { getEventListeners } from 'node:events';
import { Writable } from 'node:stream';
import type { HotQueue } from 'hotqueue';
import { expect, it } from 'vitest';
import { writeLine } from '../../src/core/broken-pipes.js';
import { aQueue } from '../support/queue.js';
import { warningsDuring } from '../support/warnings.js';

type Wait = (queue: HotQueue, signal: AbortSignal) => Promise<unknown>;

const delayed = (queue: HotQueue) => queue.with({ delay: '1h' }).put(1);

it.each<[string, Wait]>([
  ['result({ signal })', async (queue, signal) => (await delayed(queue)).result({ signal })],
  [
    'watch({ signal })',
    async (queue, signal) => {
      for await (const step of (await delayed(queue)).watch({ signal })) void step;
    },
  ],
  [
    'history.follow({ signal })',
    (queue, signal) => queue.history.follow({ signal, since: Date.now() + 60_000 }).next(),
  ],
  ['get({ signal })', (queue, signal) => queue.get({ block: true, signal })],
  ['consume({ signal })', (queue, signal) => queue.consume({ signal }).next()],
  ['drained({ signal })', (queue, signal) => queue.drained({ signal, delayed: true })],
])('30 calls of %s at once give no warning, and leave no listener behind', async (_, wait) => {
  const queue = aQueue({ track: true, history: { max: 100 } });
  await delayed(queue);
  const controller = new AbortController();
  const warnings = await warningsDuring(async () => {
    const calls = Array.from({ length: 30 }, () => wait(queue, controller.signal));
    const all = Promise.allSettled(calls);
    for (let trip = 0; trip < 20; trip++) await queue.size(); // each call has sent what it sends before it waits
    controller.abort(new Error('enough'));
    await all;
  });
  expect(warnings).toEqual([]);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

it('30 calls of get() that wait for one queue give no warning', async () => {
  const queue = aQueue();
  const warnings = await warningsDuring(async () => {
    const calls = Array.from({ length: 30 }, () => queue.get({ block: true }));
    for (let trip = 0; trip < 20; trip++) await queue.size();
    await queue.close();
    await Promise.all(calls);
  });
  expect(warnings).toEqual([]);
});

it('30 lines to a reader that has gone away give no warning', async () => {
  const warnings = await warningsDuring(async () => {
    const pending: ((error: Error) => void)[] = [];
    const stream = new Writable({ write: (_chunk, _encoding, done) => void pending.push(done) });
    const lines = Array.from({ length: 30 }, (_, n) => `line ${n}`);
    for (const line of lines) writeLine(stream as unknown as NodeJS.WriteStream, line);
    pending[0]!(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await new Promise((resolve) => stream.once('close', resolve));
  });
  expect(warnings).toEqual([]);
});
