import { expect, it } from 'vitest';
import { PrefetchSize } from '../../src/consumer/prefetch.js';

it.each<[string, number[], number, number]>([
  ['no message measured yet: none', [], 50, 0],
  ['messages of a second: none', [1_000], 10, 0],
  ['messages of 10 ms, one at a time: two', [10], 1, 2],
  ['messages of 10 ms, ten at a time: twenty', [10], 10, 20],
  ['messages of microseconds: at most two thousand', [0.001], 50, 2_000],
  ['a slow message among fast ones counts at once', [0.01, 0.01, 1_000], 1, 0],
  ['a fast message among slow ones counts slowly', [1_000, 0.01], 1, 0],
])('prefetches the messages that start within 20 ms; %s', (_what, tookMs, concurrency, ahead) => {
  const pace = new PrefetchSize();
  for (const ms of tookMs) pace.observe(ms);
  expect(pace.messages(concurrency)).toBe(ahead);
});
