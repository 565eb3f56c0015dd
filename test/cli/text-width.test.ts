import stringWidth from 'string-width';
import { beforeEach, expect, it, vi } from 'vitest';
import { table } from '../../src/cli/table.js';
import { columnsOf, cutTo } from '../../src/cli/text-width.js';

vi.mock('string-width', async (original) => {
  const { default: real } = await original<{ default: typeof stringWidth }>();
  return { default: vi.fn<typeof stringWidth>(real) };
});
beforeEach(() => void vi.mocked(stringWidth).mockClear());

it.each([
  ['abc', 3],
  ['日本', 4],
  ['é', 1],
  ['🎉!', 3],
  ['👨‍👩‍👧', 2],
  ['\x1b[31mred\x1b[39m', 3],
  ['', 0],
])('%j takes %i columns', (text, columns) => expect(columnsOf(text)).toBe(columns));

it.each([
  ['日本語', 4, '日…'],
  ['abcdef', 4, 'abc…'],
  ['abcd', 4, 'abcd'],
  ['x', 0, ''],
  ['👨‍👩‍👧👨‍👩‍👧', 3, '👨‍👩‍👧…'],
  ['a'.repeat(1_048_576), 3, 'aa…'],
])('%j in %i columns is %j', (text, columns, cut) => expect(cutTo(text, columns)).toBe(cut));

it('a table stays aligned below wide characters', () => {
  const [, ...rows] = table(['name', 'n'], [['日本語', '1'], ['abcdef', '2']]).split('\n'); // prettier-ignore
  expect(rows).toEqual(['日本語  1', 'abcdef  2']);
});

it('measures only the beginning of a long text: a message can have a megabyte', () => {
  expect(cutTo('日'.repeat(1_048_576), 3)).toBe('日…');
  const measured = vi.mocked(stringWidth).mock.calls.map(([text]) => text.length);
  expect(measured.length).toBeGreaterThan(0);
  expect(measured.reduce((sum, length) => sum + length, 0)).toBeLessThan(100);
});

it('does not measure what the command line draws itself: top draws many bars each second', () => {
  for (const text of ['███▌ 12 · 3 │ 4 ↑', 'emails  1,234']) expect(columnsOf(text)).toBe(text.length);
  expect(stringWidth).not.toHaveBeenCalled();
});
