import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { aChild } from '../support/child.js';
import { aName } from '../support/queue.js';

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
