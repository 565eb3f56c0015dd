import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { transpile } from './transpile.js';

const root = new URL('../..', import.meta.url).pathname;

/**
 * Compiles the command line to JavaScript, from the current sources. The tests start it some hundred times, and compiling
 * it each time would take most of their time.
 *
 * @returns its main file, and a function that removes the copy
 */
export function compileProgram(): { readonly main: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'hotqueue-program-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  // The command line imports 'hotqueue' by name. Here, the name must resolve to this copy.
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as object;
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ ...manifest, exports: { '.': './src/index.js', './package.json': './package.json' } }),
  );
  // The lesson and `init` need them.
  for (const example of ['examples/compose', 'examples/init'])
    cpSync(path.join(root, example), path.join(folder, example), { recursive: true });
  for (const file of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }))
    write(path.join(folder, 'src', file), path.join(root, 'src', file));
  return { main: path.join(folder, 'src/cli/main.js'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function write(target: string, source: string): void {
  if (!/\.(ts|lua)$/.test(source) || source.endsWith('.d.ts')) return;
  mkdirSync(path.dirname(target), { recursive: true });
  const text = readFileSync(source, 'utf8');
  if (source.endsWith('.lua')) writeFileSync(target, text);
  else writeFileSync(target.replace(/\.ts$/, '.js'), transpile(text, source));
}
