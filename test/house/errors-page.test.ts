import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as library from 'hotqueue';
import { errorsPage } from '../../scripts/errors-page.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

it('docs/errors.md is up to date ("npm run docs:errors" writes it)', () => {
  expect(page).toBe(errorsPage());
});

it('docs/errors.md says of each exported error when it is thrown', () => {
  const names = Object.keys(library).filter((name) => /^[A-Z]\w*Error$/.test(name) && name !== 'HotQueueError');
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !new RegExp(`^\`${name}\`\\. \\S`, 'm').test(page))).toEqual([]);
});
