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

// Each case adds one line to one file of a copy, and runs one part of `npm run lint` there.
it.each([
  {
    fault: 'an import of a folder above',
    script: 'lint:layers',
    file: 'src/wire/id.ts',
    line: "export type { Take } from '../redis/take.js';",
    says: 'no-upward-import: src/wire/id.ts → src/redis/take.ts',
  },
  {
    fault: 'an import of the folder beside',
    script: 'lint:layers',
    file: 'src/wire/id.ts',
    line: "export type { Codec } from '../payload/codec.js';",
    says: 'no-upward-import: src/wire/id.ts → src/payload/codec.ts',
  },
  {
    fault: 'an import of the package by its own name in the library',
    script: 'lint:layers',
    file: 'src/worker/signals.ts',
    line: "export type { HotQueue } from 'hotqueue';",
    says: 'no-upward-import: src/worker/signals.ts → src/index.ts',
  },
  {
    fault: 'an application that imports the inside of the library',
    script: 'lint:layers',
    file: 'src/repl/writer.ts',
    line: "export type { Broker } from '../redis/broker.js';",
    says: 'applications-import-hotqueue: src/repl/writer.ts → src/redis/broker.ts',
  },
  {
    fault: 'two files of one folder that import types of each other',
    script: 'lint:layers',
    file: 'src/core/errors.ts',
    line: "export type { Duration } from './duration.js';",
    says: 'no-circle',
  },
  {
    fault: 'a file that is not formatted',
    script: 'lint:format',
    file: 'src/core/job.ts',
    line: 'export const   spaces=1',
    says: 'src/core/job.ts',
  },
  {
    fault: 'an export without a docstring',
    script: 'lint:api',
    file: 'src/index.ts',
    line: 'export const silentExport = 1;',
    says: 'silentExport (Variable), defined in',
  },
  {
    fault: 'a member without a docstring',
    script: 'lint:api',
    file: 'src/index.ts',
    line: '/** Documented. */\nexport interface Documented { readonly silentMember: string }',
    says: 'Documented.silentMember (Property), defined in',
  },
])('npm run $script fails on $fault', async ({ script, file, line, says }) => {
  const copy = new RepositoryCopy();
  copy.append(file, line);
  const { code, output } = await copy.npm(script);
  expect(output).toContain(says);
  expect(code).not.toBe(0);
});

it('npm run lint runs every part of it', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const parts = Object.keys(scripts).filter((name) => name.startsWith('lint:'));
  expect(scripts.lint).toBe(parts.map((name) => `npm run ${name}`).join(' && '));
});
