/**
 * Map-reduce: counts the words of many files, in pieces, with any number of processes.
 *
 *     node --import @oxc-node/core/register examples/word-count/word-count.ts [files…]
 *
 * cuts the files (by default the documentation of this repository), counts the pieces, adds them up, and prints the most
 * frequent words. The same in single steps: run `work` in several terminals, and kill any of them with kill -9.
 *
 *     … word-count.ts work                    until Ctrl-C
 *     … word-count.ts trigger <files…>        prints the id of the count
 *     … word-count.ts result <id> [10]        the words; or how many pieces are counted, and exit code 1
 */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { run, start } from 'hotqueue';
import { pieces } from './counting.js';
import { begin, progress, total } from './shelf.js';
import { Counter, toMap } from './workers.js';

async function trigger(files: readonly string[]): Promise<string> {
  const count = randomUUID();
  const tasks = (await Promise.all(files.map((file) => pieces(path.resolve(file)))))
    .flat()
    .map((piece) => ({ count, ...piece }));
  if (tasks.length === 0) throw new Error('nothing to count: give files that are not empty');
  await begin(count, tasks.length); // before the first task is done
  await toMap.putAll(tasks);
  return count;
}

/** @returns the exit code */
async function result(count: string, most = 10): Promise<number> {
  const words = await total(count);
  if (words) for (const [word, times] of words.slice(0, most)) console.log(`${String(times).padStart(6)} ${word}`);
  else console.log('counted %d of %d pieces', ...Object.values(await progress(count)));
  return words ? 0 : 1;
}

async function all(files: readonly string[]): Promise<number> {
  const runner = start(new Counter());
  const count = await trigger(files);
  await runner.drained({ delayed: true });
  await runner.stop();
  return result(count);
}

async function documentation(): Promise<string[]> {
  const docs = path.join(import.meta.dirname, '../../docs');
  return (await readdir(docs)).filter((name) => name.endsWith('.md')).map((name) => path.join(docs, name));
}

const [command, ...rest] = process.argv.slice(2);
if (command === 'work') await run(new Counter());
else if (command === 'trigger') console.log(await trigger(rest));
else if (command === 'result')
  process.exitCode = await result(rest[0] ?? '', rest[1] === undefined ? 10 : Number(rest[1]));
else process.exitCode = await all(command === undefined ? await documentation() : [command, ...rest]);
