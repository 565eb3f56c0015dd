/** The processes of one version of worker.ts. */
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
    this.#process = spawn(process.execPath, [...process.execArgv, file], { env: { ...process.env, VERSION: String(version), HOTQUEUE_NAME: name }, stdio: ['ignore', 'inherit', 'pipe'] });
    this.#process.stderr!.resume(); // "SIGTERM: stopping": told by deploy.ts
    this.#ended = new Promise((resolve) => this.#process.once('exit', (code, signal) => resolve(code ?? signal!)));
  }

  /** Resolves when it takes messages. A deploy that does not wait for this is a pause. */
  async ready(): Promise<void> {
    const isThere = async (): Promise<boolean> => (await orders.workers.list()).some((one) => one.process === this.name);
    while (!(await isThere())) {
      if (this.#process.exitCode !== null) throw new Error(`${this.name} ended with ${this.#process.exitCode} before it took anything`);
      await setTimeout(50);
    }
  }

  /** SIGTERM: it takes nothing more, finishes what it has begun, and ends. @returns its exit code */
  async retire(): Promise<number | NodeJS.Signals> {
    this.#process.kill('SIGTERM');
    return this.#ended;
  }
}
