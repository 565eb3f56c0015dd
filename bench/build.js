import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const named = process.env.HOTQUEUE_BENCH_DIST;
const folder = named ? pathToFileURL(`${named}/`) : new URL('../dist/', import.meta.url);

/** Imports a module of the build that this process measures: from `dist`, or from the folder of `--against`. */
export const importFromBuild = (file) => import(new URL(file, folder));

/** Requires a package as that build finds it. A second copy of class-validator would not know the rules of the build. */
export const requireFromBuild = createRequire(new URL('index.js', folder));
