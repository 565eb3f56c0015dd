import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../support/facts.js';
import { aName, aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aFile, WorkerRun } from './worker-run.js';

it.each([
  [['nowhere.ts'], 1, /^hotqueue: nowhere\.ts: file not found\n$/],
  [['examples'], 1, /^hotqueue: examples: this is a folder/],
  [
    ['examples/images/folder.ts'],
    1,
    /^hotqueue: no workers in examples\/images\/folder\.ts: export a class with @worker methods/,
  ],
  [[], 2, /missing required argument 'files'/],
  [['x.ts', '--processes', '0'], 2, /whole number from 1 to 256/],
  [['x.ts', '--max-memory', 'lots'], 2, /a size of at least 64mb/],
  [['x.ts', '--order', 'random'], 2, /Allowed choices are strict, fair/],
  [['x.ts', '--prefix', 'mine'], 2, /unknown option '--prefix'/],
  [['package.json', '--db', '3'], 1, /--db without an address: give --url or --host too/, { REDIS_URL: '' }],
])('%j exits with %i and an error message', async (args, code, sentence, env: NodeJS.ProcessEnv = {}) => {
  const run = new WorkerRun(args, { env });
  expect(await run.ended).toBe(code);
  expect(run.stderr).toMatch(sentence);
  expect(run.stdout).toBe('');
});

it('reports what is wrong with a file, and takes no message', async () => {
  const queue = aQueue();
  await queue.put(1);
  const declared = `import { HotQueue } from 'hotqueue';\nconst queue = new HotQueue('${queue.name}');\n`;
  const files = {
    needy: aFile(
      `${declared}export class Studio { constructor(readonly db: object) {} @queue.worker() async work(item: string) { void item; } }`,
    ),
    broken: aFile(`${declared}throw new RangeError('in the file');`),
    other: aFile(`${declared}export const work = queue.worker(() => {});`),
  };
  const runs = [
    new WorkerRun([files.needy]),
    new WorkerRun([files.broken]),
    new WorkerRun([files.other, '--queue', 'elsewhere']),
    new WorkerRun([files.other, '--class', 'Studio']),
    new WorkerRun([files.broken, '--processes', '2', '--log', 'none']),
  ];
  expect(await Promise.all(runs.map((run) => run.ended))).toEqual([1, 1, 1, 1, 1]);
  const [needy, broken, elsewhere, classless, supervised] = runs.map(({ stderr }) => stderr);
  expect(needy).toMatch(
    /cannot construct Studio: its constructor needs an argument\. Export an instance: export const studio = new Studio\(…\)/,
  );
  expect(broken).toMatch(
    /workers\.ts: it threw an error while it was loaded: RangeError: in the file\n\s+at .*workers\.ts:3/,
  );
  expect(elsewhere).toContain(
    `invalid --queue elsewhere: no worker in the files takes from it; they take from ${queue.name}`,
  );
  expect(classless).toMatch(/no worker class Studio in .*workers\.ts; it has none/);
  expect(supervised).toMatch(/^hotqueue: .*RangeError: in the file/);
  expect(await queue.counts()).toMatchObject({ waiting: 1, workers: 0 });
});

const decorators = { experimentalDecorators: true, emitDecoratorMetadata: true };
const moduleOptions = { module: 'nodenext', target: 'es2022' };

/** A project folder outside of this repository, so that only its own tsconfig.json applies. @returns a file with decorators in it */
function aProjectWith(files: Record<string, object>): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'hq-tsconfig-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(new URL('../../node_modules', import.meta.url).pathname, path.join(folder, 'node_modules'));
  for (const [name, content] of Object.entries({ 'package.json': { type: 'module' }, ...files }))
    writeFileSync(path.join(folder, name), JSON.stringify(content));
  mkdirSync(path.join(folder, 'lib'));
  writeFileSync(path.join(folder, 'lib/words.ts'), "export const word: string = 'from the alias';");
  const file = path.join(folder, 'studio.ts');
  writeFileSync(
    file,
    `import { word } from '@lib/words.js';
    const says = (_: object, __: string): void => console.error(Reflect.getMetadata?.('design:paramtypes', _, __)?.[0]?.name, word);
    import 'reflect-metadata';
    class Image {}
    export class Studio { @says draw(image: Image): void { void image; } }`,
  );
  return file;
}

