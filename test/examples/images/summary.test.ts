import { expect, it } from 'vitest';
import { summary, type Result } from '../../../examples/images/summary.js';

const plain = (_: unknown, text: string) => text;
const result: Result = { done: 24, retried: 0, dead: [], left: 0, tookMs: 2_000, results: 'resized/photos/' };

it('is short without failures', () => {
  expect(summary(result, plain).split('\n')).toEqual([
    '  done      24',
    '  retried   0',
    '  dead      0',
    '  time      2.0 s',
    '  rate      12.0 images/s',
    '  results   resized/photos/',
  ]);
});

it('lists dead letters with their reasons, in columns', () => {
  const dead = [
    {
      text: '{"path":"/photos/broken.jpg"}',
      reason: 'failed 3 of 3 attempts',
      attempts: 3,
      error: { name: 'Error', message: 'no image\nat all' },
    },
    {
      text: '{"path":"a.jpg","width":-5}',
      reason: 'invalid payload',
      attempts: 1,
      error: {
        name: 'InvalidPayloadError',
        message: '…',
        violations: [{ path: 'width', rule: 'min', message: 'must not be less than 1' }],
      },
    },
    { text: 'no JSON', reason: 'by hand', attempts: 1, error: undefined },
  ];
  const lines = summary({ ...result, retried: 1, dead, left: 2 }, plain).split('\n');
  expect(lines.slice(1, 7)).toEqual([
    '  retried   1 attempt that failed',
    '  dead      3',
    '              broken.jpg  failed 3 of 3 attempts  no image',
    '              a.jpg       invalid payload         width: must not be less than 1',
    '              no JSON     by hand',
    '  not done  2, put again by the next run',
  ]);
});

it('lists at most twenty dead letters', () => {
  const letter = { text: '{"path":"a.jpg"}', reason: 'by hand', attempts: 1, error: undefined };
  const lines = summary({ ...result, dead: Array(23).fill(letter) as Result['dead'] }, plain).split('\n');
  expect(lines.filter((line) => line.includes('a.jpg'))).toHaveLength(20);
  expect(lines).toContain('              and 3 more');
});
