import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { JobFields, QueueEmitter } from 'hotqueue';
import { Books } from '../../../examples/images/books.js';

const jobs = ['a', 'b', 'c'].map((id): JobFields => ({ id, queue: 'q', payload: id, putAt: 0 }));
const of = (id: string, attempt = 1) => ({ queue: 'q', id, attempt, worker: 'w', tookMs: 1, waitedMs: 0 });

it('are balanced when every task is done or dead, also if it was delivered several times', async () => {
  const events: QueueEmitter = new EventEmitter();
  const books = new Books({ events }, jobs);
  let isBalanced = false;
  void books.balanced.then(() => (isBalanced = true));
  events.emit('ack', of('a'));
  events.emit('ack', of('a', 2));
  events.emit('retry', { ...of('b'), delayMs: 1, error: undefined });
  events.emit('bury', { ...of('b', 2), reason: 'failed', error: undefined });
  events.emit('ack', of('another queue'));
  await Promise.resolve();
  expect(books.tally).toEqual({ total: 3, done: 1, retried: 1, dead: 1, left: 1 });
  expect(isBalanced).toBe(false);
  events.emit('ack', of('c'));
  await books.balanced;
  expect(books.tally).toEqual({ total: 3, done: 2, retried: 1, dead: 1, left: 0 });
});
