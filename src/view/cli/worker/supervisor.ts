import { fork, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { WorkerFileError } from 'hotqueue';
import { exitCodes } from '../command.js';
import { deathsAfter, delayAfterDeath, fateOf, type ChildEnd } from './fate.js';
import { nearby } from './load.js';
import type { Log } from './log.js';
import type { Order, Report } from './messages.js';
import type { Ending, WorkerSettings } from './settings.js';

const childFile = path.join(import.meta.dirname, `child${path.extname(import.meta.filename)}`);
/** What stopping takes besides the handlers: the files' own cleaning up, and Redis being told. */
const afterDeadlineMs = 12_000;
const forcedMs = 7_000;

/** Keeps a number of child processes at work: replaces what ends or dies, passes on what it is asked, leaves none behind. */
export class Supervisor {
  readonly #children = new Set<ChildProcess>();
  readonly #stopping = new AbortController();
  #failure: string | undefined;
  #hasBegun = false;
  /** The longest that a child gives its handlers: a file may say so itself. */
  #deadlineMs = 0;
  #wereKilled = false;
  #isForced = false;
  /** Resolves when a file has changed; only with `--watch`. */
  #changed = new AbortController();

  constructor(
    private readonly settings: WorkerSettings,
    private readonly options: { readonly processes: number; readonly isWatching: boolean },
    private readonly log: Log,
  ) {}

  /** @returns the exit code @throws WorkerFileError when the first child cannot begin: the others could not either */
  async work(): Promise<number> {
    const places = Array.from({ length: this.options.processes }, (_, index) => this.#keep(index + 1));
    await Promise.all(places);
    if (this.#failure !== undefined) throw new WorkerFileError(this.settings.files.map(nearby).join(', '), this.#failure);
    return this.#wereKilled || this.#isForced ? exitCodes.failed : exitCodes.done;
  }

  /** The first time all finish what they have begun, the second time they give it back. */
  stop(reason: Ending): void {
    if (this.#stopping.signal.aborted) return this.#force();
    this.#stopping.abort();
    this.log('stop', { reason });
    this.#tell({ kind: 'stop', reason }, this.#deadlineMs + afterDeadlineMs);
  }

  /** `--watch`: all begin anew. */
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
        child.kill('SIGKILL'); // it does not even look at its messages; what it held comes back when its lease ends
      }, withinMs);
    });
    for (const timer of killed) timer.unref();
  }

  /** One place: a child at a time, until there is no more to do. */
  async #keep(place: number): Promise<void> {
    let deaths = 0;
    while (!this.#stopping.signal.aborted) {
      const end = await this.#once(place);
      const fate = fateOf(end);
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
      if (report.kind === 'ready') this.#begun(report.deadlineMs);
      else if (report.kind === 'ending') reason = report.reason;
      else this.#onFailed(place, report.message);
    });
    const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('error', () => resolve([1, null])); // it could not even be started
      child.once('exit', (...end) => resolve(end));
    });
    this.#children.delete(child);
    if (reason === undefined) this.log('died', { child: place, childPid: child.pid, ...(signal === null ? { code } : { signal }) }, 'error');
    return { reason, livedMs: performance.now() - beganAt };
  }

  #fork(place: number): ChildProcess {
    const name = process.env['HOTQUEUE_NAME'] ?? '';
    const env = name === '' ? process.env : { ...process.env, HOTQUEUE_NAME: `${name}-${place}` };
    const child = fork(childFile, [JSON.stringify(this.settings)], { env });
    this.log('child', { child: place, childPid: child.pid });
    return child;
  }

  #begun(deadlineMs: number): void {
    this.#hasBegun = true;
    this.#deadlineMs = Math.max(this.#deadlineMs, deadlineMs);
  }

  #onFailed(place: number, message: string): void {
    this.log('failed', { child: place, message }, 'error');
    // Before anybody has begun it is a mistake in the command or the files: trying again would only repeat it.
    if (this.#hasBegun || this.options.isWatching || this.#stopping.signal.aborted) return;
    this.#failure = message;
    this.#stopping.abort();
    this.#tell({ kind: 'stop', reason: 'restart' }, afterDeadlineMs);
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
  if (child.connected) child.send(order, () => {}); // it is about to end when it cannot be reached
}
