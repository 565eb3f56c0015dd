import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { findUp } from '../find-up.js';

/** An installed package. */
export interface Copy {
  /** Its folder, with symbolic links resolved. */
  readonly dir: string;
  readonly version: string;
}

/** The copy that `file` would import; `undefined` if there is none. */
export function copySeenFrom(file: string, name: string): Copy | undefined {
  try {
    const entry = createRequire(file).resolve(name);
    // Does not resolve `name/package.json`: many packages do not export it.
    for (
      let found = findUp('package.json', path.dirname(entry));
      found;
      found = findUp('package.json', path.dirname(path.dirname(found)))
    ) {
      const { name: its, version } = JSON.parse(readFileSync(found, 'utf8')) as { name?: string; version?: string };
      if (its === name) return { dir: realpathSync(path.dirname(found)), version: version ?? 'unknown' };
    }
  } catch {
    // not installed
  }
  return undefined;
}

/** All copies in the `node_modules` of the project of `dir`, also inside other packages. */
export function copiesIn(dir: string, name: string): Copy[] {
  const manifest = findUp('package.json', dir);
  const found = new Map<string, Copy>();
  if (manifest !== undefined) collect(path.join(path.dirname(manifest), 'node_modules'), name, found, 0);
  return [...found.values()];
}

/** Deeper than real projects nest packages. Stops the search if symbolic links form a circle. */
const deepest = 8;

function collect(modules: string, name: string, found: Map<string, Copy>, depth: number): void {
  if (depth > deepest || !existsSync(modules)) return;
  const manifest = path.join(modules, name, 'package.json');
  if (existsSync(manifest)) {
    const dir = realpathSync(path.dirname(manifest));
    const { version = 'unknown' } = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string };
    found.set(dir, { dir, version });
  }
  for (const inner of packagesIn(modules)) collect(path.join(modules, inner, 'node_modules'), name, found, depth + 1);
}

function packagesIn(modules: string): string[] {
  return readdirSync(modules).flatMap((entry) => {
    if (entry.startsWith('.')) return [];
    return entry.startsWith('@') ? readdirSync(path.join(modules, entry)).map((inner) => `${entry}/${inner}`) : [entry];
  });
}
