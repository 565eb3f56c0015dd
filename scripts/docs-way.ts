import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { wayOfAMessage } from './way-of-a-message.js';
import { wayTable } from './way-table.js';

// Without arguments, writes the way of a message into docs/architecture.md. With the folder of another checkout, prints its way
// and every function on it, and writes nothing.
const root = new URL('..', import.meta.url).pathname;
const page = new URL('../docs/architecture.md', import.meta.url);
const begin = '<!-- "npm run docs:way" writes from here -->';
const end = '<!-- to here -->';

const other = process.argv[2];
const way = await wayOfAMessage(path.resolve(other ?? root));
const config = new URL('../.dependency-cruiser.js', import.meta.url).href;
const { layers } = (await import(config)) as { layers: readonly (readonly string[])[] };
const table = wayTable(way, layers.flat());

if (other === undefined) {
  const [before, rest] = readFileSync(page, 'utf8').split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`docs/architecture.md has no lines ${begin} and ${end}: add them`);
  writeFileSync(page, `${before}${begin}\n\n${table}\n\n${end}${after}`);
  process.stdout.write(`${table.split('\n')[0]}\n`);
} else {
  const functions = way.message.map(({ part, file, name, times }) => `${part}  ${file}  ${name}  ${times}`);
  process.stdout.write(`${table}\n\n${functions.join('\n')}\n`);
}
