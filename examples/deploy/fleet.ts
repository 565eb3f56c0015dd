/** A process that runs worker.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { orders } from './orders.js';

export class WorkerProcess {
  readonly #process: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals>;

  constructor(
    readonly name: string,
    version: number,
  ) {
    const file = path.join(import.meta.dirname, 'worker.ts');
    this.#process = spawn(process.execPath, [...process.execArgv, file], {
      env: { ...process.env, VERSION: String(version), HOTQUEUE_NAME: name },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    this.#process.stderr!.resume(); // worker.ts logs "SIGTERM: stopping"; deploy.ts prints this itself
    this.#ended = new Promise((resolve) => this.#process.once('exit', (code, signal) => resolve(code ?? signal!)));
  }

  /** Resolves when the process takes messages. A deploy that does not wait for this has a gap without workers. */
  async ready(): Promise<void> {
    const isThere = async (): Promise<boolean> =>
      (await orders.workers.list()).some((one) => one.process === this.name);
    while (!(await isThere())) {
      if (this.#process.exitCode !== null)
        throw new Error(`${this.name} exited with ${this.#process.exitCode} before it took messages`);
      await setTimeout(50);
    }
  }

  /** Sends SIGTERM: the process takes no more messages, finishes its active ones, and exits. @returns its exit code */
  async retire(): Promise<number | NodeJS.Signals> {
    this.#process.kill('SIGTERM');
    return this.#ended;
  }
}
