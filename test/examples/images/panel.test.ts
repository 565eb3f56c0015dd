import { expect, it } from 'vitest';
import { line, panel, rate, type Look } from '../../../examples/images/panel.js';

const counts = { waiting: 3, delayed: 1, active: 2, dead: 1, workers: 1, done: 0, failed: 0 };
const look: Look = { at: 5_000, counts, next: [{ path: '/a/b.jpg', width: 8, height: 6 }, 'words', null] };

it.each([
  ['unknown at first', undefined, undefined],
  ['tasks done per second', { at: 3_000, counts: { ...counts, waiting: 13 } }, 5],
  ['negative if more tasks are put than done', { at: 4_000, counts: { ...counts, waiting: 0 } }, -3],
  ['zero if tasks only change their state', { at: 4_000, counts: { ...counts, waiting: 5, delayed: 0, active: 1 } }, 0],
])('has a rate: %s', (_, before, expected) => {
  expect(rate({ ...look, before })).toBe(expected);
});

it('is a line for a pipe', () => {
  const before = { at: 3_000, counts: { ...counts, waiting: 13 } };
  expect(line('images', { ...look, before })).toBe(
    'images  waiting 3  delayed 1  active 2  dead 1  workers 1  rate 5.0/s fewer  next b.jpg to 8×6, "words", null',
  );
  expect(line('images', { ...look, before: { at: 4_000, counts: { ...counts, waiting: 1 } }, next: [] })).toMatch(
    /rate 2\.0\/s more$/,
  );
  expect(line('images', { ...look, before: { at: 4_000, counts } })).toContain('rate 0.0/s  next');
  expect(line('images', { ...look, next: [] })).toBe(
    'images  waiting 3  delayed 1  active 2  dead 1  workers 1  rate -',
  );
});

it('is a panel for a terminal', () => {
  const lines = panel('images', look, 15, (_, text) => text);
  expect(lines.slice(1, 7)).toEqual([
    '  waiting  3',
    '  delayed  1',
    '  active   2',
    '  dead     1',
    '  workers  1',
    '  rate     -',
  ]);
  expect(lines.slice(7)).toEqual(['  next', '    1. b.jpg to', '    2. "words"', '    3. null', '  Ctrl-C ends']);
});
