import fc from 'fast-check';
import { stripVTControlCharacters, styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { WorkerInfo } from 'hotqueue';
import { frame } from '../../src/cli/top/frame.js';
import { columnsOf } from '../../src/cli/text-width.js';
import { cell, fit, foreign, type Paint } from '../../src/cli/top/line.js';
import { compact, perSecond } from '../../src/cli/top/numbers.js';
import { ratesOverWindow } from '../../src/cli/top/rates.js';
import type { StoredMessage, TopQueue } from '../../src/cli/top/snapshot.js';
import { afterKey, stateOf, withSnapshot, type State } from '../../src/cli/top/state.js';

const now = Date.UTC(2026, 8, 1, 12);
const plain: Paint = (_style, text) => text;

const aNext = (more: Partial<StoredMessage> = {}): StoredMessage => ({
  id: '01990000-0000-7000-8000-000000000001',
  putAt: now - 42_000,
  attempts: 0,
  text: '{"to":"ada@example.com"}',
  ...more,
});
const aQueue = (more: Partial<TopQueue> = {}): TopQueue => ({
  name: 'emails',
  waiting: 0,
  active: 0,
  delayed: 0,
  dead: 0,
  done: 0,
  failed: 0,
  isPaused: false,
  oldestAt: undefined,
  workers: [],
  rates: undefined,
  next: [],
  ...more,
});
const aWorker = (more: Partial<WorkerInfo> = {}): WorkerInfo => ({
  id: 'worker-1',
  queue: 'emails',
  name: 'Postman.send',
  kind: 'handler',
  host: 'box',
  pid: 4711,
  process: '',
  startedAt: now - 60_000,
  concurrency: 4,
  status: 'working',
  done: 120,
  failed: 0,
  active: 0,
  activeMessages: [],
  leaseUntil: now + 30_000,
  ...more,
});
const aState = (...queues: readonly TopQueue[]): State => stateOf({ at: now, queues });
const drawn = (state: State, columns = 80, rows = 24): string[] => frame(state, now, { columns, rows }, plain);

const busy = aState(
  aQueue({
    waiting: 1_204,
    active: 2,
    delayed: 12,
    dead: 3,
    done: 10_233,
    failed: 12,
    oldestAt: now - 42_000,
    rates: { done: 120.4, failed: 0.2 },
    next: [aNext(), aNext({ id: '', putAt: null, text: '"bare"' }), aNext({ attempts: 2 })],
    workers: [
      aWorker({
        active: 2,
        activeMessages: [
          { id: 'job-1', attempt: 1, since: now - 3_000 },
          { id: 'job-2', attempt: 2, since: now - 65_000 },
        ],
      }),
      aWorker({ id: 'worker-2', name: 'Postman.bulk', process: 'night', status: 'quiet', failed: 7 }),
    ],
  }),
  aQueue({ name: 'images', waiting: 301, isPaused: true }),
);

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

describe('keys', () => {
  const letter = (sequence: string) => ({ sequence, name: sequence.toLowerCase() });

  it('move between queues; the selected queue stays selected when others appear', () => {
    const down = afterKey(busy, { name: 'down', sequence: '\u001b[B' }).state;
    expect([
      busy.selected,
      down.selected,
      afterKey(down, letter('j')).state.selected,
      afterKey(down, letter('k')).state.selected,
    ]).toEqual(['emails', 'images', 'images', 'emails']);
    expect(afterKey(busy, { sequence: 'G', name: 'g' }).state.selected).toBe('images');
    expect(withSnapshot(down, { at: now, queues: [aQueue({ name: 'first' }), ...busy.snapshot.queues] }).selected).toBe(
      'images',
    );
    expect(withSnapshot(down, { at: now, queues: [aQueue()] }).selected).toBe('emails');
  });

  it('p pauses and resumes at once; all other actions need the key y', () => {
    expect(afterKey(busy, letter('p')).action).toEqual({ verb: 'pause', queue: 'emails' });
    expect(afterKey({ ...busy, selected: 'images' }, letter('p')).action).toEqual({ verb: 'resume', queue: 'images' });
    for (const [key, verb, text] of [
      ['r', 'revive', 'revive all 3 dead letters of emails?'],
      ['d', 'drop', 'drop all 3 dead letters of emails permanently?'],
      ['n', 'promote', 'promote all 12 delayed messages of emails now?'],
    ] as const) {
      const { state, action } = afterKey(busy, letter(key));
      expect([action, state.question?.text]).toEqual([undefined, text]);
      expect(drawn(state).at(-1)).toContain(`${text} y: yes`);
      expect(afterKey(state, letter('y')).action).toEqual({ verb, queue: 'emails' });
      for (const other of ['n', key, 'q', '\r'])
        expect(afterKey(state, letter(other))).toMatchObject({
          state: { question: undefined, note: 'nothing was changed' },
        });
      expect(afterKey(state, letter('\r')).action).toBeUndefined();
    }
    expect(afterKey({ ...busy, selected: 'images' }, letter('r')).state).toMatchObject({
      question: undefined,
      note: 'images has no dead letters',
    });
    expect(afterKey({ ...busy, doing: 'reviving' }, letter('p')).action).toBeUndefined();
  });

  it('q and Ctrl-C end the program, Ctrl-C also at a question; without a queue, other keys do nothing', () => {
    expect(
      [letter('q'), { name: 'c', ctrl: true, sequence: '\u0003' }].map((key) => afterKey(busy, key).isEnd),
    ).toEqual([true, true]);
    expect(afterKey(afterKey(busy, letter('d')).state, { name: 'c', ctrl: true, sequence: '\u0003' }).isEnd).toBe(true);
    const help = afterKey(busy, letter('?')).state;
    expect(drawn(help).join('\n')).toContain('drop all its dead letters permanently');
    expect(afterKey(help, letter('d'))).toMatchObject({ state: { isHelp: false, question: undefined } });
    for (const key of ['p', 'r', 'd', 'n', 'j'])
      expect(afterKey(aState(), letter(key))).toMatchObject({ state: { selected: undefined, question: undefined } });
    expect(drawn(aState()).join('\n')).toContain('no queue yet');
  });
});

describe('rates', () => {
  const worker = (done: number, seconds: number, id = 'one') =>
    aWorker({ id, done, leaseUntil: now + seconds * 1_000 });
  const look = (...workers: WorkerInfo[]) =>
    aQueue({ workers, done: workers.reduce((sum, { done }) => sum + done, 0) });

  it('are the differences between two reports of each worker, also if these come late', () => {
    const before = [
      { at: now, queues: [look(worker(100, 0), worker(5, 0, 'two'))] },
      { at: now + 1_000, queues: [look(worker(100, 0), worker(6, 1, 'two'))] },
    ];
    expect(ratesOverWindow(look(worker(1_100, 10), worker(7, 2, 'two')), now + 2_000, before)).toEqual({
      done: 101,
      failed: 0,
    });
  });

  it('are unknown until a worker has reported twice; without workers they come from the totals of the queue', () => {
    expect(ratesOverWindow(look(worker(100, 0)), now, [])).toBeUndefined();
    expect(
      ratesOverWindow(look(worker(100, 0)), now + 1_000, [{ at: now, queues: [look(worker(100, 0))] }]),
    ).toBeUndefined();
    expect(ratesOverWindow(aQueue({ done: 30 }), now + 2_000, [{ at: now, queues: [aQueue({ done: 10 })] }])).toEqual({
      done: 10,
      failed: 0,
    });
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
