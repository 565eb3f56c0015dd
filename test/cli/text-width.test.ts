import { expect, it } from 'vitest';
import { table } from '../../src/cli/table.js';
import { columnsOf, cutTo } from '../../src/cli/text-width.js';

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
