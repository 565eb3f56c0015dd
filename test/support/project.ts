import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { stopRunning } from '../../src/embedded/embedded.js';
import { projectAt } from '../../src/embedded/project.js';
import { realProgram } from './servers.js';

const repository = new URL('../..', import.meta.url).pathname;

/** A project folder for one test, with its own home, cache and folder for sockets. */
export interface TestProject {
  readonly dir: string;
  /** An environment with only Node and the programs of the system. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs `hotqueue …` from the sources, in this folder. Never rejects. */
  readonly hotqueue: (
    words: string,
    env?: NodeJS.ProcessEnv,
  ) => Promise<{ code: number; stdout: string; stderr: string }>;
}

/** Creates a project. After the test, its server is stopped and the folder removed. The path is short, because the length of a socket path is limited. */
export function aProject(): TestProject {
  const home = realpathSync(mkdtempSync(path.join(tmpdir(), 'hqt-')));
  const dir = path.join(home, 'project');
  mkdirSync(dir);
  writeFileSync(path.join(dir, 'package.json'), '{}');
  const { PATH } = process.env;
  const env = { PATH, HOME: home, TMPDIR: home, XDG_CACHE_HOME: path.join(home, 'cache') };
  onTestFinished(async () => {
    await stopRunning(projectAt(dir, env), undefined);
    rmSync(home, { recursive: true, force: true });
  });
  return { dir, env, hotqueue: (words, more = {}) => runCli(dir, words, { ...env, ...more }) };
}

async function runCli(cwd: string, words: string, env: NodeJS.ProcessEnv): ReturnType<TestProject['hotqueue']> {
  const loader = new URL('../../node_modules/@oxc-node/core/register.mjs', import.meta.url).href;
  const main = path.join(repository, 'src/cli/main.ts');
  try {
    return {
      code: 0,
      ...(await promisify(execFile)(process.execPath, ['--import', loader, main, ...words.split(' ')], { cwd, env })),
    };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** The environment of a project, with a real `redis-server` first in the PATH. */
export async function withRedis({ env }: TestProject): Promise<NodeJS.ProcessEnv> {
  const { binary, env: needs } = await realProgram();
  const bin = path.join(env.HOME ?? '', 'bin');
  mkdirSync(bin, { recursive: true });
  const libraries = needs.LD_LIBRARY_PATH === undefined ? '' : `LD_LIBRARY_PATH='${needs.LD_LIBRARY_PATH}' `;
  writeFileSync(path.join(bin, 'redis-server'), `#!/bin/sh\n${libraries}exec '${binary}' "$@"\n`);
  chmodSync(path.join(bin, 'redis-server'), 0o755);
  return { ...env, PATH: `${bin}:${env.PATH}` };
}

/** A plain client, closed after the test. */
export function aClient(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => {}); // some tests kill its server
  onTestFinished(() => client.disconnect());
  return client;
}

/** The url in the output of `hotqueue redis start` and `status`. */
export function urlIn(stdout: string): string {
  const url = /^REDIS_URL=(.+)$/m.exec(stdout)?.[1];
  if (url === undefined) throw new Error(`no REDIS_URL in:\n${stdout}`);
  return url;
}
