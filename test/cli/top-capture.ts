import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

const page = new URL('../../docs/monitoring.md', import.meta.url);

/** Matches the screen in docs/monitoring.md with this number of columns. */
const captureOf = (columns: number): RegExp =>
  new RegExp(`(<!-- top: ${columns} columns -->\n\`\`\`text\n)([^]*?)(\n\`\`\`)`);

/** Compares the fixed parts of the screen with the docs. With HOTQUEUE_UPDATE_CAPTURES set, it updates the docs first. */
export function checkCapture(columns: number, text: string): void {
  const docs = readFileSync(page, 'utf8');
  const box = text.replace(/ [^\s:]+:(\d+)( *) (?=working)/g, (all, pid: string) => ` box:${pid} `.padEnd(all.length));
  if (process.env['HOTQUEUE_UPDATE_CAPTURES'])
    writeFileSync(
      page,
      docs.replace(captureOf(columns), (_all, before: string, _old: string, after: string) => before + box + after),
    );
  const fixed = (screen: string): string[] =>
    screen
      .split('\n')
      .filter((line) => /^ {2}queue | {2}worker |q quit$/.test(line))
      .map((line) => line.split('│')[0]!);
  expect(fixed(captureOf(columns).exec(readFileSync(page, 'utf8'))![2]!)).toEqual(fixed(text));
}
