import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { transpile } from '../support/transpile.js';

const root = new URL('../..', import.meta.url).pathname;
/** Folder of the sources under test. `CHAOS_SRC` selects another one, such as the sources of another commit. */
const sources = process.env.CHAOS_SRC ?? path.join(root, 'src');

/** A change to one source file. `find` must occur exactly once. */
export interface Change {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A compiled copy of the sources and of these tests. Hundreds of processes start fast from it, and edits do not change a run. */
export interface Stage {
  readonly folder: string;
  /** Makes a change in the copy. @returns a function that undoes it */
  change(change: Change): () => void;
  close(): void;
}

export function stage(): Stage {
  const folder = mkdtempSync(path.join(tmpdir(), 'hqstage-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  copy(sources, path.join(folder, 'src'));
  for (const part of ['test/chaos', 'test/support']) copy(path.join(root, part), path.join(folder, part));
  // The vendored JavaScript engine serves machines without Redis; see `scripts/`.
  const vendor = path.join(root, 'vendor');
  if (existsSync(vendor)) cpSync(vendor, path.join(folder, 'vendor'), { recursive: true });
  return {
    folder,
    change: ({ file, find, replace }) => {
      const source = readFileSync(path.join(sources, file), 'utf8');
      const pieces = source.split(find);
      if (pieces.length !== 2) throw new Error(`${file}: found ${pieces.length - 1} times, expected once: ${find}`);
      const changed = pieces.join(replace);
      write(path.join(folder, 'src', file), changed);
      return () => write(path.join(folder, 'src', file), source);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function copy(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copy(source, target);
    else if (!entry.name.endsWith('.test.ts')) write(target, readFileSync(source, 'utf8'));
  }
}

function write(target: string, text: string): void {
  if (!target.endsWith('.ts') || target.endsWith('.d.ts')) return writeFileSync(target, text);
  writeFileSync(target.replace(/\.ts$/, '.js'), transpile(text, target));
}
