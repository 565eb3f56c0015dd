import { spawn, type ChildProcess } from 'node:child_process';
import { inject, onTestFinished } from 'vitest';
import { Child } from '../support/child.js';
import { redisUrl } from '../support/server.js';

const root = new URL('../..', import.meta.url).pathname;

/** Starts the command line in a child process, with pipes for input and output. It is killed after the test. */
export function running(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Child & { readonly pipes: ChildProcess } {
  const child = spawn(process.execPath, [inject('programMain'), ...args], {
    cwd: root,
    env: { ...process.env, REDIS_URL: redisUrl(), NO_COLOR: '1', ...env },
    stdio: 'pipe',
  });
  const one = new Child(child);
  onTestFinished(async () => void (await one.kill('SIGKILL')));
  return Object.assign(one, { pipes: child });
}
