import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const folder = new URL('./results/', import.meta.url).pathname;

/** JSON with one measurement a line, so that two runs can be compared by eye. */
function text({ results, ...about }) {
  return `${JSON.stringify(about, null, 1).slice(0, -2)},\n "results": [\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n ]\n}\n`;
}

const stampOf = ({ startedAt }) => startedAt.toISOString().slice(0, 19).replaceAll(':', '');

/** Raw numbers, under the time of the run. @returns the files */
export async function writeRaw(run) {
  await mkdir(folder, { recursive: true });
  const raw = path.join(folder, `${stampOf(run)}${run.options.smoke ? '-smoke' : ''}.json`);
  await writeFile(raw, text(run));
  return [raw];
}

/** The measurements of a file of {@link writeRaw}; those of a workload that was interrupted are not in it. */
export async function readRaw(file) {
  return JSON.parse(await readFile(file, 'utf8')).results;
}

/** The tables: as the latest, when everything was measured; of a part, under its time. The small form has none to keep. @returns the files */
export async function writeTables(run, table) {
  const { smoke, only, systems } = run.options;
  if (smoke) return [];
  const tables = path.join(folder, only || systems ? `${stampOf(run)}.md` : 'latest.md');
  await writeFile(tables, `${table}\n`);
  return [tables];
}
