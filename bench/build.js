import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const named = process.env.HOTQUEUE_BENCH_DIST;
const folder = named ? pathToFileURL(`${named}/`) : new URL('../dist/', import.meta.url);

/**
 * Imports a module of the build that this process measures: from `dist`, or from the folder of `--against`.
 *
 * @param names of the module: its name now, then the names that it had in older commits
 */
export const importFromBuild = (...names) =>
  import(names.map((name) => new URL(name, folder)).find((url) => existsSync(url)) ?? new URL(names[0], folder));

/** Requires a package as that build finds it. A second copy of class-validator would not know the rules of the build. */
export const requireFromBuild = createRequire(new URL('index.js', folder));
