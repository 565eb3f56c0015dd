import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const folder = new URL('./results/', import.meta.url).pathname;

/** JSON with one measurement per line, so that two runs are easy to compare. */
function text({ results, ...about }) {
  return `${JSON.stringify(about, null, 1).slice(0, -2)},\n "results": [\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n ]\n}\n`;
}

const stampOf = ({ startedAt }) => startedAt.toISOString().slice(0, 19).replaceAll(':', '');

/** Writes the raw numbers to a file that is named for the time of the run. @returns the files */
export async function writeRaw(run) {
  await mkdir(folder, { recursive: true });
  const raw = path.join(folder, `${stampOf(run)}${run.options.smoke ? '-smoke' : ''}.json`);
  await writeFile(raw, text(run));
  return [raw];
}

/** Reads the measurements that {@link writeRaw} wrote. An interrupted workload is not in the file. */
export async function readRaw(file) {
  return JSON.parse(await readFile(file, 'utf8')).results;
}

/**
 * Writes the tables: to latest.md if everything was measured, to a file named for the time of the run if a part was measured,
 * and not at all for a smoke run.
 *
 * @returns the files
 */
export async function writeTables(run, table) {
  const { smoke, only, systems } = run.options;
  if (smoke) return [];
  const tables = path.join(folder, only || systems ? `${stampOf(run)}.md` : 'latest.md');
  await writeFile(tables, `${table}\n`);
  return [tables];
}
