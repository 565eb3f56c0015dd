import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach } from 'vitest';
import { until } from '../../support/facts.js';
import { redisUrl } from '../../support/server.js';

const root = new URL('../../..', import.meta.url).pathname;
const main = path.join(root, 'src/view/cli/main.ts');
const runs: WorkerRun[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.destroy()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export interface Line {
  readonly event: string;
  readonly pid: number;
  readonly [field: string]: unknown;
}

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** A folder for files of a test's own, in which decorators and the name 'hotqueue' are known; removed after the test. */
export function aFolder(): string {
  // Inside the project and without a dot, so that tsconfig.json holds for it.
  const folder = mkdtempSync(path.join(root, 'test', 'child-'));
  folders.push(folder);
  return folder;
}

/** A file of workers. */
export function aFile(source: string, name = 'workers.ts'): string {
  const file = path.join(aFolder(), name);
  writeFileSync(file, source);
  return file;
}

/** `hotqueue worker …` in a process of its own, with what it has logged so far. */
export class WorkerRun {
  stdout = '';
  stderr = '';
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #process: ChildProcess;

  constructor(args: readonly string[], { env = {}, command = ['--import', '@oxc-node/core/register', main] }: { env?: NodeJS.ProcessEnv; command?: readonly string[] } = {}) {
    const { NODE_ENV: _, ...mine } = process.env;
    this.#process = spawn(process.execPath, [...command, 'worker', ...args], { cwd: root, env: { ...mine, REDIS_URL: redisUrl(), NO_COLOR: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) => this.#process.once('exit', (code, signal) => resolve(code ?? signal!)));
    runs.push(this);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get lines(): Line[] {
    const whole = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return whole.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
  }

  of(event: string): Line[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Processes of workers that were ever started under this one. */
  get children(): number[] {
    return this.of('child').map((line) => Number(line['childPid']));
  }

  /** Waits for so many lines of an event. */
  async logs(event: string, count = 1): Promise<Line[]> {
    try {
      return await until(() => this.of(event), (lines) => lines.length >= count, 60_000);
    } catch {
      throw new Error(`not ${count} × ${event}:\n${this.stdout}\n${this.stderr}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async destroy(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
    for (const pid of this.children) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
}
