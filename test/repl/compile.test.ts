import { runInThisContext } from 'node:vm';
import { expect, it } from 'vitest';
import { compileLine } from '../../src/repl/compile.js';
import { define } from '../../src/repl/preload.js';
import { IncompleteError, importerName } from '../../src/repl/script.js';
import { typescriptStripper } from '../../src/repl/typescript.js';

const strip = await typescriptStripper();
define({ [importerName]: (name: string) => import(name) });

/** The results of lines, typed one after the other. */
async function values(lines: readonly string[], withTypes = true): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const line of lines)
    all.push(await (runInThisContext(compileLine(line, withTypes ? strip : undefined)) as Promise<unknown>));
  return all;
}

it('finds the TypeScript compiler', () => expect(strip).toBeTypeOf('function'));

it.each([
  ['an expression', ['1 + 1'], 2],
  ['a promise, awaited', ['Promise.resolve(3)'], 3],
  ['an await', ['await Promise.resolve(4) + 1'], 5],
  ['an object, not a block', ['{ a: 1 }'], { a: 1 }],
  ['a block', ['{ let x = 1; x }'], undefined],
  ['types', ['const t1: number = 5', 't1 as number'], 5],
  ['a const declared again', ['const t2 = 1', 'const t2 = 2', 't2'], 2],
  ['a class declared again', ['class T3 { a = 1 }', 'class T3 { a = 2 }', 'new T3().a'], 2],
  ['patterns', ['const { a: t4, ...t5 } = await Promise.resolve({ a: 1, b: 2 })', '[t4, t5]'], [1, { b: 2 }]],
  ['a function that uses a later name', ['function t6() { return t7 }', 'let t7 = 7', 't6()'], 7],
  [
    'imports, used later',
    ["import t8, { join as t9 } from 'node:path'", 't9("a", "b") + typeof t8.join'],
    'a/bfunction',
  ],
  ['an import of everything', ["import * as t10 from 'node:path'", 'typeof t10.join'], 'function'],
  ['a type only', ['interface T11 { a: string }'], undefined],
  ['text pasted from a file', ['export const t12 = 1; export class T12 {}', '[t12, typeof T12]'], [1, 'function']],
  ['an enum', ['enum T13 { A = 4 }', 'T13.A'], 4],
  ['a comment', ['// nothing'], undefined],
  ['a statement after an expression', ['1; if (true) { 2 }'], undefined],
])('%s', async (_what, lines, value) => {
  expect((await values(lines)).at(-1)).toEqual(value);
});

it('returns undefined for a decorated class, and does not define unset fields', async () => {
  define({ note: () => () => undefined });
  expect(
    await values([
      'class T14 { @note() to!: string; @note() send(a: string) {} }',
      '@note() class T15 {}',
      'Object.keys(new T14())',
    ]),
  ).toEqual([undefined, undefined, []]);
});

it('without the compiler, runs JavaScript with await and import', async () => {
  expect(
    await values(
      ["import { join } from 'node:path'", 'const t16 = await Promise.resolve(join("a", "b"))', 't16'],
      false,
    ),
  ).toEqual([undefined, undefined, 'a/b']);
  expect(() => compileLine('const x: number = 1')).toThrow(SyntaxError);
});

it.each([
  'for await (const x of q.consume()) {',
  'q.put(',
  'class A { @IsIn(["a"]) x',
  'class M {\n  @worker(q)\n  async send(p: P)',
  '`a',
  '/* a',
  'const f = async (x) =>',
  "new HotQueue('x', {",
  '@worker(q)',
  '{ a: 1,',
  'foo.',
])('%j is incomplete', (line) => {
  expect(() => compileLine(line, strip)).toThrow(IncompleteError);
});

it.each(['q.put(', '`a', '/* a', 'foo.', 'const f = async (x) =>'])(
  '%j is incomplete, also without the compiler',
  (line) => {
    expect(() => compileLine(line)).toThrow(IncompleteError);
  },
);

it.each(['x = )', '"abc', 'let 1 = 2', '} else'])('%j is a syntax error', (line) => {
  for (const by of [strip, undefined]) {
    const attempt = (): unknown => compileLine(line, by);
    expect(attempt).toThrow(SyntaxError);
    expect(attempt).not.toThrow(IncompleteError);
  }
});
