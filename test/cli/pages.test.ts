import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cliPages } from '../../scripts/cli-pages.js';

const folder = new URL('../../docs/cli/', import.meta.url);

it('docs/cli has an up-to-date page for each command ("npm run docs:cli" writes them)', async () => {
  const written = new Map(readdirSync(folder).map((file) => [file, readFileSync(new URL(file, folder), 'utf8')]));
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(await cliPages()));
});

it('every page of a command has a description', async () => {
  const silent = [...(await cliPages())].filter(
    ([file, text]) => file !== 'README.md' && !/# hotqueue [\w ]+\n\n\S/.test(text),
  );
  expect(silent.map(([file]) => file)).toEqual([]);
});
