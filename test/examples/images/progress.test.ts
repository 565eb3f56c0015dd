import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Progress, progressLine } from '../../../examples/images/progress.js';

it.each([
  ['nothing yet', { total: 10, done: 0 }, 0, '░░░░░░░░░░ 0/10  0.0/s'],
  ['half of it', { total: 10, done: 5 }, 5_000, '█████░░░░░ 5/10  1.0/s  5 s left'],
  [
    'failures count as settled',
    { total: 10, done: 3, retried: 2, dead: 1 },
    2_000,
    '████░░░░░░ 4/10  2.0/s  2 retried  1 dead  3 s left',
  ],
  ['minutes', { total: 1_000, done: 10 }, 10_000, '░░░░░░░░░░ 10/1000  1.0/s  16 min 30 s left'],
  ['the end', { total: 10, done: 10 }, 2_000, '██████████ 10/10  5.0/s'],
  ['no time for a rate yet', { total: 10, done: 5 }, 0, '█████░░░░░ 5/10  0.0/s'],
  ['nothing to do', { total: 0, done: 0 }, 0, '██████████ 0/0  0.0/s'],
])('shows: %s', (_, tally, elapsedMs, expected) => {
  const numbers = expected.slice(11);
  expect(progressLine(tally, elapsedMs, numbers.length + 11)).toBe(expected);
});

it.each([200, 80, 45, 40, 20, 5, 0])('never takes more than %i columns', (width) => {
  const line = progressLine(
    { total: 26, done: 12, retried: 3, dead: 1 },
    4_000,
    width,
    (_, text) => `\x1b[31m${text}\x1b[39m`,
  );
  expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(width);
  expect(line.includes('█')).toBe(width >= 60);
});

/** A fake terminal or pipe. The environment decides on the colours of the terminal. */
function aScreen(isTTY: boolean, columns = 60) {
  const screen = Object.assign(new PassThrough({ encoding: 'utf8' }), {
    isTTY,
    columns,
    getColorDepth: () => WriteStream.prototype.getColorDepth(),
  });
  return { screen, seen: () => (screen.read() as string | null) ?? '' };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  vi.stubEnv('NO_COLOR', undefined);
  vi.stubEnv('FORCE_COLOR', undefined);
  vi.stubEnv('CI', undefined); // with CI set, Node assumes that the output has no colours
  vi.stubEnv('TERM', 'xterm');
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

it('prints one line per second without a terminal, without escape codes', () => {
  const { screen, seen } = aScreen(false);
  let done = 0;
  const progress = new Progress('resizing', () => ({ total: 4, done, dead: 1 }), screen);
  expect(seen()).toBe('');
  vi.advanceTimersByTime(1_000);
  done = 3;
  progress.say('something else');
  progress.end();
  vi.advanceTimersByTime(5_000);
  const text = seen();
  expect(text.split('\n')).toEqual([
    expect.stringMatching(/^resizing █+░+ 1\/4 .*3 s left$/),
    'something else',
    expect.stringMatching(/^resizing █+ 4\/4 .*1 dead$/),
    '',
  ]);
  expect(text).toBe(stripVTControlCharacters(text));
});

it('redraws its line on a terminal, and prints other lines above it', () => {
  const { screen, seen } = aScreen(true);
  const progress = new Progress('resizing', () => ({ total: 4, done: 2, dead: 1 }), screen);
  vi.advanceTimersByTime(200);
  expect(seen()).not.toContain('\n');
  progress.say('something else');
  expect(seen()).toContain('\x1b[1G\x1b[2Ksomething else\n\x1b[1G');
  progress.end();
  expect(stripVTControlCharacters(seen()).split('resizing').at(-1)).toMatch(/^ █+░+ 3\/4 .*\n$/);
});

it('uses colours on a terminal, none with NO_COLOR, and plain lines on a dumb terminal', () => {
  const draw = () => {
    const { screen, seen } = aScreen(true);
    new Progress('resizing', () => ({ total: 4, done: 2, dead: 1 }), screen).end();
    return seen();
  };
  expect(draw()).toContain('\x1b[31m1 dead');
  vi.stubEnv('NO_COLOR', '1');
  expect(draw()).not.toContain('\x1b[3');
  vi.stubEnv('TERM', 'dumb');
  expect(draw()).not.toContain('\x1b');
});
