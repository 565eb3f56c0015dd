/** Runs an example in a child process, as a user does, and records its output. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach } from 'vitest';
import { until } from '../support/facts.js';
import { redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

const root = path.resolve(import.meta.dirname, '../..');
const running = new Set<ChildProcessWithoutNullStreams>();

afterEach(async () => {
  const left = [...running];
  const ended = left.map((child) => once(child, 'close'));
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(ended);
});

export class Program {
  stdout = '';
  stderr = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | string>;

  /** @param file path in examples/ */
  constructor(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    // vitest sets these variables for colours; the example must not inherit them.
    const { FORCE_COLOR: _, NO_COLOR: __, NODE_ENV: ___, INIT_CWD: ____, ...mine } = process.env;
    this.#child = spawn(
      process.execPath,
      ['--import', '@oxc-node/core/register', path.join('examples', file), ...args],
      {
        cwd: root,
        env: { ...mine, REDIS_URL: redisUrl(), ...env },
      },
    );
    running.add(this.#child);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#ended = once(this.#child, 'close').then(([code, signal]: (number | string)[]) => {
      running.delete(this.#child);
      return code ?? signal!;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get lines(): string[] {
    return this.stdout.split('\n').filter(Boolean);
  }

  /** Waits until the output contains `text`. */
  async prints(text: string): Promise<void> {
    try {
      await until(() => this.stdout.includes(text));
    } catch {
      throw new Error(`the output does not contain ${JSON.stringify(text)}:\n${this.stdout}\n${this.stderr}`);
    }
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Closes its standard input, like Ctrl-D. */
  endOfInput(): void {
    this.#child.stdin.end();
  }

  /** Resolves with the exit code, or with the signal that ended the process. */
  ended(): Promise<number | string> {
    return this.#ended;
  }

  /** Sends a signal, by default like Ctrl-C. @returns the exit code or the signal */
  interrupt(signal: NodeJS.Signals = 'SIGINT'): Promise<number | string> {
    this.#child.kill(signal);
    return this.#ended;
  }
}

/** Deletes queues with fixed names, which may have messages of earlier tests. */
export async function forget(...queues: string[]): Promise<void> {
  for (const queue of queues) {
    const keys = await redis().keys(`*hotqueue:${queue}*`);
    if (keys.length > 0) await redis().del(keys);
  }
}
