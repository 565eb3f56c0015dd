import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { alone, isAlive } from '../../src/embedded/lock.js';
import { projectAt } from '../../src/embedded/project.js';
import { aClient, aProject, type TestProject, urlIn, withRedis } from '../support/project.js';

vi.setConfig({ testTimeout: 120_000 }); // Many processes, and perhaps a busy machine.

const kinds = ['native', 'js'] as const;
type Kind = (typeof kinds)[number];

/** The environment that makes `hotqueue` start this kind of server. */
async function envFor(kind: Kind, project: TestProject): Promise<NodeJS.ProcessEnv> {
  return { ...(kind === 'native' ? await withRedis(project) : project.env), HOTQUEUE_REDIS: kind };
}

const until = async (fact: () => boolean): Promise<void> => {
  while (!fact()) await new Promise((resolve) => setTimeout(resolve, 5));
};
const pidIn = (stdout: string): number => Number(/pid (\d+)/.exec(stdout)?.[1]);

it.each(kinds)('eight processes that start at the same time start one server (%s)', async (kind) => {
  const project = aProject();
  const env = await envFor(kind, project);
  const starts = await Promise.all(Array.from({ length: 8 }, () => project.hotqueue('redis start', env)));
  expect(starts.map(({ stderr, code }) => [stderr, code])).toEqual(starts.map(() => ['', 0]));
  expect(new Set(starts.map(({ stdout }) => stdout)).size).toBe(1);
  const socket = urlIn(starts[0]?.stdout ?? '').replace('unix://', '');
  const processes = execFileSync('ps', ['-ww', '-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(socket));
  expect(processes).toHaveLength(1);
});

it.each(kinds)('outlives the process that started it, and ends on "redis stop" (%s)', async (kind) => {
  const project = aProject();
  const env = await envFor(kind, project);
  const { stdout } = await project.hotqueue('redis start', env);
  expect(await aClient(urlIn(stdout)).ping()).toBe('PONG');
  expect((await project.hotqueue('redis stop', env)).stdout).toBe('stopped\n');
  expect(isAlive(pidIn(stdout))).toBe(false);
  expect((await project.hotqueue('redis stop', env)).stdout).toBe('no server is running for this project\n');
});

it.each(kinds)('is started again after it was killed (%s)', async (kind) => {
  const project = aProject();
  const env = await envFor(kind, project);
  const first = (await project.hotqueue('redis start', env)).stdout;
  await aClient(urlIn(first)).rpush('list', 'a', 'b');
  // During a sync, Redis replies before it writes: "everysec" allows to lose that. So the test waits for the write.
  if (kind === 'native')
    await expect.poll(() => aClient(urlIn(first)).info('persistence')).toMatch(/aof_buffer_length:0\r/);
  process.kill(pidIn(first), 'SIGKILL');
  await until(() => !isAlive(pidIn(first)));
  const second = (await project.hotqueue('redis start', env)).stdout;
  expect(pidIn(second)).not.toBe(pidIn(first));
  expect(await aClient(urlIn(second)).lrange('list', 0, -1)).toEqual(kind === 'native' ? ['a', 'b'] : []);
});

it('the engine warns about messages of an earlier Redis that it cannot read', async () => {
  const project = aProject();
  mkdirSync(path.join(project.dir, '.hotqueue/redis/appendonlydir'), { recursive: true });
  const { resolveAddress } = await import('../../src/redis/address.js');
  const lines: string[] = [];
  await resolveAddress(
    {},
    { env: { ...project.env, HOTQUEUE_REDIS: 'js' }, cwd: project.dir, localPort: 1, say: (line) => lines.push(line) },
  );
  expect(lines.join()).toContain('does not see the messages');
});

it('is found from any folder of the project, by any path, and in another environment', async () => {
  const project = aProject();
  const env = await envFor('js', project);
  const started = (await project.hotqueue('redis start', env)).stdout;
  const below = path.join(project.dir, 'src/deep');
  mkdirSync(below, { recursive: true });
  symlinkSync(project.dir, `${project.dir}-link`);
  expect(projectAt(below, env).root).toBe(project.dir);
  expect(projectAt(`${project.dir}-link`, env)).toEqual(projectAt(project.dir, env));
  const runtime = path.join(project.dir, 'run');
  mkdirSync(runtime);
  const { stdout } = await project.hotqueue('redis status', { ...env, XDG_RUNTIME_DIR: runtime });
  expect(urlIn(stdout)).toBe(urlIn(started));
});

it('is replaced, not doubled, if its socket was deleted: two servers never use the same data', async () => {
  const project = aProject();
  const env = await envFor('native', project);
  const first = (await project.hotqueue('redis start', env)).stdout;
  await aClient(urlIn(first)).rpush('list', 'a');
  rmSync(urlIn(first).replace('unix://', ''));
  const second = (await project.hotqueue('redis start', env)).stdout;
  expect(isAlive(pidIn(first))).toBe(false);
  expect(await aClient(urlIn(second)).lrange('list', 0, -1)).toEqual(['a']);
});

it('ignores the record, socket and lock of dead processes, and another process with the old pid', async () => {
  const project = aProject();
  const env = await envFor('js', project);
  const { dataDir, socket } = projectAt(project.dir, env);
  mkdirSync(dataDir, { recursive: true });
  mkdirSync(path.dirname(socket), { recursive: true, mode: 0o755 });
  writeFileSync(socket, '');
  writeFileSync(path.join(dataDir, 'server.json'), JSON.stringify({ pid: process.pid, kind: 'native', socket }));
  writeFileSync(path.join(dataDir, 'start.lock'), `999999999 ${(await import('node:os')).hostname()}`);
  expect((await project.hotqueue('redis stop', env)).stdout).toBe('no server is running for this project\n');
  expect((await project.hotqueue('redis start', env)).stdout).toContain('js-redis-server');
  expect(existsSync(path.join(dataDir, 'start.lock'))).toBe(false);
});

it('hides its data and its socket from other users, and from git', async () => {
  const project = aProject();
  const { stdout } = await project.hotqueue('redis start', await envFor('js', project));
  const socket = urlIn(stdout).replace('unix://', '');
  const modes = [project.dir + '/.hotqueue/redis', path.dirname(socket), socket].map((file) =>
    (statSync(file).mode & 0o777).toString(8),
  );
  expect(modes).toEqual(['700', '700', '600']);
  expect(readFileSync(path.join(project.dir, '.hotqueue/.gitignore'), 'utf8')).toBe('*\n');
});

it('has a short socket path, also in a deep project and with a deep temporary directory', () => {
  const { dir } = aProject();
  const deep = path.join(dir, 'x'.repeat(120));
  mkdirSync(deep);
  writeFileSync(path.join(deep, 'package.json'), '{}');
  expect(Buffer.byteLength(projectAt(deep, { TMPDIR: deep, XDG_RUNTIME_DIR: deep }).socket)).toBeLessThan(104);
});

it.each(kinds)(
  'its data directory is deleted while it runs: doctor finds it, and the next start mends it (%s)',
  async (kind) => {
    const project = aProject();
    const env = await envFor(kind, project);
    const first = (await project.hotqueue('redis start', env)).stdout;
    await aClient(urlIn(first)).rpush('list', 'a', 'b');
    rmSync(path.join(project.dir, '.hotqueue'), { recursive: true });
    const doctor = async (): Promise<string> => (await project.hotqueue('doctor', env)).stdout;
    const judged = await doctor();
    if (kind === 'native') expect(judged).toContain('the data directory of the running server was deleted');
    const second = (await project.hotqueue('redis start', env)).stdout;
    expect(pidIn(second)).toBe(pidIn(first)); // it runs on, with its messages
    expect(await aClient(urlIn(second)).lrange('list', 0, -1)).toEqual(['a', 'b']);
    expect(await doctor()).not.toContain('was deleted');
    expect((await project.hotqueue('redis stop', env)).stdout).toBe('stopped\n');
    const third = (await project.hotqueue('redis start', env)).stdout;
    expect(await aClient(urlIn(third)).lrange('list', 0, -1)).toEqual(kind === 'native' ? ['a', 'b'] : []);
  },
);

it('reports why the program ended at once', async () => {
  const project = aProject();
  const env = await withRedis(project);
  const bin = path.join(project.env.HOME ?? '', 'bin/redis-server');
  writeFileSync(
    bin,
    '#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v=7.0.0" || { echo "out of luck" >&2; exit 3; }\n',
  );
  const { code, stderr } = await project.hotqueue('redis start', { ...env, HOTQUEUE_REDIS: 'native' });
  expect(code).toBe(1);
  expect(stderr).toMatch(/does not start: it exited with 3: out of luck/);
});

it('is not started from a program that is too old', async () => {
  const project = aProject();
  const env = await withRedis(project);
  const bin = path.join(project.env.HOME ?? '', 'bin/redis-server');
  writeFileSync(bin, '#!/bin/sh\necho "Redis server v=6.0.16"\n');
  expect((await project.hotqueue('redis start', { ...env, HOTQUEUE_REDIS: 'auto' })).stdout).not.toContain('6.0.16');
});

it('the lock admits one process at a time, and the others find its result', async () => {
  const { dir } = aProject();
  let inside = 0;
  let made: string | undefined;
  const work = async (): Promise<string> => {
    expect(++inside).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
    return (made = 'made');
  };
  const all = await Promise.all(
    Array.from({ length: 5 }, () => alone(path.join(dir, 'lock'), 10_000, work, async () => made)),
  );
  expect(all).toEqual(['made', 'made', 'made', 'made', 'made']);
});
