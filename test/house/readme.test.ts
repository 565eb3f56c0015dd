import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { aChild } from '../support/child.js';
import { aName } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

const root = new URL('../../', import.meta.url);
const blocksOf = (file: string): string[] => [...readFileSync(new URL(file, root), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((found) => found[1]!);

describe.each(['README.md'])('%s', (file) => {
  it.each(blocksOf(file).map((block, index) => [index + 1, block]))('its block %d runs as it stands', async (_number, block) => {
    // Only the names of the queues are changed, so that what others left there is not met.
    const name = aName();
    const child = aChild((block).replace(/new HotQueue\('(\w+)'/g, (_, queue: string) => `new HotQueue('${queue}-${name}'`));
    expect(await child.ended, child.stderr).toBe(0);
    expect(child.stderr).toBe('');
    if (child.stdout.includes('resizing')) {
      expect(child.lines.slice(1)).toEqual(['true a.jpg', 'resizing b.jpg, attempt 1', 'resizing c.jpg, attempt 1']);
    }
  });
});

it('the lines under "Command line" run as they stand, in one shell', async () => {
  const block = /^## Command line\n+```sh\n([\s\S]*?)^```$/m.exec(readFileSync(new URL('README.md', root), 'utf8'))![1]!;
  const name = aName();
  const fromSources = 'npx() { shift; node --import @oxc-node/core/register src/view/cli/main.ts "$@"; }';
  const script = `set -e\n${fromSources}\n${block.replaceAll(/\bemails\b/g, name)}\ncomplete -p hotqueue`;
  const { stdout } = await promisify(execFile)('bash', ['-c', script], { cwd: root, env: { ...process.env, REDIS_URL: redisUrl() } });
  const lines = stdout.split('\n');
  expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(`^${name} .*1 waiting`), '{"to":"ada@example.com"}', `0 dead letters of ${name} revived`, 'complete -F _hotqueue hotqueue']));
});
