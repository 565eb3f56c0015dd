import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach } from 'vitest';
import { until } from '../support/facts.js';
import { redisUrl } from '../support/server.js';

const root = new URL('../..', import.meta.url).pathname;
const main = path.join(root, 'src/cli/main.ts');
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

/** A folder for test files, in which decorators and the import of 'hotqueue' work. It is removed after the test. */
export function aFolder(): string {
  // In the project and without a leading dot, so that tsconfig.json applies.
  const folder = mkdtempSync(path.join(root, 'test', 'child-'));
  folders.push(folder);
  return folder;
}

/** Writes a file with workers. @returns its path */
export function aFile(source: string, name = 'workers.ts'): string {
  const file = path.join(aFolder(), name);
  writeFileSync(file, source);
  return file;
}

/** A running `hotqueue worker …`, with its output so far. */
export class WorkerRun {
  stdout = '';
  stderr = '';
  /** Resolves with the exit code, or with the signal that ended the process, when all its output has been read. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly #process: ChildProcess;

  constructor(
    args: readonly string[],
    {
      env = {},
      command = ['--import', '@oxc-node/core/register', main],
    }: { env?: NodeJS.ProcessEnv; command?: readonly string[] } = {},
  ) {
    const { NODE_ENV: _, ...mine } = process.env;
    this.#process = spawn(process.execPath, [...command, 'worker', ...args], {
      cwd: root,
      env: { ...mine, REDIS_URL: redisUrl(), NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = new Promise((resolve) =>
      this.#process.once('exit', (code, signal) => {
        const end = (): void => resolve(code ?? signal!);
        this.#process.once('close', end);
        setTimeout(end, 2_000).unref(); // orphaned children may hold its pipes open
      }),
    );
    runs.push(this);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get lines(): Line[] {
    const whole = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
  }

  of(event: string): Line[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Ids of all child processes that it has started. */
  get children(): number[] {
    return this.of('child').map((line) => Number(line['childPid']));
  }

  /** Waits until an event is logged `count` times. */
  async logs(event: string, count = 1): Promise<Line[]> {
    try {
      return await until(
        () => this.of(event),
        (lines) => lines.length >= count,
        60_000,
      );
    } catch {
      throw new Error(`the event "${event}" was not logged ${count} times:\n${this.stdout}\n${this.stderr}`);
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
