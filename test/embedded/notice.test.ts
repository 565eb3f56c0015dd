import { mkdtempSync, rmSync, symlinkSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { isNoticeDue, wrapped } from '../../src/redis/notice.js';

function aFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'hotqueue-notice-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const monday = new Date('2026-11-23T10:00Z');
const later = new Date('2026-11-23T23:59Z');
const tuesday = new Date('2026-11-24T00:00Z');

it('the notice of an embedded server is due once a day, in each project, for each text', () => {
  const [one, other] = [aFolder(), aFolder()];
  const due = (folder: string, text: string, at: Date): boolean => isNoticeDue(folder, text, at);
  expect([due(one, 'a', monday), due(one, 'a', later), due(other, 'a', later)]).toEqual([true, false, true]);
  expect([due(one, 'b', later), due(one, 'b', later), due(one, 'b', tuesday)]).toEqual([true, false, true]);
});

it('the notice is due each time if it cannot be noted, and it follows no link', () => {
  expect(isNoticeDue('/no/such/folder', 'a', monday)).toBe(true);
  const folder = aFolder();
  const target = path.join(folder, 'target');
  writeFileSync(target, 'mine');
  symlinkSync(target, path.join(folder, 'notice'));
  expect([isNoticeDue(folder, 'a', monday), isNoticeDue(folder, 'a', monday)]).toEqual([true, true]);
  expect(readFileSync(target, 'utf8')).toBe('mine');
});

it('a wrapped line has the same words, and no line is longer than the terminal unless it is one word', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '-'), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 1, max: 40 }), (words, columns) => {
      const lines = wrapped(words.join(' '), columns).split('\n');
      expect(lines.join(' ')).toBe(words.join(' '));
      for (const line of lines) expect(line.length <= columns || !line.includes(' ')).toBe(true);
      expect(wrapped(words.join(' '), Infinity)).not.toContain('\n');
    }),
  );
});
