import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { WorkerFileError } from '../errors.js';
import { exitCodes } from '../command.js';
import { deathsAfter, delayAfterDeath, restartPolicyOf, type ChildEnd } from './restart-policy.js';
import { nearby } from './nearby.js';
import type { Log } from './log.js';
import type { ChildCommand, ChildReport } from './messages.js';
import type { EndReason, WorkerSettings } from './settings.js';

const childFile = path.join(import.meta.dirname, `child${path.extname(import.meta.filename)}`);
/** Extra time to stop, besides the handlers: for the clean-up of the files, and for the last commands to Redis. */
const afterTimeoutMs = 12_000;
const forcedMs = 7_000;

/** Runs a number of child processes: replaces those that end or die, forwards signals, and leaves no child running at the end. */
export class Supervisor {
  readonly #children = new Set<ChildProcess>();
  readonly #stopping = new AbortController();
  #failure: string | undefined;
  #hasStarted = false;
  /** The longest shutdown timeout of all children: a file can set its own. */
  #shutdownTimeoutMs = 0;
  #wereKilled = false;
  #isForced = false;
  /** Aborts when a file has changed; only with `--watch`. */
  #changed = new AbortController();

  constructor(
    private readonly settings: WorkerSettings,
    private readonly options: { readonly processes: number; readonly isWatching: boolean },
    private readonly log: Log,
  ) {}

  /** Runs until the end. @returns the exit code @throws WorkerFileError if the first child cannot start: the others could not either */
  async work(): Promise<number> {
    await Promise.all(Array.from({ length: this.options.processes }, (_, index) => this.#keepRunning(index + 1)));
    if (this.#failure !== undefined)
      throw new WorkerFileError(this.settings.files.map(nearby).join(', '), this.#failure);
    return this.#wereKilled || this.#isForced ? exitCodes.failed : exitCodes.done;
  }

  /** At the first call, the children finish their active messages. At the second call, they give them back. */
  stop(reason: EndReason): void {
    if (this.#stopping.signal.aborted) return this.#force();
    this.#stopping.abort();
    this.log('stop', { reason });
    this.#sendToAll({ kind: 'stop', reason }, this.#shutdownTimeoutMs + afterTimeoutMs);
  }

  /** Restarts all children (`--watch`). */
  restart(file: string): void {
    this.log('changed', { file: nearby(file) });
    this.#changed.abort();
    this.#changed = new AbortController();
    for (const child of this.#children) send(child, { kind: 'stop', reason: 'restart' });
  }

  #force(): void {
    this.#isForced = true;
    this.#sendToAll({ kind: 'force' }, forcedMs);
  }

  #sendToAll(command: ChildCommand, withinMs: number): void {
    const timers = [...this.#children].map((child) => {
      send(child, command);
      return setTimeout(() => {
        this.#wereKilled = true;
        child.kill('SIGKILL'); // it does not answer; its active messages come back when its lease ends
      }, withinMs);
    });
    for (const timer of timers) timer.unref();
  }

  /** Keeps one child running, and starts the next one when it ends, until there is no more work. */
  async #keepRunning(number: number): Promise<void> {
    let deaths = 0;
    while (!this.#stopping.signal.aborted) {
      const end = await this.#runOnce(number);
      const policy = restartPolicyOf(end);
      if (policy === 'over' || this.#stopping.signal.aborted) return;
      deaths = policy === 'restart' ? deathsAfter(deaths, end) : 0;
      if (deaths > 0) await this.#pause(number, deaths);
    }
  }

  async #runOnce(number: number): Promise<ChildEnd> {
    const beganAt = performance.now();
    let reason: EndReason | undefined;
    const child = this.#fork(number);
    this.#children.add(child);
    child.on('message', (report: ChildReport) => {
      if (report.kind === 'ready') this.#onReady(report.shutdownTimeoutMs);
      else if (report.kind === 'ended') reason = report.reason;
      else this.#onFailed(number, report.message);
    });
    const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('error', () => resolve([1, null])); // the process could not be started
      child.once('exit', (...end) => resolve(end));
    });
    this.#children.delete(child);
    if (reason === undefined)
      this.log('died', { child: number, childPid: child.pid, ...(signal === null ? { code } : { signal }) }, 'error');
    return { reason, livedMs: performance.now() - beganAt };
  }

  #fork(number: number): ChildProcess {
    const name = process.env['HOTQUEUE_NAME'] ?? '';
    const env = name === '' ? process.env : { ...process.env, HOTQUEUE_NAME: `${name}-${number}` };
    const child = fork(childFile, [JSON.stringify(this.settings)], { env });
    this.log('child', { child: number, childPid: child.pid });
    return child;
  }

  #onReady(shutdownTimeoutMs: number): void {
    this.#hasStarted = true;
    this.#shutdownTimeoutMs = Math.max(this.#shutdownTimeoutMs, shutdownTimeoutMs);
  }

  #onFailed(number: number, message: string): void {
    this.log('failed', { child: number, message }, 'error');
    // If no child has started yet, the error is in the command or the files: a restart would only repeat it.
    if (this.#hasStarted || this.options.isWatching || this.#stopping.signal.aborted) return;
    this.#failure = message;
    this.#stopping.abort();
    this.#sendToAll({ kind: 'stop', reason: 'restart' }, afterTimeoutMs);
  }

  async #pause(number: number, deaths: number): Promise<void> {
    const delayMs = delayAfterDeath(deaths);
    this.log('restart', { child: number, delayMs }, 'warn');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(over, delayMs);
      const signal = AbortSignal.any([this.#stopping.signal, this.#changed.signal]);
      signal.addEventListener('abort', over, { once: true });
      function over(): void {
        clearTimeout(timer);
        resolve();
      }
    });
  }
}

function send(child: ChildProcess, command: ChildCommand): void {
  if (child.connected) child.send(command, () => {}); // an error means that the child is ending anyway
}
