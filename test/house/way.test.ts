import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

it('npm run docs:way finds the files that a message passes, in order', async () => {
  // With a folder, the script prints the table and writes nothing.
  const script = ['--import', '@oxc-node/core/register', 'scripts/docs-way.ts', root.pathname];
  const { stdout } = await promisify(execFile)(process.execPath, script, { cwd: root });
  const rows = stdout.split('\n').filter((line) => /^\| `.*\.ts` \|/.test(line));
  const partsOf = (file: string): string[] => {
    const cells = rows.find((row) => row.startsWith(`| \`${file}\` |`))?.split('|') ?? [];
    return ['put', 'take', 'ack'].filter((_, index) => Number(cells[index + 2]) > 0);
  };
  expect(partsOf('hot-queue.ts')).toEqual(['put']);
  expect(partsOf('payload/class-payload.ts')).toEqual(['put', 'take']);
  expect(partsOf('consumer/attempt.ts')).toEqual(['take', 'ack']);
  expect(partsOf('consumer/settler.ts')).toEqual(['ack']);
  expect(rows[0]).toContain('hot-queue.ts');
  expect(stdout).toMatch(/^One message passes \d+ files, \d+ functions and \d+ calls\./);
});

it('docs/architecture.md has the table, between the lines by which npm run docs:way finds it', () => {
  const page = readFileSync(new URL('docs/architecture.md', root), 'utf8');
  expect(page).toMatch(
    /<!-- "npm run docs:way" writes from here -->\n\nOne message passes [^]*\| `hot-queue\.ts` \|[^]*\n\n<!-- to here -->/,
  );
});
