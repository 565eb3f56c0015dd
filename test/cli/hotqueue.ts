import { spawn } from 'node:child_process';
import { inject } from 'vitest';
import { redisUrl } from '../support/server.js';

const root = new URL('../..', import.meta.url).pathname;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in a child process, against the tests' server. */
export function hotqueue(
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [inject('programMain'), ...args], {
    cwd: root,
    env: { ...process.env, REDIS_URL: redisUrl(), NO_COLOR: '1', ...env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // the program may end before it has read everything
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? (signal === null ? -1 : -2), stdout, stderr }));
  });
}
