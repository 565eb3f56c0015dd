import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { start } from 'hotqueue';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { loggerOf } from '../../src/core/logger.js';
import { printable } from '../../src/core/printable.js';
import { jsonLine, safe } from '../../src/cli/output.js';
import { table } from '../../src/cli/table.js';
import { Keys } from '../../src/redis/keys.js';
import { aBroker, aName, aQueue, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aTerminal, hotqueueWords } from '../support/terminal.js';
import { hotqueue } from './hotqueue.js';

/** All characters that a terminal obeys, and those that change the order of text. */
const codes = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const all = [
  ...codes(0, 0x1f),
  ...codes(0x7f, 0x9f),
  0x61c,
  0x200e,
  0x200f,
  ...codes(0x2028, 0x202e),
  ...codes(0x2066, 0x2069),
].map((code) => String.fromCharCode(code));
const sequences = ['\u001b[2J', '\u001b]0;owned\u0007', '\u001b[31mred', '\u009b31m', '\r\nforged line', '\u001b[8m'];
const evil = `${sequences.join('')}${all.join('')}`;
/** The same for a command line: it cannot contain NUL, and line breaks in a word of the user are no forgery. */
const evilWord = evil.replace(/[\0\r\n]/g, '');

// eslint-disable-next-line no-control-regex
const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
/** Removes the colours of the command line itself. */
// eslint-disable-next-line no-control-regex
const withoutColours = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

const hostile = fc.string({ unit: fc.oneof(fc.constantFrom(...all, ...sequences), fc.string({ maxLength: 3 })) });

it('printable text has no control characters, and is one line', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      expect(printable(text)).not.toMatch(raw);
      expect(printable(text)).not.toContain('\n');
      expect(printable(printable(text))).toBe(printable(text));
    }),
  );
});

it('JSON lines have no control characters, and the same value', () => {
  fc.assert(
    fc.property(fc.anything({ values: [hostile], key: hostile, maxDepth: 2 }), (value) => {
      const json = JSON.stringify(value) as string | undefined;
      if (json === undefined) return;
      expect(jsonLine(value)).not.toMatch(raw);
      expect(JSON.parse(jsonLine(value))).toEqual(JSON.parse(json));
    }),
  );
});

it('a table has no control characters, one line for each row, and fits', () => {
  const rows = fc.array(fc.tuple(hostile, hostile, hostile), { maxLength: 4 });
  fc.assert(
    fc.property(rows, fc.constantFrom(30, 80, Infinity), (cells, columns) => {
      const lines = table(['a', 'id', 'c'], cells, columns).split('\n');
      expect(lines).toHaveLength(cells.length + 1);
      for (const line of lines.map(withoutColours)) expect(line).not.toMatch(raw);
    }),
  );
});

it('lines to print keep nothing but line breaks, and colours if there are colours', () => {
  const stream = { isTTY: true } as NodeJS.WriteStream;
  fc.assert(
    fc.property(hostile, (text) => {
      expect(safe(text, { isTTY: false } as NodeJS.WriteStream)).not.toMatch(raw);
      expect(withoutColours(safe(text, stream))).not.toMatch(raw);
    }),
  );
});

it('the default logger writes each warning as one line, without control characters', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  fc.assert(
    fc.property(hostile, fc.constantFrom('warn' as const, 'error' as const), (text, level) => {
      write.mockClear();
      loggerOf('q', undefined)[level]({ queue: 'q' }, `message ${text}`);
      const [[line]] = write.mock.calls as [[string]];
      expect(line.slice(0, -1)).not.toMatch(raw);
      expect(line.slice(0, -1)).not.toContain('\n');
    }),
  );
});

// ---------------------------------------------------------------- all commands

