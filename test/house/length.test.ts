import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const sources = new URL('../../src/', import.meta.url);
const longest = 250;

/** Files that are longer today. Do not add to this list: divide the file, or give the reason in its first comment. */
const allowed = [
  'consumer/claim.ts',
  'hot-queue.ts',
  'inspect/dead-letters.ts',
  'worker/handler-runner.ts',
  'worker/types.ts',
];

const firstComment = /\/\/ ?(.*)|\/\*\*?([^]*?)\*\//;

/** The reason that the first comment of a file gives for its length: `// Longer than 250 lines: …`. */
function reasonIn(text: string): string | undefined {
  const [, line, block] = firstComment.exec(text) ?? [];
  return /Longer than 250 lines: (.+)/.exec(line ?? block ?? '')?.[1];
}

const tooLong = (text: string): boolean => text.trimEnd().split('\n').length > longest && reasonIn(text) === undefined;

it(`files of src with more than ${longest} lines give a reason in their first comment`, () => {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|lua)$/.test(name));
  const long = files.filter((name) => tooLong(readFileSync(new URL(name, sources), 'utf8')));
  // A file that is short now must leave the list too.
  expect(long.sort()).toEqual(allowed);
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
