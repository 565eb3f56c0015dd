import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { rmSync } from 'node:fs';
import { aName } from '../support/queue.js';
import { modulesOf } from './loaded.js';

// Loading modules is most of the time that a short command takes. These tests look at modules and not at the clock.
const payloadLibraries = ['class-validator', 'class-transformer'];
const screenLibraries = ['string-width', 'chokidar', 'acorn', 'get-tsconfig', 'oxc-transform'];
const everything = [...payloadLibraries, ...screenLibraries, 'ioredis', 'src/index.js'];

/** Files of src/cli that every command needs. */
const shared = ['command', 'find-up', 'flags', 'main', 'output', 'program', 'project-command', 'run-program'];
const commandFiles = (loaded: Set<string>): string[] =>
  [...loaded]
    .flatMap((name) => /^src\/(?:cli|repl|learn)\/(.*)\.js$/.exec(name)?.[1] ?? [])
    .filter((name) => !shared.includes(name))
    .sort();

it.each([
  [['--version'], [], everything],
  [
    ['size', aName()],
    ['control', 'open-queue'],
    [...payloadLibraries, ...screenLibraries],
  ],
  [
    ['pause', aName(), '--for', '1s'],
    ['control', 'open-queue'],
    [...payloadLibraries, ...screenLibraries],
  ],
  [
    ['put', aName(), '{"to":"ada"}'],
    ['errors', 'instant', 'jobs/wait-option', 'json-text', 'lines', 'open-queue', 'put', 'put-lines', 'put-messages'],
    [...payloadLibraries, ...screenLibraries],
  ],
  [
    ['get', aName()],
    ['json-text', 'open-queue', 'printed', 'take'],
    [...payloadLibraries, ...screenLibraries],
  ],
  [
    ['result', aName(), 'unknown'],
    ['jobs/await-result', 'jobs/result', 'jobs/wait-option', 'open-queue', 'printed'],
    [...payloadLibraries, ...screenLibraries],
  ],
  [['result', '--help'], ['jobs/result', 'jobs/wait-option'], [...everything]],
  [['queues'], ['queues'], [...payloadLibraries, ...screenLibraries]],
  [['worker', '--help'], ['worker', 'worker/health-address', 'worker/settings'], [...everything]],
  [['repl', '--help'], ['repl'], [...everything]],
  [['--help'], undefined, [...payloadLibraries, ...screenLibraries, 'ioredis', 'src/index.js']],
])('hotqueue %j loads only what it needs', async (args, files, absent) => {
  const loaded = await modulesOf(inject('programMain'), args);
  expect(loaded).toContain('commander');
  if (files) expect(commandFiles(loaded)).toEqual(files);
  expect(absent.filter((name) => loaded.has(name))).toEqual([]);
});

function aScript(text: string): string {
  const file = path.join(path.dirname(inject('programMain')), `../script-${aName()}.mjs`);
  writeFileSync(file, text);
  onTestFinished(() => rmSync(file));
  return file;
}

it.each([
  ['an untyped queue', `new HotQueue('q')`],
  ['strings', `new HotQueue('q', { payload: String })`],
  [
    'a schema',
    `new HotQueue('q', { payload: { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }) } } })`,
  ],
])('%s loads no class-validator: put and get', async (_what, queue) => {
  const script = aScript(
    `import { HotQueue } from './index.js';\nconst q = ${queue};\nawait q.put('text');\nif ((await q.get()) !== 'text') process.exit(1);\nawait q.close();\n`,
  );
  const loaded = await modulesOf(script);
  expect(loaded).toContain('ioredis');
  expect(payloadLibraries.filter((name) => loaded.has(name))).toEqual([]);
});

it('a payload class loads class-validator', async () => {
  const script = aScript(
    `import { HotQueue, rules } from './index.js';\nimport { IsString } from 'class-validator';\nclass A {}\nrules(A, { a: IsString() });\nnew HotQueue('q', { payload: A });\n`,
  );
  const loaded = await modulesOf(script);
  expect(payloadLibraries.filter((name) => loaded.has(name))).toEqual(payloadLibraries);
});