const folder = mkdtempSync(path.join(tmpdir(), 'hotqueue-control-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const name = aName();
const prefix = aName();
const jobs = aName();
/** Ids of jobs that have failed, that are done, and that wait. */
const ids = { failed: 'failed', done: 'done', waiting: 'waiting' };
const file = (text: string, base: string): string => {
  writeFileSync(path.join(folder, base), text);
  return path.join(folder, base);
};
const workers = (): string =>
  file(
    `import { HotQueue } from 'hotqueue';
const q = new HotQueue(${JSON.stringify(name)}, { prefix: ${JSON.stringify(prefix)} });
export const work = q.worker(() => { const error = new Error(${JSON.stringify(evil)}); error.name = ${JSON.stringify(evil)}; throw error; }, { attempts: 1 });`,
    'workers.mjs',
  );
const broken = (): string => file(`throw new Error(${JSON.stringify(evil)});`, 'broken.mjs');

/** A queue whose messages, dead letters, delayed messages and workers are hostile. */
beforeAll(async () => {
  const queue = aQueue({ name, prefix });
  const { key } = queue;
  await queue.put(evil);
  for await (const delivery of queue.deliveries({ limit: 1 })) await delivery.bury(evil);
  await queue.with({ delay: '1h' }).put(evil);
  const keys = new Keys(name, prefix);
  const record = JSON.stringify({ reason: evil, attempts: 1, error: { name: evil, message: evil, stack: evil } });
  await redis().zadd(keys.dead, 1, evil, 2, 'foreign');
  await redis().hset(keys.deadMessages, evil, `${record}\n${evil}`, 'foreign', `${record}\n"${evil}"`);
  await redis().rpush(key, evil, JSON.stringify(evil), `["${'\u009b31m\u202e'}"]`);
  const broker = aBroker(name);
  const about = { name: evil, kind: 'handler', concurrency: 1, status: evil, host: evil, pid: 1, process: evil };
  const report = JSON.stringify({
    ...about,
    startedAt: 1,
    active: 1,
    activeMessages: [[evil, 1, 1]],
    done: 0,
    failed: 0,
  });
  await broker.join(evil, 'process', {}, report);
  await redis().rename(new Keys(name).workers, keys.workers);
});

/** A queue whose jobs are hostile: payloads, results, errors, progress and log lines. */
beforeAll(async () => {
  const queue = aQueue({ name: jobs, prefix, track: true, attempts: 1 });
  const worker = queue.worker(async (_, job) => {
    await job.progress({ [evil]: evil });
    await job.log(evil);
    if (job.id === ids.done) return evil;
    throw Object.assign(new Error(evil, { cause: new Error(evil) }), { name: evil, code: evil });
  });
  const runner = start(worker);
  const run = await Promise.all([ids.failed, ids.done].map((id) => queue.with({ id }).put(evil)));
  await Promise.allSettled(run.map((job) => job.result()));
  await runner.stop();
  await redis().hset(new Keys(jobs, prefix).job(ids.failed), 'worker', evil, 'by', evil);
  await queue.with({ id: ids.waiting, unique: evil.slice(0, 200) }).put(evil);
});

const q = ['--prefix', prefix];
const reading = [
  ['size', name, ...q],
  ['peek', name, ...q],
  ['peek', name, '--json', ...q],
  ['info', ...q],
  ['info', '--json', ...q],
  ['top', '--once', ...q],
  ['top', '--once', '--json', ...q],
  ['queues', ...q],
  ['workers', 'ls', ...q],
  ['workers', 'ls', '--json', ...q],
  ['workers', 'quiet', name, evilWord, ...q],
  ['delayed', 'ls', name, ...q],
  ['delayed', 'ls', name, '--json', ...q],
  ['delayed', 'cancel', name, evilWord, ...q],
  ['dead', 'ls', name, ...q],
  ['dead', 'ls', name, '--json', ...q],
  ['dead', 'show', name, 'foreign', ...q],
  ['dead', 'show', name, 'foreign', '--json', ...q],
  ['dead', 'show', name, evilWord, ...q],
  ['dead', 'drop', name, evilWord, ...q],
  ['doctor', ...q],
  ['result', jobs, ids.done, ...q],
  ['result', jobs, ids.failed, ...q],
  ['result', jobs, ids.failed, '--json', ...q],
  ['result', jobs, evilWord, ...q],
  ['job', 'show', jobs, ids.failed, ...q],
  ['job', 'show', jobs, ids.failed, '--json', ...q],
  ['job', 'show', jobs, ids.waiting, ...q],
  ['job', 'log', jobs, ids.done, ...q],
  ['job', 'log', jobs, ids.done, '--json', ...q],
  ['job', 'log', jobs, ids.done, '--follow', ...q],
  ['job', 'cancel', jobs, evilWord, ...q],
  ['job', 'retry', jobs, evilWord, ...q],
  ['jobs', jobs, '--status', 'failed', ...q],
  ['jobs', jobs, '--status', 'done', ...q],
  ['jobs', jobs, '--status', 'done', '--json', ...q],
  ['jobs', jobs, '--status', 'waiting', ...q],
];
const refused = [
  ['size', evilWord],
  ['put', name, evilWord],
  ['put', name, `@${evilWord}`],
  ['put', name, '1', '--id', evilWord],
  ['put', name, '1', '--priority', evilWord],
  ['put', name, '1', '--at', evilWord],
  ['get', name, '--block', '--timeout', evilWord],
  ['get', name, '--url', `redis://${evilWord}`],
  ['get', name, '--prefix', evilWord],
  ['worker', evilWord],
  ['worker', broken(), '--log', 'pretty'],
  ['learn', evilWord],
  ['put', name, '1', '--wait', evilWord],
  ['jobs', name, '--status', evilWord],
  ['jobs', name, '--status', 'done', '--cursor', evilWord],
  [evilWord],
  [`--${evilWord}`],
];
const taking = [
  ['get', name, ...q],
  ['worker', workers(), '--burst', '--log', 'pretty'],
  ['put', name, '1', ...q],
  ['worker', workers(), '--burst', '--log', 'json'],
  ['consume', name, '--idle-timeout', '1ms', ...q],
];

it.each([
  ['that read', reading],
  ['that are refused', refused],
  ['that take', taking],
])('commands %s print no control characters of others', { timeout: 240_000 }, async (_which, commands) => {
  const shown = (args: readonly string[]): string => JSON.stringify(args);
  for (const args of commands) {
    const { stdout, stderr } = await hotqueue(args, { env: { FORCE_COLOR: '1', NO_COLOR: undefined } });
    expect(`${stdout}${stderr}`, shown(args)).not.toBe('');
    for (const text of [stdout, stderr].map(withoutColours)) expect(text, shown(args)).not.toMatch(raw);
    // An error of the user's own file may have several lines.
    if (commands !== refused) expect(`${stdout}${stderr}`, shown(args)).not.toMatch(/^forged/m);
  }
});

it.each([
  ['peek', [name]],
  ['dead', ['ls', name]],
  ['dead', ['show', name, 'foreign']],
  ['consume', [name, '--idle-timeout', '1ms']],
])('%s %j prints no control characters to a terminal', async (command, args) => {
  const queue = aQueue({ name, prefix });
  await redis().rpush(queue.key, JSON.stringify(evil), `["${'\u009b31m\u202e'}"]`);
  const screen = await aTerminal(hotqueueWords(command, ...args, ...q, '--url', redisUrl()), { cols: 100 });
  expect(await screen.ended).toBe(0);
  for (const line of withoutColours(screen.raw).split('\r\n')) expect(line).not.toMatch(raw);
});
