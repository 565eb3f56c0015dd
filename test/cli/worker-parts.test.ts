import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { HotQueue } from 'hotqueue';
import { handlersOf } from '../../src/worker/handlers.js';
import { selectHandlers } from '../../src/cli/worker/select-handlers.js';
import { deathsAfter, delayAfterDeath, restartPolicyOf } from '../../src/cli/worker/restart-policy.js';
import { pretty } from '../../src/cli/worker/log.js';
import { bytes, names } from '../../src/cli/worker/settings.js';
import { watchSources } from '../../src/cli/worker/watch.js';
import { until } from '../support/facts.js';

it.each([
  ['64mb', 67_108_864],
  ['1.5GB', 1_610_612_736],
  ['134217728', 134_217_728],
])('%s is %i bytes', (text, expected) => expect(bytes(text)).toBe(expected));

it.each(['1mb', 'lots', '-1gb', '', 'mb', 'NaN'])('%j is refused as --max-memory', (text) =>
  expect(() => bytes(text)).toThrow('at least 64mb'),
);

it('names are separated by commas, and the option may be repeated', () => {
  expect(names('c', names('a, b'))).toEqual(['a', 'b', 'c']);
  expect(() => names('a,,b')).toThrow('names separated by commas');
});

it.each([
  [undefined, 'restart'],
  ['orphaned', 'restart'],
  ['SIGTERM', 'replace'],
  ['restart', 'replace'],
  ['max-jobs', 'replace'],
  ['max-memory', 'replace'],
  ['max-idle', 'over'],
  ['burst', 'over'],
  ['command', 'over'],
] as const)('a child that ended with reason %s: %s', (reason, policy) =>
  expect(restartPolicyOf({ reason })).toBe(policy),
);

it('waits longer after each death in a row, up to half a minute; after a minute of life, the row starts again', () => {
  let deaths = 0;
  const delays = Array.from({ length: 12 }, () => delayAfterDeath((deaths = deathsAfter(deaths, { livedMs: 500 }))));
  expect([delays[0], delays[1], delays[2], delays.at(-1)]).toEqual([100, 200, 400, 30_000]);
  expect(deathsAfter(deaths, { livedMs: 60_000 })).toBe(1);
});

const [a, b] = [new HotQueue('a'), new HotQueue('b')];
const handlers = handlersOf([a.worker(() => {}), b.worker(() => {}, { concurrency: 3 }), a.worker(() => {})]);
const summary = (...given: Parameters<typeof selectHandlers>) => {
  const { handlers: selected, options } = selectHandlers(...given);
  return [selected.map(({ context, options: { concurrency } }) => `${context.name}${concurrency}`).join(' '), options];
};

it.each([
  ['no options: each handler with its own slots', {}, {}, 'a1 b3 a1', {}],
  ['--queue: only these, in this order', { queues: ['b', 'a'] }, {}, 'b3 a1 a1', { order: 'strict' }],
  ['one queue needs no order', { queues: ['b'] }, {}, 'b3', {}],
  ['--order without --queue', { order: 'fair' }, {}, 'a1 b3 a1', { order: 'fair' }],
  [
    '--concurrency applies to each handler and to all together',
    { concurrency: 2 },
    {},
    'a2 b2 a2',
    { order: 'fair', concurrency: 2 },
  ],
  ['--concurrency for one queue', { queues: ['b'], concurrency: 8 }, {}, 'b8', {}],
  ['options of the file', {}, { order: 'strict', concurrency: 2 }, 'a1 b3 a1', { order: 'strict', concurrency: 2 }],
  [
    'the command line overrides the file',
    { order: 'fair', concurrency: 4 },
    { order: 'strict', concurrency: 2 },
    'a4 b4 a4',
    { order: 'fair', concurrency: 4 },
  ],
] as const)('%s', (_, settings, said, chosen, options) =>
  expect(summary(handlers, settings, said)).toEqual([chosen, options]),
);

it('a queue without workers is refused, with its name in the error', () => {
  expect(() => selectHandlers(handlers, { queues: ['a', 'c'] })).toThrow(
    'invalid --queue c: no worker in the files takes from it; they take from a, b',
  );
});

it('a text log line is one line without control characters', () => {
  const line = pretty({
    time: '2026-01-02T03:04:05.678Z',
    level: 'warn',
    event: 'retry',
    pid: 7,
    process: 'w-1',
    queue: 'q',
    id: 'x',
    attempt: 1,
    tookMs: 12,
    waitedMs: 3,
    delayMs: 500,
    error: { name: 'Error', message: 'first\u001b[2J\nsecond' },
  });
  expect(line).toMatch(
    /^\d\d:04:05 {2}w-1 \(7\) {2}retry {4}q {2}x {2}attempt 1 {2}12 ms {2}waited 3 ms {2}retry in 500 ms {2}Error: first\\x1b\[2J$/,
  );
});

/** Files in a folder that is watched, and the changes that were reported. It is removed after the test. */
async function aWatchedFolder() {
  const above = mkdtempSync(path.join(tmpdir(), 'hqw-'));
  const home = path.join(above, '.home'); // a dot above the watched folder hides nothing
  const changed: string[] = [];
  const change = (file: string): void => {
    mkdirSync(path.dirname(path.join(home, file)), { recursive: true });
    if (!file.endsWith('/')) writeFileSync(path.join(home, file), String(changed.length));
    else mkdirSync(path.join(home, file));
  };
  for (const file of ['workers.ts', 'untouched.ts', '.git/a.ts', 'node_modules/b.js', 'inner/c.js']) change(file);
  const watch = (into: string[]) =>
    watchSources([path.join(home, 'workers.ts')], (file) => void into.push(path.relative(home, file)));
  const unwatch = await watch(changed);
  onTestFinished(async () => {
    await unwatch();
    rmSync(above, { recursive: true });
  });
  return { changed, change, watch, unwatch, isReported: (file: string) => until(() => changed.includes(file)) };
}

it('watches source files, also in new folders', async () => {
  const { changed, change, isReported } = await aWatchedFolder();
  for (const file of ['inner/c.js', 'later/d.mts', 'workers.ts']) {
    change(file);
    await isReported(file);
  }
  expect([...new Set(changed)].sort()).toEqual(['inner/c.js', 'later/d.mts', 'workers.ts']);
});

// A change hides those shortly before it, so a report of the other one gets the time to come.
it.each(['.git/a.ts', 'node_modules/b.js', 'result.json', 'empty/'])('does not report %s', async (other) => {
  const { changed, change, isReported } = await aWatchedFolder();
  change(other);
  await pause(500);
  change('inner/c.js');
  await isReported('inner/c.js');
  expect(new Set(changed)).toEqual(new Set(['inner/c.js']));
});

it('reports changes that follow each other closely as one', async () => {
  const { changed, change, isReported } = await aWatchedFolder();
  for (let index = 0; index < 50; index++) change(`many/${index}.ts`);
  await until(() => changed.length > 0);
  change('workers.ts');
  await isReported('workers.ts');
  expect(changed.length).toBeLessThan(25);
});

it('reports nothing after the end', async () => {
  const { changed, change, watch, unwatch } = await aWatchedFolder();
  const later: string[] = [];
  const unwatchLater = await watch(later);
  await unwatch();
  change('workers.ts');
  await until(() => later.includes('workers.ts'));
  await unwatchLater();
  expect(changed).toEqual([]);
});