it.each([
  [
    'none',
    {},
    /studio\.ts has decorators, but there is no tsconfig\.json for it: add one with "experimentalDecorators": true/,
  ],
  [
    'one without experimentalDecorators',
    { 'tsconfig.json': { compilerOptions: moduleOptions } },
    /studio\.ts has decorators, but \S+tsconfig\.json does not set "experimentalDecorators": set/,
  ],
  [
    'one that does not include the file',
    { 'tsconfig.json': { compilerOptions: { ...moduleOptions, ...decorators }, include: ['src'] } },
    /studio\.ts has decorators, but \S+tsconfig\.json does not include it: add it to "include" there/,
  ],
])('says what to set if the tsconfig.json is %s', async (_what, files, sentence) => {
  const run = new WorkerRun([aProjectWith(files)]);
  expect(await run.ended).toBe(1);
  expect(run.stderr).toMatch(sentence);
});

const paths = { '@lib/*': ['./lib/*'] };
it.each([
  ['in one file', { 'tsconfig.json': { compilerOptions: { ...moduleOptions, ...decorators, paths } } }],
  [
    'from "extends"',
    {
      'tsconfig.json': { extends: './base.json' },
      'base.json': { compilerOptions: { ...moduleOptions, ...decorators, paths } },
    },
  ],
  [
    'from "references"',
    {
      'tsconfig.json': { files: [], references: [{ path: './tsconfig.app.json' }] },
      'tsconfig.app.json': { compilerOptions: { ...moduleOptions, ...decorators, paths }, include: ['*.ts', 'lib'] },
    },
  ],
])('follows the settings of decorators and paths %s, also from another folder', async (_what, files) => {
  const run = new WorkerRun([aProjectWith(files)]);
  expect(await run.ended).toBe(1); // it has no worker
  expect(run.stderr).toMatch(/^Image from the alias\nhotqueue: no workers in /);
});

it('with --no-wait-for-redis, reports that no Redis answers, and ends', async () => {
  const file = aFile(
    `import { HotQueue } from 'hotqueue';\nexport const work = new HotQueue('${aName()}').worker(() => {});`,
  );
  const runs = [
    new WorkerRun([file, '--no-wait-for-redis', '--url', 'redis://127.0.0.1:1']),
    new WorkerRun([file, '--no-wait-for-redis', '--port', '1', '--processes', '2']),
  ];
  expect(await Promise.all(runs.map((run) => run.ended))).toEqual([1, 1]);
  for (const { stderr } of runs) expect(stderr).toMatch(/^hotqueue: .*no Redis answers at redis:\/\/127\.0\.0\.1:1/);
});

it('waits for a Redis that does not answer yet, and ends when it is stopped meanwhile', async () => {
  const name = aName();
  const folder = mkdtempSync(path.join(tmpdir(), 'hqw-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socket = path.join(folder, 'later');
  const file = aFile(
    `import { HotQueue } from 'hotqueue';\nexport const work = new HotQueue('${name}').worker((item) => console.log('got', item));`,
  );
  const args = [file, '--url', `unix://${socket}`, '--log', 'json'];
  const [one, stopped] = [new WorkerRun(args), new WorkerRun(args)];
  for (const run of [one, stopped])
    await until(
      () => run.stdout.includes('waiting for Redis') || run.stderr.includes('waiting for Redis'),
      Boolean,
      40_000,
    );
  stopped.signal('SIGTERM');
  expect(await stopped.ended).toBe(0);
  symlinkSync(redisUrl().slice('unix://'.length), socket);
  const queue = aQueue({ name });
  await queue.put('a');
  await until(() => one.stdout.includes('got a'));
  one.signal('SIGTERM');
  expect(await one.ended).toBe(0);
});
