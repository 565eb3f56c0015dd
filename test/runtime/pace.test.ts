import { expect, it } from 'vitest';
import { Pace } from '../../src/runtime/pace.js';

it.each<[string, number[], number, number]>([
  ['nothing is known yet: nothing', [], 50, 0],
  ['jobs of a second: nothing', [1_000], 10, 0],
  ['jobs of 10 ms, one at a time: two', [10], 1, 2],
  ['jobs of 10 ms, ten at a time: twenty', [10], 10, 20],
  ['jobs of microseconds: two thousand at the most', [0.001], 50, 2_000],
  ['a slow one among fast ones is believed at once', [0.01, 0.01, 1_000], 1, 0],
  ['a fast one among slow ones is believed slowly', [1_000, 0.01], 1, 0],
])('claims ahead what begins within 20 ms; %s', (_what, tookMs, concurrency, ahead) => {
  const pace = new Pace();
  for (const ms of tookMs) pace.tell(ms);
  expect(pace.ahead(concurrency)).toBe(ahead);
});
