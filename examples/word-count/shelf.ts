/** Stores the state of each count in a folder, instead of a database. Values that are written twice are the same both times. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { add, type Words } from './counting.js';

const root = process.env.SHELF ?? path.join(tmpdir(), 'hotqueue-word-count');

async function write(count: string, name: string, value: unknown): Promise<void> {
  const draft = path.join(root, count, `${name}.${randomUUID()}`);
  await writeFile(draft, JSON.stringify(value));
  await rename(draft, path.join(root, count, name)); // so that no reader gets an incomplete file
}

const read = async (count: string, name: string): Promise<unknown> =>
  JSON.parse(await readFile(path.join(root, count, name), 'utf8'));
const parts = async (count: string): Promise<string[]> =>
  (await readdir(path.join(root, count))).filter((name) => name.endsWith('.part'));

/** Stores the number of pieces of a count. */
export async function begin(count: string, pieces: number): Promise<void> {
  await mkdir(path.join(root, count), { recursive: true });
  await write(count, 'pieces', pieces);
}

/** Stores the words of one piece under the id of its job. If the same job runs twice, there is still one part. */
export function keep(count: string, job: string, words: Words): Promise<void> {
  return write(count, `${job}.part`, [...words]);
}

export async function progress(count: string): Promise<{ done: number; of: number }> {
  return { done: (await parts(count)).length, of: (await read(count, 'pieces')) as number };
}

/** Adds up all parts. */
export async function finish(count: string): Promise<void> {
  const words: Words = new Map();
  for (const part of await parts(count)) add(words, (await read(count, part)) as [string, number][]);
  await write(
    count,
    'total',
    [...words].sort(([, times], [, others]) => others - times),
  );
}

/** All words, the most frequent first; `undefined` while pieces are missing. */
export async function total(count: string): Promise<[string, number][] | undefined> {
  try {
    return (await read(count, 'total')) as [string, number][];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
