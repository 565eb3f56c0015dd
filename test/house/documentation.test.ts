import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { aChild } from '../support/child.js';
import { until } from '../support/facts.js';
import { aName } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

const run = promisify(execFile);
const root = new URL('../../', import.meta.url);
const textOf = (page: string): string => readFileSync(new URL(page, root), 'utf8');
const blocksIn = (page: string): string[] =>
  [...textOf(page).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((found) => found[1]!);
const tasks = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'));
const pages = ['README.md', ...tasks.map((name) => `docs/${name}`)].filter((page) => blocksIn(page).length > 0);

/** The documented output of a block: the texts of its comments `// → text`, in order. */
const promisedBy = (block: string): string[] => [...block.matchAll(/\/\/ → (.*)$/gm)].map((found) => found[1]!);

describe.each(pages)('%s', (page) => {
  it.each(blocksIn(page).map((block, index) => [index + 1, block]))(
    'code block %d runs, and prints what its comments say',
    async (_number, block) => {
      // Only the names of the queues change, so that the block does not meet messages of other tests.
      const name = aName();
      const child = aChild(
        block.replace(/new HotQueue\('(\w+)'/g, (_, queue: string) => `new HotQueue('${queue}-${name}'`),
      );
      const promised = promisedBy(block);
      if (block.includes('Ctrl-C')) {
        await until(
          () => [child.lines, child.stderr],
          () => child.lines.length >= promised.length,
        );
        child.signal('SIGINT');
      }
      expect(await child.ended, child.stderr).toBe(0);
      expect(child.lines.map((line) => line.replaceAll(`-${name}`, ''))).toEqual(promised);
      // Blocks about failures log warnings. Anything else on stderr is an error of Node or of the example.
      expect(child.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('hotqueue: '))).toEqual([]);
    },
  );
});

it('the code blocks of all pages compile', async () => {
  // The same kind of folder as for child processes: git and oxc-node treat it alike.
  const folder = mkdtempSync(path.join(root.pathname, 'test', 'child-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    path.join(folder, 'tsconfig.json'),
    '{ "extends": "../../tsconfig.json", "include": [".", "../../src"], "exclude": ["../../src/dashboard/page"] }',
  );
  for (const page of pages) {
    blocksIn(page).forEach((block, index) =>
      writeFileSync(path.join(folder, `${page.replace(/\W/g, '-')}-${index + 1}.ts`), block),
    );
  }
  const { stdout } = await run('node_modules/.bin/tsc', ['-p', folder], { cwd: root }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
});

it('the first shell block of docs/command-line.md runs unchanged, in one shell', async () => {
  const block = /^```sh\n([\s\S]*?)^```$/m.exec(textOf('docs/command-line.md'))![1]!;
  const name = aName();
  const fromSources = 'npx() { shift; node --import @oxc-node/core/register src/cli/main.ts "$@"; }';
  const script = `set -e\n${fromSources}\n${block.replaceAll(/\bemails\b/g, name)}\ncomplete -p hotqueue`;
  const { stdout } = await run('bash', ['-c', script], { cwd: root, env: { ...process.env, REDIS_URL: redisUrl() } });
  const lines = stdout.split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(`^${name} .*1 waiting`),
      '{"to":"ada@example.com"}',
      `0 dead letters of ${name} revived`,
      'complete -F _hotqueue hotqueue',
    ]),
  );
});
