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
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { group, ResultTimeoutError, run, start } from 'hotqueue';
import { pieces } from './counting.js';
import { Counter, toMap, toReduce } from './workers.js';

/** Puts a task for each piece, and one that waits for all of them. @returns the id of the last one */
async function trigger(files: readonly string[]): Promise<string> {
  const found = (await Promise.all(files.map((file) => pieces(path.resolve(file))))).flat();
  if (found.length === 0) throw new Error('nothing to count: give files that are not empty');
  const tasks = found.map((piece) => toMap.task(piece));
  return (await group(tasks, { then: toReduce.task() })).id;
}

/** @returns the exit code */
async function result(count: string, most = 10): Promise<number> {
  try {
    const words = await toReduce.job(count).result({ timeout: 0 });
    for (const [word, times] of words.slice(0, most)) console.log(`${String(times).padStart(6)} ${word}`);
    return 0;
  } catch (error) {
    if (!(error instanceof ResultTimeoutError)) throw error;
    const flow = await toReduce.flow(count);
    const { done } = await flow.status();
    console.log(`counted ${done} of ${flow.jobs.length - 1} pieces`); // the last job adds them up
    return 1;
  }
}

async function all(files: readonly string[]): Promise<number> {
  const runner = start(new Counter());
  const count = await trigger(files);
  await toReduce.job(count).result();
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
