import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { redisUrl } from './server.js';

const root = new URL('../..', import.meta.url).pathname;
const children: Child[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill('SIGKILL')));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A child process that runs a few lines of TypeScript, which may import 'hotqueue'. */
export class Child {
  stdout = '';
  stderr = '';
  /** Resolves with the exit code, or with the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals>;

  constructor(private readonly process: ChildProcess) {
    process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) => process.once('close', (code, signal) => resolve(code ?? signal!)));
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** The lines of stdout so far. */
  get lines(): string[] {
    return this.stdout.split('\n').filter((line) => line !== '');
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.signal(signal);
    return this.ended;
  }
}

/** Runs a script in a child process, with `REDIS_URL` set to the tests' server. The process is killed after the test. */
export function aChild(script: string, env: NodeJS.ProcessEnv = {}): Child {
  // In a folder of the project without a leading dot, so that tsconfig.json applies: it enables decorators and resolves 'hotqueue'.
  const folder = mkdtempSync(join(root, 'test', 'child-'));
  folders.push(folder);
  const file = join(folder, 'script.ts');
  writeFileSync(file, script);
  const child = new Child(
    spawn(process.execPath, ['--import', '@oxc-node/core/register', file], {
      cwd: root,
      env: { ...process.env, REDIS_URL: redisUrl(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  children.push(child);
  return child;
}
