import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as library from 'hotqueue';

const sources = new URL('../../src/', import.meta.url);
const isOfLibrary = (name: string): boolean => name.endsWith('.ts') && !/^(cli|repl|learn)\//.test(name);
const text = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  .filter(isOfLibrary)
  .map((name) => readFileSync(new URL(name, sources), 'utf8'))
  .join('\n');
const exported = Object.entries(library)
  .map(([name]) => name)
  .filter((name) => /^[A-Z]\w*Error$/.test(name) && name !== 'HotQueueError');

it('the library itself throws every error that it exports', () => {
  expect(exported.length).toBeGreaterThan(10);
  expect(exported.filter((name) => !text.includes(`new ${name}(`))).toEqual([]);
});

it('the code of an error is its name', () => {
  const codes = exported.map((name) => {
    const words = name.replace(/Error$/, '').replaceAll(/(?<=.)([A-Z])/g, '_$1');
    return [name, words.toUpperCase()] as const;
  });
  expect(codes.filter(([, code]) => !text.includes(`readonly code = '${code}';`))).toEqual([]);
});
