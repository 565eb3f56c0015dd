import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/facts.js';
import { redis } from '../support/queue.js';
import { forget, Program } from './program.js';

const root = path.resolve(import.meta.dirname, '../..');
const docs = readdirSync(path.join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => path.join(root, 'docs', name));

let home: string;
beforeEach(async () => {
  await forget('word-count-map', 'word-count-reduce');
  home = mkdtempSync(path.join(tmpdir(), 'word-count-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const wordCount = (...args: string[]) => new Program('word-count/word-count.ts', args);
const sorted = (counts: Record<string, number>): [string, number][] => Object.entries(counts).sort();

/** Counts words with one loop over whole files, without a queue. */
function plainCount(files: readonly string[]): [string, number][] {
  const counts: Record<string, number> = Object.create(null) as Record<string, number>;
  for (const file of files) {
    const text = readFileSync(file, 'utf8').toLowerCase();
    for (const run of text.split(/[^\p{L}\p{N}'’]+/u)) {
      for (const word of run.split(/^['’]+|['’]+$|['’]{2,}/u)) if (word) counts[word] = (counts[word] ?? 0) + 1;
    }
  }
  return sorted(counts);
}

async function trigger(files: readonly string[]): Promise<string> {
  const program = wordCount('trigger', ...files);
  expect(await program.ended(), program.stderr).toBe(0);
  return program.lines[0]!;
}

async function result(count: string): Promise<[string, number][] | string> {
  const program = wordCount('result', count, '1000000');
  if ((await program.ended()) !== 0) return program.stdout + program.stderr;
  return sorted(
    Object.fromEntries(
      program.lines.map((line) => line.trim().split(' ').reverse()).map(([word, times]) => [word!, Number(times)]),
    ),
  );
}

const total = (count: string) =>
  until(
    () => redis().hget(`{hotqueue:word-count-reduce}:job:${count}`, 'status'),
    (status) => status === 'done',
  );

it('one command counts the documentation, and prints its most frequent words', async () => {
  const program = wordCount();
  expect(await program.ended(), program.stderr).toBe(0);
  const top = program.lines.slice(-10).map((line) => line.trim().split(' ').reverse());
  const times = new Map(plainCount(docs));
  expect(top.map(([, count]) => Number(count))).toEqual(top.map(([word]) => times.get(word!)));
  expect(top[0]).toEqual(['the', String(Math.max(...times.values()))]);
});

it('counts the same as a plain loop, with several workers, at the ends of pieces, and in many languages', async () => {
  const poem = path.join(home, 'poem.txt');
  // Characters of two, three and four bytes, and lines of many lengths: a cut inside a line would change the result.
  const line = "Der Müller’s Esel sah 東京 und 𝒳, don't ask; l'été fut 42 jours —";
  writeFileSync(poem, Array.from({ length: 900 }, (_, index) => line.slice(index % 17)).join('\n'));
  const files = [...docs, poem];
  const count = await trigger(files);
  expect(await result(count)).toMatch(/^counted 0 of \d\d pieces$/m);
  const workers = [wordCount('work'), wordCount('work')];
  await total(count);
  expect(await result(count)).toEqual(plainCount(files));
  expect(await Promise.all(workers.map((worker) => worker.interrupt()))).toEqual([0, 0]);
});

it('after a kill in the middle of a piece, another worker counts the piece again, and no word is counted twice', async () => {
  const files = docs.slice(0, 4).map((file) => {
    const copy = path.join(home, path.basename(file));
    writeFileSync(copy, readFileSync(file));
    return copy;
  });
  const expected = plainCount(files);
  const count = await trigger(files);
  const pieces = await redis().llen('hotqueue:word-count-map');

  // A pipe without a writer replaces the first file: a worker that reads it stays in the middle of a piece.
  renameSync(files[0]!, `${files[0]!}.kept`);
  execFileSync('mkfifo', [files[0]!]);
  const killed = wordCount('work');
  const held = () =>
    redis().eval(
      "local n = 0 for _, key in ipairs(redis.call('KEYS', '{hotqueue:word-count-map}:claims:*')) do n = n + redis.call('HLEN', key) - redis.call('HEXISTS', key, 'seq') end return n",
      0,
    ) as Promise<number>;
  await until(async () => (await redis().llen('hotqueue:word-count-map')) < pieces && (await held()) > 0);
  expect(await killed.interrupt('SIGKILL')).toBe('SIGKILL');
  expect(await held()).toBeGreaterThan(0);
  renameSync(`${files[0]!}.kept`, files[0]!);

  const other = wordCount('work');
  await total(count);
  expect(await result(count)).toEqual(expected);
  expect(await other.interrupt()).toBe(0);
});

it('the sum is the same if every piece is counted twice, as after a crash between put and acknowledgement', async () => {
  const count = await trigger(docs);
  // The same bytes twice, as recovery gives a message back under its id. Each copy follows its original: if copies were counted
  // as pieces, half of the pieces would make a complete but wrong count.
  const tasks = await redis().lrangeBuffer('hotqueue:word-count-map', 0, -1);
  await redis().del('hotqueue:word-count-map');
  await redis().rpush('hotqueue:word-count-map', ...tasks.flatMap((task) => [task, task]));
  const worker = wordCount('work');
  await total(count);
  await until(
    async () => worker.lines.length === 2 * tasks.length && (await redis().llen('hotqueue:word-count-reduce')) === 0,
  );
  expect(await worker.interrupt()).toBe(0);
  expect(await result(count)).toEqual(plainCount(docs));
});

it('the progress of a count has only its own pieces', async () => {
  const worker = wordCount('work');
  const first = await trigger(docs.slice(0, 2));
  await total(first);
  expect(await worker.interrupt()).toBe(0);
  const second = await trigger(docs.slice(0, 1));
  const pieces = await redis().llen('hotqueue:word-count-map');
  expect(await result(second)).toBe(`counted 0 of ${pieces} pieces\n`);
  expect(await result('nothing')).toContain('RESULT_GONE');
});

it('prints an error if there is nothing to count', async () => {
  const empty = path.join(home, 'empty.txt');
  writeFileSync(empty, '');
  const program = wordCount('trigger', empty);
  expect(await program.ended()).toBe(1);
  expect(program.stderr).toContain('nothing to count: give files');
});
