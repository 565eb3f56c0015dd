import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, inject, it, onTestFinished } from 'vitest';
import { aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import type { Ended } from './hotqueue.js';

/** Package of the compiled command line: here the global installation. */
const global = path.resolve(path.dirname(inject('programMain')), '../..');

/** A project with these files. It is removed after the test. */
function aProject(files: Readonly<Record<string, string>> = {}): string {
  const project = realpathSync(mkdtempSync(path.join(tmpdir(), 'hotqueue-project-')));
  onTestFinished(() => rmSync(project, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(project, name)), { recursive: true });
    writeFileSync(path.join(project, name), text);
  }
  return project;
}

/** Installs another copy of the whole library in a folder. */
function install(folder: string): void {
  const copy = path.join(folder, 'node_modules/hotqueue');
  cpSync(global, copy, { recursive: true, verbatimSymlinks: true });
  const its = JSON.parse(readFileSync(path.join(copy, 'package.json'), 'utf8')) as object;
  const bin = { hotqueue: path.relative(global, inject('programMain')) }; // compiled, but not in dist
  writeFileSync(path.join(copy, 'package.json'), JSON.stringify({ ...its, bin }));
}

/** Runs the global command in a folder. */
const run = (cwd: string, ...args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { ...process.env, REDIS_URL: redisUrl(), NO_COLOR: '1' };
    execFile(process.execPath, [inject('programMain'), ...args], { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

const manifest = JSON.stringify({ name: 'hotqueue', type: 'module', bin: { hotqueue: './dist/main.js' } });
const workers = (queue: string): string =>
  `import { HotQueue } from 'hotqueue';\nexport const work = new HotQueue('${queue}').worker((item) => console.log('got', item));\n`;

it('runs the command of the project, also from a subfolder', async () => {
  const project = aProject({
    'node_modules/hotqueue/package.json': manifest,
    'node_modules/hotqueue/dist/main.js': "console.log('of the project', process.argv.slice(2).join(' '));",
    'src/deep/file.txt': '',
  });
  const ended = { code: 0, stdout: 'of the project size emails\n', stderr: '' };
  expect(await run(project, 'size', 'emails')).toEqual(ended);
  expect(await run(path.join(project, 'src/deep'), 'size', 'emails')).toEqual(ended);
});

it('runs itself where the project has no command, and where the command of the project is itself', async () => {
  const queue = aQueue();
  const own = { code: 0, stdout: '0\n' };
  expect(await run(aProject(), 'size', queue.name)).toMatchObject(own);
  expect(await run(aProject({ 'node_modules/hotqueue/package.json': manifest }), 'size', queue.name)).toMatchObject(
    own,
  );
  const linked = aProject({ 'node_modules/.keep': '' });
  symlinkSync(global, path.join(linked, 'node_modules/hotqueue'));
  expect(await run(linked, 'size', queue.name)).toMatchObject(own);
});

it('a global "hotqueue worker" runs the workers of a project with the copy of the project', async () => {
  const queue = aQueue();
  await queue.put('hello');
  const project = aProject({ 'workers.mjs': workers(queue.name) });
  install(project);
  const { code, stdout, stderr } = await run(project, 'worker', 'workers.mjs', '--burst', '--log', 'none');
  expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: 'got hello\n', stderr: '' });
});

it('refuses files that import a second copy, says what to do, and takes no message', async () => {
  const queue = aQueue();
  await queue.put('kept');
  const project = aProject({
    'workers.mjs': workers(queue.name),
    'caller.mjs': `import { HotQueue, run } from 'hotqueue';\nawait run(new HotQueue('${queue.name}').worker(() => {}));\n`,
    'shared.mjs': "export * from 'shared';",
    'node_modules/shared/package.json': JSON.stringify({ name: 'shared', type: 'module', exports: './index.js' }),
    'node_modules/shared/index.js': workers(queue.name),
  });
  install(project);
  install(path.join(project, 'node_modules/shared'));
  const elsewhere = aProject();
  const own = path.join(project, 'node_modules/hotqueue');
  for (const file of ['workers.mjs', 'caller.mjs']) {
    const { code, stderr } = await run(elsewhere, 'worker', path.join(project, file), '--burst');
    expect(stderr).toContain(`imports another copy of hotqueue: ${own}, and this command is ${realpathSync(global)}. `);
    expect(stderr).toContain('Start the command in the folder of the project, with "npx hotqueue worker"');
    expect(code).toBe(1);
  }
  const nested = await run(project, 'worker', 'shared.mjs', '--burst');
  expect(nested.stderr).toMatch(
    /^hotqueue: shared\.mjs: imports another copy of hotqueue: node_modules\/shared\/node_modules\/hotqueue, and this command is node_modules\/hotqueue\./,
  );
  expect(nested).toMatchObject({ code: 1, stdout: '' });
  expect(await queue.counts()).toMatchObject({ waiting: 1, workers: 0 });
});
