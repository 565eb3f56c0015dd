import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { projectAt } from '../../src/embedded/project.js';
import { discover } from '../../src/redis/discover.js';
import { redisUrl } from '../support/server.js';
import { aClient, aProject, urlIn, withRedis } from '../support/project.js';

vi.setConfig({ testTimeout: 120_000 }); // Many processes, and perhaps a busy machine.

const js = { HOTQUEUE_REDIS: 'js' };

it('status prints which server would be started, and starts none', async () => {
  const { dir, env, hotqueue } = aProject();
  const { stdout, code } = await hotqueue('redis status', js);
  expect(stdout).toContain(`would start js-redis-server for ${dir}`);
  expect(code).toBe(0);
  expect(existsSync(projectAt(dir, env).dataDir)).toBe(false);
});

it('start, status and stop use the same server, and the printed url works for any client', async () => {
  const { dir, hotqueue } = aProject();
  const started = await hotqueue('redis start', js);
  const status = await hotqueue('redis status', js);
  expect(status.stdout).toContain('in memory only');
  expect(urlIn(status.stdout)).toBe(urlIn(started.stdout));
  expect(await aClient(urlIn(status.stdout)).ping()).toBe('PONG');
  const json = JSON.parse((await hotqueue('redis status --json', js)).stdout) as unknown;
  expect(json).toMatchObject({
    source: 'embedded',
    project: dir,
    url: urlIn(started.stdout),
    server: { name: 'js-redis-server', version: '0.3.0' },
  });
  expect((await hotqueue('redis stop')).stdout).toBe('stopped\n');
});

it('status prints the server of REDIS_URL', async () => {
  const { hotqueue } = aProject();
  const { stdout } = await hotqueue('redis status --json', { REDIS_URL: redisUrl() });
  expect(JSON.parse(stdout)).toMatchObject({
    source: 'environment',
    server: { name: expect.stringMatching(/Redis|Valkey/) as string },
    url: redisUrl(),
  });
});

it('discovery finds a real server on the PATH', async () => {
  const project = aProject();
  const env = await withRedis(project);
  expect(await discover(env, project.dir, 1)).toMatchObject({ source: 'started', start: { kind: 'native' } });
});

it.each([
  [
    'redis status',
    { REDIS_URL: 'redis://:secret@127.0.0.1:1' },
    /^hotqueue: no Redis answers at redis:\/\/:\*\*\*@127\.0\.0\.1:1: .+\n$/,
  ],
  [
    'redis status',
    { HOTQUEUE_REDIS: 'maybe' },
    /^hotqueue: invalid HOTQUEUE_REDIS "maybe": use auto, native, js or off\n$/,
  ],
  ['redis restart', {}, /unknown command 'restart'/, 2],
])('%s with %j fails with one error message', async (words, env, sentence, ending = 1) => {
  const { code, stderr } = await aProject().hotqueue(words, env);
  expect(stderr).toMatch(sentence);
  expect(code).toBe(ending);
});

it('install says what to do if it does not support the system', async () => {
  const { env, hotqueue } = aProject();
  const bin = path.join(env.HOME ?? '', 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, path.join(bin, 'node'));
  const { code, stderr } = await hotqueue('redis install', { PATH: bin });
  expect(stderr).toMatch(
    /^hotqueue: a server can be installed without root only on Debian and Ubuntu\. On this machine, .+\n$/,
  );
  expect(code).toBe(1);
});

const hasApt = ((): boolean => {
  try {
    execFileSync('apt-get', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

it.runIf(hasApt)('install installs a real server without changes to the system, and projects use it', async () => {
  const { env, hotqueue } = aProject();
  const installed = await hotqueue('redis install');
  expect(installed.stderr).toBe('');
  expect(installed.stdout).toMatch(/^(Redis|Valkey) \d+\.\d+\.\d+ is ready at /);
  expect(installed.stdout).toContain(env.XDG_CACHE_HOME);
  const { stdout } = await hotqueue('redis start', { HOTQUEUE_REDIS: 'native' });
  expect(await aClient(urlIn(stdout)).rpush('list', 'a')).toBe(1);
});
