import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const exists = (...names: string[]): boolean => existsSync(path.join(root, ...names));

/** The paths in backquotes of one line: a name with a slash or with the ending of a source file. */
const pathsIn = (line: string): string[] =>
  [...line.matchAll(/`([\w./-]+)`/g)]
    .map(([, name]) => name!)
    .filter((name) => /^[\w.-]+\/$|\/.*(\/|\.\w+)$|\.(ts|js|lua|json|md)$/.test(name) && !name.startsWith('dist/'));

/**
 * The paths of a page that lead to nothing. A path is relative to the repository, to `src/`, to `src/redis/` (as `scripts/`), or to
 * a folder that was named before in its line: "`wire/`: `id.ts`".
 */
export function deadPaths(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const folders = ['', 'src', 'src/redis'];
    return pathsIn(line).filter((name) => {
      const base = folders.findLast((folder) => exists(folder, name));
      if (base === undefined) return true;
      folders.push(path.join(base, name.endsWith('/') ? name : path.dirname(name)));
      return false;
    });
  });
}

it.each(['docs/architecture.md', 'docs/extending.md', 'CONTRIBUTING.md'])('every path in %s exists', (page) => {
  const text = readFileSync(path.join(root, page), 'utf8');
  // These folders are created when they are needed, and git does not have them.
  const created = ['docs/api/', 'dist/', 'node_modules/', 'bench/results/'];
  expect(text.split('\n').flatMap(pathsIn).length).toBeGreaterThan(10);
  expect(deadPaths(text).filter((name) => !created.includes(name))).toEqual([]);
});

it('a path that leads to nothing is found, wherever it stands in a line', () => {
  const line =
    '| `wire/` | `id.ts`, `gone.ts` | `src/redis/keys.ts`, `scripts/put.lua`, `redis/gone.ts`, `x/`, `queue.put` |';
  expect(deadPaths(line)).toEqual(['gone.ts', 'redis/gone.ts', 'x/']);
});
