import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const names = new Set(Object.keys(packages).map((at) => at.slice(at.lastIndexOf('node_modules/') + 13)));

it('the lock file has the optional packages of all platforms, as "npm ci" demands', () => {
  const lacking = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !names.has(name));
  expect(lacking, 'run "node scripts/lock.js"').toEqual([]);
});

it('every package in the lock file has a checksum, or is for another platform', () => {
  const { '': root, ...installed } = packages;
  expect(root?.version).toBeDefined();
  const open = Object.entries(installed).filter(([, { integrity, optional, os }]) => !integrity && !(optional && os));
  expect(open).toEqual([]);
});

it('the lock file names no registry, so that npm uses the one of the reader', () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
