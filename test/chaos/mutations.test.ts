import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutants } from './mutations.js';

it.each(mutants.flatMap((mutant) => [mutant, ...(mutant.and ?? [])].map((change) => [mutant.name, change] as const)))(
  '%s applies to exactly one place in the sources',
  (_, { file, find, replace }) => {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    expect(source.split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
  },
);
