import { readFileSync } from 'node:fs';
import { ESLint } from 'eslint';
import { expect, it } from 'vitest';
import { RepositoryCopy } from '../support/repository-copy.js';

const root = new URL('../..', import.meta.url);

it('the rules of .eslintrc.json are applied: a floating promise is an error', async () => {
  const eslint = new ESLint({ cwd: root.pathname });
  const [result] = await eslint.lintText('async function later(): Promise<void> {}\nlater();\nexport {};\n', {
    filePath: 'src/index.ts',
  });
  expect(result!.messages.map(({ ruleId }) => ruleId)).toContain('@typescript-eslint/no-floating-promises');
});

interface Fault {
  readonly fault: string;
  readonly file: string;
  readonly line: string;
  readonly says: string;
}

const faults: Record<string, readonly Fault[]> = {
  'lint:layers': [
    {
      fault: 'an import of a folder above',
      file: 'src/wire/id.ts',
      line: "export type { Take } from '../redis/take.js';",
      says: 'no-upward-import: src/wire/id.ts → src/redis/take.ts',
    },
    {
      fault: 'an import of the folder beside',
      file: 'src/wire/id.ts',
      line: "export type { Codec } from '../payload/codec.js';",
      says: 'no-upward-import: src/wire/id.ts → src/payload/codec.ts',
    },
    {
      fault: 'an import of the package by its own name in the library',
      file: 'src/worker/signals.ts',
      line: "export type { HotQueue } from 'hotqueue';",
      says: 'no-upward-import: src/worker/signals.ts → src/index.ts',
    },
    {
      fault: 'an application that imports the inside of the library',
      file: 'src/repl/writer.ts',
      line: "export type { Broker } from '../redis/broker.js';",
      says: 'applications-import-hotqueue: src/repl/writer.ts → src/redis/broker.ts',
    },
    {
      fault: 'two files of one folder that import types of each other',
      file: 'src/core/errors.ts',
      line: "export type { Duration } from './duration.js';",
      says: 'no-circle',
    },
  ],
  'lint:format': [
    {
      fault: 'a file that is not formatted',
      file: 'src/core/job.ts',
      line: 'export const   spaces=1',
      says: 'src/core/job.ts',
    },
  ],
  'lint:api': [
    {
      fault: 'an export without a docstring',
      file: 'src/index.ts',
      line: 'export const silentExport = 1;',
      says: 'silentExport (Variable), defined in',
    },
    {
      fault: 'a member without a docstring',
      file: 'src/index.ts',
      line: '/** Documented. */\nexport interface Documented { readonly silentMember: string }',
      says: 'Documented.silentMember (Property), defined in',
    },
  ],
};

// Adds one line for each fault to a copy, and runs one part of `npm run lint` there: it takes seconds, so once for all of its faults.
it.each(Object.entries(faults))('npm run %s fails on each of its faults', async (script, cases) => {
  const copy = new RepositoryCopy();
  for (const { file, line } of cases) copy.append(file, line);
  const { code, output } = await copy.npm(script);
  for (const { fault, says } of cases) expect.soft(output, fault).toContain(says);
  expect(code).not.toBe(0);
});

it('npm run lint runs every part of it', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const parts = Object.keys(scripts).filter((name) => name.startsWith('lint:'));
  expect(scripts.lint).toBe(parts.map((name) => `npm run ${name}`).join(' && '));
});
