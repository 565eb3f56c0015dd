import fc from 'fast-check';
import { stripVTControlCharacters, styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import { frame } from '../../src/cli/top/frame.js';
import { columnsOf } from '../../src/cli/text-width.js';
import { cell, fit, foreign } from '../../src/cli/top/line.js';
import { compact, perSecond } from '../../src/cli/top/numbers.js';
import { afterKey } from '../../src/cli/top/state.js';

import { aNext, aQueue, aState, aWorker, busy, drawn, now } from './top-states.js';

describe('the screen', () => {
  it('shows queues with bars, rates and the oldest message, workers with their active messages, and the next messages', () => {
    expect(drawn(busy, 80, 20).map((line) => line.replace(/\d\d:\d\d:\d\d$/, 'hh:mm:ss'))).toEqual([
      'hotqueue top  2 queues, 2 workers: 1,505 waiting, 2 active, 3 dead     hh:mm:ss',
      '  queue                      waiting  active delayed   dead done/s fail/s oldest',
      '> emails   ████████████████    1,204       2      12      3    120    0.2   42 s',
      '  images   ████                  301       0       0      0 paused      -      -',
      '',
      '2 workers on emails: 10,233 done, 12 failed',
      '  worker               process            status   active            done failed',
      '  Postman.send         box:4711           working  2/4 for 1 min      120      0',
      '    job-2                                 attempt 2, for 1 min',
      '    job-1                                 attempt 1, for 3 s',
      '  Postman.bulk         night:4711         quiet    0/4                120      7',
      '',
      'Next on emails',
      '  01990000-0000-7000-8000-000000000001    42 s  {"to":"ada@example.com"}',
      '  -                                          -  "bare"',
      '  01990000-0000-7000-8000-000000000001    42 s  failed 2× {"to":"ada@example.co…',
      '  … 1,201 more',
      '',
      '',
      '↑↓ queue  p pause  r revive dead  d drop dead  n delayed now  ? help  q quit',
    ]);
  });

  it('puts workers and messages side by side if there is room', () => {
    const lines = drawn(busy, 200, 20);
    expect(lines[5]).toMatch(/^2 workers on emails: 10,233 done, 12 failed {2,}│ Next on emails$/);
    expect(lines[7]).toMatch(
      /^ {2}Postman\.send .* 2\/4 for 1 min .*│ .*01990000-.* {3}42 s {2}\{"to":"ada@example\.com"\}|"bare"/,
    );
    expect(lines[2]).toContain('█'.repeat(40));
  });

  it('is never larger than the terminal, for any messages and names', () => {
    const words = fc.string({ unit: 'binary', maxLength: 300 });
    const numbers = fc.nat({ max: 2 ** 31 });
    fc.assert(
      fc.property(
        fc.nat({ max: 220 }),
        fc.nat({ max: 40 }),
        fc.array(fc.tuple(words, words, numbers), { maxLength: 30 }),
        fc.constantFrom('p', '?', 'r', 'x'),
        (columns, rows, rest, key) => {
          const queues = rest.map(([text, id, waiting], index) =>
            aQueue({
              name: `queue-${index}`.repeat(1 + (waiting % 9)),
              waiting,
              dead: waiting,
              next: [aNext({ id, text })],
              workers: [aWorker({ name: text, host: id, activeMessages: [{ id: text, attempt: 1, since: now }] })],
            }),
          );
          const state = afterKey(aState(...queues), { sequence: key, name: key }).state;
          const lines = drawn(state, columns, rows);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) {
            expect(columnsOf(line)).toBeLessThanOrEqual(columns);
            // eslint-disable-next-line no-control-regex
            expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    [1, ''],
    [2, ''],
    [3, 'q quit'],
    [4, 'q quit'],
    [6, 'q quit'],
  ])('with %i rows shows the selected queue', (rows, last) => {
    const queues = Array.from({ length: 40 }, (_, index) => aQueue({ name: `queue-${index}` }));
    const state = { ...aState(...queues), selected: 'queue-33' };
    const lines = drawn(state, 80, rows);
    expect(lines.filter((line) => line.startsWith('> queue-33'))).toHaveLength(1);
    expect(lines).toHaveLength(rows);
    expect(lines.at(-1)).toContain(last);
  });

  it('shows how many queues, workers and messages do not fit', () => {
    const workers = Array.from({ length: 30 }, (_, index) => aWorker({ id: `w-${index}`, name: `Worker ${index}` }));
    const text = drawn(
      aState(
        aQueue({ workers, waiting: 50, next: Array.from({ length: 24 }, () => aNext()) }),
        ...Array.from({ length: 20 }, (_, index) => aQueue({ name: `q-${index}` })),
      ),
    ).join('\n');
    expect(text).toMatch(/… \d+ more queues/);
    expect(text).toMatch(/… \d+ more workers/);
    const [, shown] = /Next on emails\n((?: {2}01990000.*\n)+) {2}… /.exec(text)!;
    expect(text).toContain(`… ${50 - shown!.trimEnd().split('\n').length} more\n`);
  });

  it('shows for how long Redis has not answered, and that a queue is paused; uses colours only if the terminal has them', () => {
    expect(drawn({ ...busy, askedAt: now - 1_000 }).join('\n')).not.toContain('does not answer');
    expect(drawn({ ...busy, askedAt: now - 7_000 }).at(-2)).toBe(
      'Redis does not answer for 7 s: showing old data, reconnecting',
    );
    const coloured = frame(busy, now, { columns: 80, rows: 24 }, (style, text) =>
      styleText(style, text, { validateStream: false }),
    );
    expect(coloured.join('\n')).toContain('\u001b[31m');
    expect(coloured.map(stripVTControlCharacters).map((line) => line.trimEnd())).toEqual(drawn(busy));
    expect(drawn({ ...busy, selected: 'images' }).join('\n')).toContain('Next on images (paused)');
  });
});

describe('columns', () => {
  it('cut and pad text to an exact width', () => {
    expect([cell('ab', 4), cell('ab', 4, { isRight: true }), cell('日本語', 4)]).toEqual([
      ['ab  '],
      ['  ab'],
      ['日… '],
    ]);
    expect(
      columnsOf(
        fit([['日本語'], ['日本語', 'red']], 9)
          .map(([text]) => text)
          .join(''),
      ),
    ).toBe(9);
  });

  it('escape control characters in foreign text, and cut a large payload to the visible part', () => {
    expect(foreign('\u001b[2J\u202eabc\u0007', 80)).toBe('\\x1b[2J\\u202eabc\\x07');
    expect(foreign('x'.repeat(1_000_000), 80).length).toBeLessThan(1_000);
  });

  it.each([
    [0, '0'],
    [1_234, '1,234'],
    [999_999, '999,999'],
    [1_234_567, '1,235k'],
    [12_345_678, '12M'],
  ])('%i is %s', (n, text) => expect(compact(n)).toBe(text));
  it.each([
    [undefined, '-'],
    [0, '0'],
    [0.04, '<0.1'],
    [9.94, '9.9'],
    [9.99, '10'],
    [1_234.4, '1,234'],
    [12_345, '12k'],
  ])('%s per second is %s', (rate, text) => expect(perSecond(rate)).toBe(text));
});
