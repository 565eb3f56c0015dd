import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const src = new URL('../../src', import.meta.url).pathname;
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const importsOf = (file: string): string[] => [...readFileSync(join(src, file), 'utf8').matchAll(/(?:from|import) '([^']+)'/g)].map((found) => found[1]!);
const folderOf = (file: string): string | undefined => (file.includes('/') ? file.split('/')[0] : undefined);

it('a folder imports only itself and the folders above it, and no folder imports the files at the top', () => {
  const wrong = files.flatMap((file) => {
    const folder = folderOf(file);
    const inner = folder === undefined ? [] : importsOf(file).filter((path) => path.startsWith('.'));
    return inner.map((path) => [file, join(file, '..', path)] as const).filter(([, path]) => (folderOf(path) ?? '~') > folder!);
  });
  expect(wrong).toEqual([]);
});

it.each([
  ['ioredis', 'redis', ['contract/queue-options.ts']],
  ['class-validator', 'message', []],
  ['class-transformer', 'message', []],
])('%s is imported by one folder only', (library, home, typesOnly) => {
  const users = files.filter((file) => importsOf(file).some((path) => path === library || path.startsWith(`${library}/`)));
  expect(users.filter((file) => folderOf(file) !== home)).toEqual(typesOnly);
});
