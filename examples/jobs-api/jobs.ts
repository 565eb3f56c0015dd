/** What the API and its workers have in common: the job, its queue, and where answers are kept. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IsInt, Max, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

/** How many primes are there from `from` to `to`? */
export class CountPrimes {
  @IsInt() @Min(2) from!: number;
  @IsInt() @Min(2) @Max(1_000_000_000) to!: number;
}

export const jobs = new HotQueue('primes', { payload: CountPrimes });

// A queue forgets what is done. A folder stands here for the database that a service of yours has anyway.
const folder = process.env.ANSWERS ?? path.join(tmpdir(), 'hotqueue-jobs-api');
const fileOf = (id: string): string => path.join(folder, `${id}.json`);

/** Keeps an answer under its job's id: a job that is done twice, as after a crash it may be, is answered once. */
export async function keep(id: string, answer: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${fileOf(id)}.${process.pid}`;
  await writeFile(draft, JSON.stringify(answer));
  await rename(draft, fileOf(id)); // nobody reads half an answer
}

export async function answerTo(id: string): Promise<object | undefined> {
  const text = await readFile(fileOf(id), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as object);
}
