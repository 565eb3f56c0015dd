import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { WorkerFileError } from 'hotqueue';
import { exitCodes } from '../command.js';
import { deathsAfter, delayAfterDeath, restartPolicyOf, type ChildEnd } from './restart-policy.js';
import { nearby } from './load.js';
import type { Log } from './log.js';
import type { Order, Report } from './messages.js';
import type { Ending, WorkerSettings } from './settings.js';

const childFile = path.join(import.meta.dirname, `child${path.extname(import.meta.filename)}`);
/** Extra time to stop, besides the handlers: for the clean-up of the files, and for the last commands to Redis. */
const afterTimeoutMs = 12_000;
const forcedMs = 7_000;

/** Runs a number of child processes: replaces those that end or die, forwards signals, and leaves no child running at the end. */
export class Supervisor {
  readonly #children = new Set<ChildProcess>();
  readonly #stopping = new AbortController();
  #failure: string | undefined;
  #hasBegun = false;
  /** The longest deadline of all children: a file can set its own. */
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
    const places = Array.from({ length: this.options.processes }, (_, index) => this.#keep(index + 1));
    await Promise.all(places);
    if (this.#failure !== undefined)
      throw new WorkerFileError(this.settings.files.map(nearby).join(', '), this.#failure);
    return this.#wereKilled || this.#isForced ? exitCodes.failed : exitCodes.done;
  }

  /** At the first call, the children finish their active messages. At the second call, they give them back. */
  stop(reason: Ending): void {
    if (this.#stopping.signal.aborted) return this.#force();
    this.#stopping.abort();
    this.log('stop', { reason });
    this.#tell({ kind: 'stop', reason }, this.#shutdownTimeoutMs + afterTimeoutMs);
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
    this.#tell({ kind: 'force' }, forcedMs);
  }

  #tell(order: Order, withinMs: number): void {
    const killed = [...this.#children].map((child) => {
      send(child, order);
      return setTimeout(() => {
        this.#wereKilled = true;
        child.kill('SIGKILL'); // it does not react; its active messages come back when its lease ends
      }, withinMs);
    });
    for (const timer of killed) timer.unref();
  }

  /** Keeps one child running, and starts the next one when it ends, until there is no more work. */
  async #keep(place: number): Promise<void> {
    let deaths = 0;
    while (!this.#stopping.signal.aborted) {
      const end = await this.#once(place);
      const fate = restartPolicyOf(end);
      if (fate === 'over' || this.#stopping.signal.aborted) return;
      deaths = fate === 'restart' ? deathsAfter(deaths, end) : 0;
      if (deaths > 0) await this.#pause(place, deaths);
    }
  }

  async #once(place: number): Promise<ChildEnd> {
    const beganAt = performance.now();
    let reason: Ending | undefined;
    const child = this.#fork(place);
    this.#children.add(child);
    child.on('message', (report: Report) => {
      if (report.kind === 'ready') this.#begun(report.shutdownTimeoutMs);
      else if (report.kind === 'ending') reason = report.reason;
      else this.#onFailed(place, report.message);
    });
    const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('error', () => resolve([1, null])); // the process could not be started
      child.once('exit', (...end) => resolve(end));
    });
    this.#children.delete(child);
    if (reason === undefined)
      this.log('died', { child: place, childPid: child.pid, ...(signal === null ? { code } : { signal }) }, 'error');
    return { reason, livedMs: performance.now() - beganAt };
  }

  #fork(place: number): ChildProcess {
    const name = process.env['HOTQUEUE_NAME'] ?? '';
    const env = name === '' ? process.env : { ...process.env, HOTQUEUE_NAME: `${name}-${place}` };
    const child = fork(childFile, [JSON.stringify(this.settings)], { env });
    this.log('child', { child: place, childPid: child.pid });
    return child;
  }

  #begun(shutdownTimeoutMs: number): void {
    this.#hasBegun = true;
    this.#shutdownTimeoutMs = Math.max(this.#shutdownTimeoutMs, shutdownTimeoutMs);
  }

  #onFailed(place: number, message: string): void {
    this.log('failed', { child: place, message }, 'error');
    // If no child has started yet, the error is in the command or the files: a restart would only repeat it.
    if (this.#hasBegun || this.options.isWatching || this.#stopping.signal.aborted) return;
    this.#failure = message;
    this.#stopping.abort();
    this.#tell({ kind: 'stop', reason: 'restart' }, afterTimeoutMs);
  }

  async #pause(place: number, deaths: number): Promise<void> {
    const delayMs = delayAfterDeath(deaths);
    this.log('restart', { child: place, delayMs }, 'warn');
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

function send(child: ChildProcess, order: Order): void {
  if (child.connected) child.send(order, () => {}); // an error means that the child is ending anyway
}
