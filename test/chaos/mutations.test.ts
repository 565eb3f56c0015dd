import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutants, type Mutant } from './mutations/index.js';

it.each(mutants.flatMap((mutant) => [mutant, ...(mutant.and ?? [])].map((change) => [mutant.name, change] as const)))(
  '%s applies to exactly one place in the sources',
  (_, { file, find, replace }) => {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    expect(source.split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
    // A private name that the file does not have is an error of syntax, and shows nothing.
    for (const [name] of replace.matchAll(/#\w+/g)) expect(source).toContain(name);
  },
);

it('the index has the mutations of every file, and no name twice', async () => {
  const files = readdirSync(new URL('mutations', import.meta.url)).filter((file) => !/^(index|mutant)\.ts$/.test(file));
  const found: Mutant[] = [];
  for (const file of files) {
    const exported = (await import(`./mutations/${file}`)) as Record<string, readonly Mutant[]>;
    found.push(...Object.values(exported).flat());
  }
  const names = mutants.map(({ name }) => name);
  expect([...names].sort()).toEqual(found.map(({ name }) => name).sort());
  expect(new Set(names).size).toBe(names.length);
});
