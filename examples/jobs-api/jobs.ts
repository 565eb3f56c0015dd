/** The job, its queue and the store for answers, for the API and its workers. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IsInt, Max, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

/** A job: count the primes from `from` to `to`. */
export class CountPrimes {
  @IsInt() @Min(2) from!: number;
  @IsInt() @Min(2) @Max(1_000_000_000) to!: number;
}

export const jobs = new HotQueue('primes', { payload: CountPrimes });

// A queue does not keep finished jobs. A real service would store answers in its database; here, a folder replaces it.
const folder = process.env.ANSWERS ?? path.join(tmpdir(), 'hotqueue-jobs-api');
const fileOf = (id: string): string => path.join(folder, `${id}.json`);

/** Stores an answer under the job's id. A job can run twice, after a crash for example, but it has one answer. */
export async function keep(id: string, answer: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  const draft = `${fileOf(id)}.${process.pid}`;
  await writeFile(draft, JSON.stringify(answer));
  await rename(draft, fileOf(id)); // so that no reader gets an incomplete answer
}

export async function answerTo(id: string): Promise<object | undefined> {
  const text = await readFile(fileOf(id), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as object);
}
