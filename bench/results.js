import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const folder = new URL('./results/', import.meta.url).pathname;

/** JSON with one measurement a line, so that two runs can be compared by eye. */
function text({ results, ...about }) {
  return `${JSON.stringify(about, null, 1).slice(0, -2)},\n "results": [\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n ]\n}\n`;
}

/**
 * Raw numbers under the time of the run, and the tables: as the latest, when everything was measured; of a part, under its
 * time as well. The small form has no tables to keep.
 *
 * @returns the files
 */
export async function writeResults(run, table) {
  await mkdir(folder, { recursive: true });
  const { smoke, only, systems } = run.options;
  const stamp = run.startedAt.toISOString().slice(0, 19).replaceAll(':', '');
  const raw = path.join(folder, `${stamp}${smoke ? '-smoke' : ''}.json`);
  await writeFile(raw, text(run));
  if (smoke) return [raw];
  const tables = path.join(folder, only || systems ? `${stamp}.md` : 'latest.md');
  await writeFile(tables, `${table}\n`);
  return [raw, tables];
}
