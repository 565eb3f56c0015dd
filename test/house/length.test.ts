import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const sources = new URL('../../src/', import.meta.url);
const longest = 250;

const firstComment = /(?:\/\/|--) ?(.*)|\/\*\*?([^]*?)\*\//;

/** The reason that the first comment of a file gives for its length: `// Longer than 250 lines: …`. */
function reasonIn(text: string): string | undefined {
  const [, line, block] = firstComment.exec(text) ?? [];
  return /Longer than 250 lines: (.+)/.exec(line ?? block ?? '')?.[1];
}

const isLong = (text: string): boolean => text.trimEnd().split('\n').length > longest;
const tooLong = (text: string): boolean => isLong(text) && reasonIn(text) === undefined;

const files = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(ts|lua)$/.test(name))
  .map((name) => ({ name, text: readFileSync(new URL(name, sources), 'utf8') }));

it(`files of src with more than ${longest} lines give a reason in their first comment`, () => {
  expect(files.filter(({ text }) => tooLong(text)).map(({ name }) => name)).toEqual([]);
});

it('a file that is short gives no such reason', () => {
  expect(files.filter(({ text }) => !isLong(text) && reasonIn(text)).map(({ name }) => name)).toEqual([]);
});

it('a reason counts only in the first comment', () => {
  const lines = '\nlet x;'.repeat(longest);
  const reason = '// Longer than 250 lines: one table, which is read as a whole';
  expect(tooLong(`${reason}${lines}`)).toBe(false);
  expect(tooLong(`import 'x';\n\n/** Longer than 250 lines: one table. */${lines}`)).toBe(false);
  expect(tooLong(`// Something else${lines}\n${reason}`)).toBe(true);
  expect(tooLong(`// Longer than 250 lines:${lines}`)).toBe(true);
  expect(tooLong('let x;\n'.repeat(longest))).toBe(false);
});
