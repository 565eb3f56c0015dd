import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);

/** What `npm run docs:way` finds. With a folder, the script prints the table and writes nothing. */
async function measured(): Promise<string> {
  const script = ['--import', '@oxc-node/core/register', 'scripts/docs-way.ts', root.pathname];
  const { stdout } = await promisify(execFile)(process.execPath, script, { cwd: root });
  return stdout;
}

it('npm run docs:way finds the files that a message passes, in order', async () => {
  const stdout = await measured();
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

it('a message passes at most 22 files and 110 calls', async () => {
  // On a busy machine, calls of timers and of one more take come to it. So the first measurement within the limits counts.
  const found: string[] = [];
  for (let tries = 0; tries < 10; tries++) {
    const [line, files, calls] = /^One message passes (\d+) files, \d+ functions and (\d+) calls\./.exec(
      await measured(),
    )!;
    if (Number(files) <= 22 && Number(calls) <= 110) return;
    found.push(line);
  }
  expect(found).toEqual([]);
}, 120_000);

it('docs/architecture.md has the table, between the lines by which npm run docs:way finds it', () => {
  const page = readFileSync(new URL('docs/architecture.md', root), 'utf8');
  expect(page).toMatch(
    /<!-- "npm run docs:way" writes from here -->\n\nOne message passes [^]*\| `hot-queue\.ts` \|[^]*\n\n<!-- to here -->/,
  );
});
