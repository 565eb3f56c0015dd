import { toMs } from '../../core/duration.js';
import type { BoundHandler } from '../../worker/handlers.js';
import { setCliHost, thisCopy } from '../../worker/cli-host.js';
import { defaultShutdownTimeoutMs, type WorkerRunner } from '../../worker/runner.js';
import { choose, type Chosen } from './select-handlers.js';
import { isNothingReady, watchLimits } from './limits.js';
import { load, nearby } from './load.js';
import { logAttempts, type Log } from './log.js';
import { WorkerDiscovery, type DiscoveredWorkers } from './discover-workers.js';
import type { Ending, WorkerSettings } from './settings.js';

/** How long the files may take for the code after `await run(…)`. */
const afterworkMs = 5_000;

/** One worker process: loads the files and runs their workers, until it is stopped or reaches a limit. */
export class WorkerProcess {
  #ending: Ending | undefined;
  #isForced = false;
  #isPausing = false;
  #crew: WorkerRunner | undefined;
  #shutdownTimeoutMs = defaultShutdownTimeoutMs;
  readonly #stopped: Promise<void>;
  #onStopped!: () => void;
  readonly #asked: Promise<void>;
  #onAsked!: () => void;
  readonly #files: Promise<unknown>[] = [];

  constructor(
    private readonly settings: WorkerSettings,
    private readonly log: Log,
    private readonly onReady: (shutdownTimeoutMs: number) => void = () => {},
  ) {
    this.#stopped = new Promise((resolve) => (this.#onStopped = resolve));
    this.#asked = new Promise((resolve) => (this.#onAsked = resolve));
  }

  /** Takes no more messages, and lets active messages finish until the deadline. The first reason is the one reported. */
  stop(ending: Ending): void {
    if (!this.#ending) this.log('stop', { reason: ending });
    this.#ending ??= ending;
    this.#onAsked();
    void this.#crew?.stop({ shutdownTimeout: this.#shutdownTimeoutMs }).catch(() => undefined); // work() reports the error
  }

  /** Gives active messages back at once. */
  force(): void {
    this.#isForced = true;
    this.stop('SIGTERM');
    void this.#crew?.stop({ shutdownTimeout: 0 }).catch(() => undefined);
  }

  get isForced(): boolean {
    return this.#isForced;
  }

  /** Runs until the end. @throws WorkerFileError, NoWorkersError, InvalidOptionError before the start; later only fatal errors */
  async work(): Promise<Ending> {
    try {
      const recruits = await this.#recruit();
      if (!recruits) return this.#ending!;
      const ending = await this.#workWith(recruits);
      this.log('end', { reason: ending });
      this.#onStopped();
      await this.#afterwork(recruits);
      return ending;
    } finally {
      this.#onStopped();
      setCliHost(undefined);
    }
  }

  /** @returns `undefined` if it was stopped meanwhile */
  async #recruit(): Promise<DiscoveredWorkers | undefined> {
    const recruiter = new WorkerDiscovery(thisCopy, this.#stopped);
    setCliHost(recruiter);
    for (const file of this.settings.files) {
      const loading = load(file, recruiter.engagement(), (evaluated) => this.#files.push(evaluated));
      const exports = await Promise.race([loading, this.#asked.then(() => undefined)]);
      if (!exports) return undefined;
      recruiter.add(exports);
    }
    return recruiter.recruit(this.settings.files.map(nearby).join(', '), this.settings.classes);
  }

  async #workWith({ copy, handlers, options: { shutdownTimeout, ...said } }: DiscoveredWorkers): Promise<Ending> {
    this.#shutdownTimeoutMs =
      this.settings.shutdownTimeoutMs ?? toMs(shutdownTimeout ?? defaultShutdownTimeoutMs, 'shutdownTimeout');
    const chosen = choose(handlers, this.settings, said);
    const logged =
      this.settings.log === 'none' ? chosen.handlers : logAttempts(chosen.handlers, copy.defaultLogger, this.log);
    await isNothingReady(logged); // throws if Redis does not answer, before the supervisor takes this process for started
    this.log('start', { handlers: logged.map(describe) });
    const unwatch = watchLimits(logged, this.settings, {
      running: () => this.#crew?.running ?? 0,
      stop: (ending) => this.stop(ending),
      drained: () => this.#pause(),
    });
    try {
      return await this.#untilStopped(copy, { handlers: logged, options: chosen.options });
    } finally {
      unwatch();
    }
  }

  async #untilStopped(copy: DiscoveredWorkers['copy'], { handlers, options }: Chosen): Promise<Ending> {
    while (!this.#ending) {
      this.#isPausing = false;
      this.#crew = copy.runnerOf(handlers, options);
      this.onReady(this.#shutdownTimeoutMs);
      await this.#crew.finished;
      if (!this.#ending && !this.#isPausing) return 'asked'; // by a command, for example `hotqueue workers stop`
      // Checks again after the workers have stopped: a message that was taken meanwhile has gone back to the queue.
      if (this.#isPausing && (await isNothingReady(handlers))) return this.#ending ?? 'burst';
    }
    return this.#ending;
  }

  /** Stops the workers because no message seems to be left (`--burst`). */
  #pause(): void {
    this.#isPausing = true;
    void this.#crew?.stop({ shutdownTimeout: this.#shutdownTimeoutMs }).catch(() => undefined);
  }

  /** Lets the files run their code after `run`, and disposes of the instances that the recruiter created. */
  async #afterwork({ made }: DiscoveredWorkers): Promise<void> {
    const disposals = made.map(async (one) => {
      const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = one as Partial<AsyncDisposable & Disposable>;
      await (later ? later.call(one) : now?.call(one));
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, afterworkMs)));
    await Promise.race([late, Promise.all([...this.#files, ...disposals])]);
    clearTimeout(timer);
  }
}

const describe = ({ name, context, options }: BoundHandler) => ({
  name,
  queue: context.name,
  concurrency: options.concurrency,
});
