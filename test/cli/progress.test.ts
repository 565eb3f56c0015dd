import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, it, vi } from 'vitest';
import { bar, progressOn } from '../../src/cli/progress.js';

function aScreen(columns: number, isTTY = true): { stream: NodeJS.WriteStream; seen: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY, columns }) as unknown as NodeJS.WriteStream;
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { stream, seen: () => text };
}

function drawn(columns: number, part: number | undefined, isTTY = true): string {
  const { stream, seen } = aScreen(columns, isTTY);
  let now = 0;
  const progress = progressOn(stream, () => now);
  now = 1_000;
  progress.show(2_000, part);
  progress.show(2_001, part); // within the same frame
  progress.end();
  return stripVTControlCharacters(seen());
}

it('draws the progress, the number of messages and the rate', () => {
  vi.stubEnv('TERM', 'xterm');
  expect(drawn(80, 0.5)).toBe(`${'█'.repeat(15)}${' '.repeat(15)}  50%  2,000 messages  2,000/s`);
  expect(drawn(80, undefined)).toBe('2,000 messages  2,000/s');
  expect(drawn(20, undefined)).toBe('2,000 messages  2,0…'.slice(0, 18) + '…');
  vi.unstubAllEnvs();
});

it('draws nothing without a terminal', () => {
  expect(drawn(80, 0.5, false)).toBe('');
});

it.each([
  [0, '    '],
  [0.5, '██  '],
  [0.03125, '▏   '],
  [1, '████'],
  [2, '████'],
])('a bar of %d', (part, text) => {
  expect(bar(part, 4)).toBe(text);
});
