import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const repository = new URL('..', import.meta.url).pathname;
const home = mkdtempSync(path.join(tmpdir(), 'hqp-'));
const app = path.join(home, 'app');
const installed = path.join(app, 'node_modules/hotqueue');
/** The environment of a project without any setting for Redis. */
const env = {
  ...process.env,
  TMPDIR: home,
  XDG_RUNTIME_DIR: undefined,
  REDIS_URL: undefined,
  VALKEY_URL: undefined,
  HOTQUEUE_REDIS: 'js',
};

/** Packs a copy, so that `dist` of the repository stays unchanged, and installs it as a user does. */
beforeAll(async () => {
  const copy = path.join(home, 'copy');
  for (const name of [
    'src',
    'scripts',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'examples/compose',
  ]) {
    if (existsSync(path.join(repository, name)))
      cpSync(path.join(repository, name), path.join(copy, name), { recursive: true });
  }
  symlinkSync(path.join(repository, 'node_modules'), path.join(copy, 'node_modules'));
  await run('npm', ['pack', '--pack-destination', home], { cwd: copy, maxBuffer: 2 ** 26 });
  const tarball = readdirSync(home).find((name) => name.endsWith('.tgz')) ?? 'no tarball';
  mkdirSync(app);
  writeFileSync(path.join(app, 'package.json'), '{ "type": "module" }');
  await run('npm', ['install', path.join(home, tarball)], { cwd: app });
}, 300_000);

afterAll(async () => {
  await run('npx', ['hotqueue', 'redis', 'stop'], { cwd: app, env }).catch(() => {});
  rmSync(home, { recursive: true, force: true });
});

const files = (dir: string, pattern: RegExp): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .sort();

it('installs exactly one ioredis, of version 6', async () => {
  const copies = files(
    path.join(app, 'node_modules'),
    /(^|\/)node_modules\/ioredis\/package\.json$|^ioredis\/package\.json$/,
  );
  expect(copies).toEqual(['ioredis/package.json']);
  const { version } = JSON.parse(readFileSync(path.join(app, 'node_modules', 'ioredis/package.json'), 'utf8')) as {
    version: string;
  };
  expect(version).toMatch(/^6\./);
  await run('npm', ['ls', '--all'], { cwd: app }); // fails on anything missing, invalid or extraneous
});

it('contains every script, and the licences of copied packages', () => {
  expect(files(path.join(installed, 'dist/redis/scripts'), /\.lua$/)).toEqual(
    files(path.join(repository, 'src/redis/scripts'), /\.lua$/),
  );
  const licences = readFileSync(path.join(installed, 'dist/embedded/vendor/LICENSES.md'), 'utf8');
  expect(licences.match(/^# .+/gm)).toEqual(
    expect.arrayContaining([
      '# js-redis-server 0.3.0 (MIT)',
      expect.stringContaining('lua-redis-wasm'),
      expect.stringContaining('cluster-key-slot'),
    ]),
  );
  expect(
    files(path.join(installed, 'dist'), /\.js$/).filter((file) =>
      readFileSync(path.join(installed, 'dist', file), 'utf8').includes("from 'js-redis-server"),
    ),
  ).toEqual([]);
});

it('works in an empty project, on the JavaScript engine', async () => {
  const script = `
    import { HotQueue } from 'hotqueue';
    const q = new HotQueue('q');
    await q.put('a');
    console.log(await q.get());
    await q.close();`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: app, env });
  expect(stdout).toBe('a\n');
  expect(stderr).toMatch(/^hotqueue: messages are in memory only.+\n$/);
});

it('its prompt understands TypeScript, and provides the payload libraries', async () => {
  const prompt = execFile('npx', ['hotqueue', 'repl'], { cwd: app, env });
  let stdout = '';
  prompt.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  prompt.stdin!.end(
    "import { MinLength } from 'class-validator'\nclass Note { @MinLength(2) text!: string }\nconst notes = new HotQueue('notes', { payload: Note })\n(await notes.put({ text: 'yes' })).payload\nawait notes.put({ text: 'n' })\n",
  );
  await once(prompt, 'close');
  expect(stdout).toMatch(/Note \{ text: 'yes' \}\nUncaught:?\sInvalidPayloadError: not a valid Note/);
  expect((await run('npx', ['hotqueue', 'learn', '--json'], { cwd: app, env })).stdout).toContain('redis-db');
  expect(existsSync(path.join(installed, 'examples/compose/compose.yaml'))).toBe(true);
});

it('every entry can be imported', async () => {
  const { exports, bin } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
    bin: Record<string, string>;
  };
  for (const entry of Object.keys(exports).filter((name) => !name.endsWith('.json'))) {
    await run(
      process.execPath,
      ['--input-type=module', '-e', `await import(${JSON.stringify(path.posix.join('hotqueue', entry))})`],
      { cwd: app, env },
    );
  }
  for (const command of Object.keys(bin)) {
    expect((await run('npx', [command, '--version'], { cwd: app, env })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  }
});

it('"hotqueue worker" runs the exports of compiled files, and reports what decorated TypeScript needs', async () => {
  const source = `import { HotQueue } from 'hotqueue';\nconst queue = new HotQueue('q');\nawait queue.put('one');\nexport const work = queue.worker((item) => console.log('got', item));\n`;
  for (const name of ['workers.js', 'workers.ts']) writeFileSync(path.join(app, name), source);
  const { stdout } = await run('npx', ['hotqueue', 'worker', 'workers.js', '--burst', '--log', 'none'], {
    cwd: app,
    env,
  });
  expect(stdout).toBe('got one\n');
  await expect(
    run('npx', ['hotqueue', 'worker', 'workers.ts', '--burst'], { cwd: app, env: { ...env, NODE_OPTIONS: '' } }),
  ).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /workers\.ts: Node cannot run decorated TypeScript.*"npm install --save-dev @oxc-node\/core"/,
    ) as unknown,
  });
});
