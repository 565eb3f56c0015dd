import { execFile, spawn } from 'node:child_process';
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
import { build } from 'esbuild';
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
    'examples/init',
    'docs',
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

it.each(['esm', 'cjs'] as const)('works in a bundle of esbuild (%s) that leaves it external', async (format) => {
  const program = path.join(app, 'bundled.ts');
  writeFileSync(
    program,
    `import { HotQueue, start } from 'hotqueue';
     async function main() {
       const q = new HotQueue('bundled');
       await q.put('a');
       const runner = start(q.worker((item) => console.log('took', item)));
       await q.drained();
       await runner.stop();
       await q.close();
     }
     void main();`,
  );
  const outfile = path.join(app, format === 'esm' ? 'bundled.mjs' : 'bundled.cjs');
  await build({ entryPoints: [program], outfile, format, bundle: true, platform: 'node', external: ['hotqueue'] });
  const { stdout } = await run(process.execPath, [outfile], { cwd: app, env });
  expect(stdout).toBe('took a\n');
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

it('contains the files that the lesson names', () => {
  const sources = files(path.join(installed, 'dist/learn'), /\.js$/).map((name) =>
    readFileSync(path.join(installed, 'dist/learn', name), 'utf8'),
  );
  const named = sources.join('\n').match(/node_modules\/hotqueue\/[\w./-]+\w/g) ?? [];
  expect(named).toContain('node_modules/hotqueue/docs/guarantees.md');
  expect(named.filter((file) => !existsSync(path.join(app, file)))).toEqual([]);
});

it('every entry can be imported', async () => {
  const { exports, bin } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>;
    bin: Record<string, string>;
  };
  const importOf = (entry: string): Promise<unknown> =>
    run(
      process.execPath,
      ['--input-type=module', '-e', `await import(${JSON.stringify(path.posix.join('hotqueue', entry))})`],
      { cwd: app, env },
    );
  const optional = { './otel': '@opentelemetry/api' };
  for (const entry of Object.keys(exports).filter((name) => !name.endsWith('.json') && !(name in optional)))
    await importOf(entry);
  for (const [entry, peer] of Object.entries(optional)) {
    await expect(importOf(entry)).rejects.toThrow(`Cannot find package '${peer}'`);
    cpSync(path.join(repository, 'node_modules', peer), path.join(app, 'node_modules', peer), { recursive: true });
    await importOf(entry);
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

/** A folder in which `npm install` of the package, of the runner and of the compiler has been run. */
function aFolder(name: string): string {
  const folder = path.join(home, name);
  const modules = path.join(folder, 'node_modules');
  mkdirSync(path.join(modules, '@oxc-node'), { recursive: true });
  for (const entry of readdirSync(path.join(app, 'node_modules')).filter((one) => !/^(\.|@oxc-node)/.test(one)))
    symlinkSync(path.join(app, 'node_modules', entry), path.join(modules, entry));
  for (const entry of ['typescript', '@oxc-node/core'])
    symlinkSync(path.join(repository, 'node_modules', entry), path.join(modules, entry));
  writeFileSync(path.join(folder, 'package.json'), '{}');
  return folder;
}

const hotqueueMain = path.join(installed, 'dist/cli/main.js');
const registered = ['--import', '@oxc-node/core/register'];

/** Runs the compiler. Its errors are on stdout. */
async function compile(args: readonly string[], cwd: string): Promise<void> {
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, ...args], { cwd }).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
}

/** Runs a program. Sends Ctrl-C when it has printed this number of lines. @returns the exit code and stdout */
async function untilLines(args: readonly string[], cwd: string, lines: number): Promise<[number, string[]]> {
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.split('\n').length > lines) child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number];
  return [code, stdout.trim().split('\n')];
}

/** The programs of a page, with the output that their comments promise. */
function programsOf(page: string): { source: string; lines: string[] }[] {
  return [...readFileSync(path.join(repository, page), 'utf8').matchAll(/^```ts\n([^]*?)^```$/gm)].map(
    ([, source]) => ({
      source: source!,
      lines: [...source!.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line!),
    }),
  );
}

it('the programs of the README run as they are, and compile', async () => {
  const folder = aFolder('readme');
  const [first, studio, loop] = programsOf('README.md');
  expect(first!.source).not.toMatch(/@|class /);
  writeFileSync(path.join(folder, 'cities.mjs'), first!.source);
  expect(await untilLines(['cities.mjs'], folder, Infinity)).toEqual([0, first!.lines]);
  await run(process.execPath, [hotqueueMain, 'init'], { cwd: folder, env });
  for (const [name, { source, lines }] of Object.entries({ cities: first!, studio: studio!, loop: loop! })) {
    writeFileSync(path.join(folder, `${name}.ts`), source);
    expect(
      await untilLines([...registered, `${name}.ts`], folder, source.includes('Ctrl-C') ? lines.length : Infinity),
    ).toEqual([0, lines]);
  }
  await compile(['-p', '.'], folder);
  await run(process.execPath, [hotqueueMain, 'redis', 'stop'], { cwd: folder, env });
});

it('"hotqueue init" writes a project that compiles and runs, and keeps files', async () => {
  const folder = aFolder('first');
  const { stdout } = await run(process.execPath, [hotqueueMain, 'init'], { cwd: folder, env });
  expect(stdout).not.toContain('npm install'); // everything is installed
  await compile(['-p', '.'], folder);
  const put = await run(process.execPath, [...registered, 'put.ts'], { cwd: folder, env });
  expect(put.stdout).toMatch(/^message \S+ is in the queue\n$/);
  const works = await run(process.execPath, [hotqueueMain, 'worker', 'worker.ts', '--burst', '--log', 'none'], {
    cwd: folder,
    env,
  });
  expect(works.stdout).toBe('sending "Hello" to ada@example.com, attempt 1\n');
  writeFileSync(path.join(folder, 'queues.ts'), '// mine');
  const again = await run(process.execPath, [hotqueueMain, 'init'], { cwd: folder, env });
  expect(again.stderr).toContain('kept queues.ts: it exists');
  expect(readFileSync(path.join(folder, 'queues.ts'), 'utf8')).toBe('// mine');
  await run(process.execPath, [hotqueueMain, 'redis', 'stop'], { cwd: folder, env });
});

it('"hotqueue init" says what is missing', async () => {
  const folder = path.join(home, 'bare');
  const { stdout } = await run(process.execPath, [hotqueueMain, 'init', folder], { cwd: home, env });
  expect(stdout).toMatch(
    /cd \S+bare\n +npm install hotqueue class-validator\n +npm install --save-dev @oxc-node\/core\n/,
  );
});

it.each([
  ['nodenext', 'nodenext', 'module'],
  ['node16', 'node16', 'module'],
  ['esnext', 'bundler', 'module'],
  ['esnext', 'bundler', 'commonjs'],
  ['nodenext', 'nodenext', 'commonjs'],
  ['esnext', 'node10', 'module'],
])('its types resolve with module %s and moduleResolution %s in a %s package', async (module, resolution, type) => {
  const folder = aFolder(`types-${module}-${resolution}-${type}`);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ type }));
  const source = `import { HotQueue, run } from 'hotqueue';\nexport const queue = new HotQueue('q', { payload: String });\nexport const work = run(queue.worker((text) => text.length));\n`;
  writeFileSync(path.join(folder, 'a.ts'), source);
  const options = `--noEmit --strict --skipLibCheck --target es2022 --module ${module} --moduleResolution ${resolution} --ignoreDeprecations 6.0 a.ts`;
  await compile(options.split(' '), folder);
});
