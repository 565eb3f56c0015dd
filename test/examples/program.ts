/** An example as its user runs it: a process of its own, with what it has printed so far. */
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

  /** @param file within examples/ */
  constructor(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    // vitest asks for colours in its own name.
    const { FORCE_COLOR: _, NO_COLOR: __, NODE_ENV: ___, INIT_CWD: ____, ...mine } = process.env;
    this.#child = spawn(process.execPath, ['--import', '@oxc-node/core/register', path.join('examples', file), ...args], {
      cwd: root,
      env: { ...mine, REDIS_URL: redisUrl(), ...env },
    });
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

  /** Waits until `text` stands in what was printed. */
  async prints(text: string): Promise<void> {
    try {
      await until(() => this.stdout.includes(text));
    } catch {
      throw new Error(`never printed ${JSON.stringify(text)}, but\n${this.stdout}\n${this.stderr}`);
    }
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Ctrl-D. */
  endOfInput(): void {
    this.#child.stdin.end();
  }

  /** @returns the exit code, or the signal that ended it */
  ended(): Promise<number | string> {
    return this.#ended;
  }

  /** Ctrl-C. */
  interrupt(signal: NodeJS.Signals = 'SIGINT'): Promise<number | string> {
    this.#child.kill(signal);
    return this.#ended;
  }
}

/** Removes what earlier tests left in queues whose names examples have written down. */
export async function forget(...queues: string[]): Promise<void> {
  for (const queue of queues) {
    const keys = await redis().keys(`*hotqueue:${queue}*`);
    if (keys.length > 0) await redis().del(keys);
  }
}
