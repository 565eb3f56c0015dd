import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const named = process.env.HOTQUEUE_BENCH_DIST;
const folder = named ? pathToFileURL(`${named}/`) : new URL('../dist/', import.meta.url);

/** A module of the build that this process measures: of `dist`, or of the folder that main.js names for `--against`. */
export const importFromBuild = (file) => import(new URL(file, folder));

/** A package as that build finds it. A second copy of class-validator would not know the rules that the build declares. */
export const requireFromBuild = createRequire(new URL('index.js', folder));
