import { toMs } from '../../core/duration.js';
import type { BoundHandler } from '../../worker/handlers.js';
import { setCliHost } from '../../worker/cli-host.js';
import { defaultShutdownTimeoutMs, untilRedisAnswers, WorkerRunner } from '../../worker/runner.js';
import type { RunnerHealth } from 'hotqueue';
import { selectHandlers, type SelectedHandlers } from './select-handlers.js';
import { isDrained, watchLimits } from './limits.js';
import { load } from './load.js';
import { nearby } from './nearby.js';
import { logOtherQueues, logQueues, type Log } from './log.js';
import { WorkerDiscovery, type DiscoveredWorkers } from './discover-workers.js';
import type { EndReason, WorkerSettings } from './settings.js';

/** How long the code after `await run(…)` may take, and the disposal of the instances. */
const cleanUpMs = 5_000;

/** One worker process: loads the files and runs their workers, until it is stopped or reaches a limit. */
export class WorkerProcess {
  #reason: EndReason | undefined;
  #isForced = false;
  #isPausing = false;
  #runner: WorkerRunner | undefined;
  #queues: ReadonlySet<BoundHandler['context']> = new Set();
  #shutdownTimeoutMs = defaultShutdownTimeoutMs;
  readonly #stopped: Promise<void>;
  #onStopped!: () => void;
  readonly #stopRequested: Promise<void>;
  #onStopRequested!: () => void;
  readonly #files: Promise<unknown>[] = [];

  constructor(
    private readonly settings: WorkerSettings,
    private readonly log: Log,
    private readonly onReady: (shutdownTimeoutMs: number) => void = () => {},
  ) {
    this.#stopped = new Promise((resolve) => (this.#onStopped = resolve));
    this.#stopRequested = new Promise((resolve) => (this.#onStopRequested = resolve));
  }

  /** Takes no more messages, and lets active messages finish until the shutdown timeout. The first reason is the one reported. */
  stop(reason: EndReason): void {
    if (!this.#reason) this.log('stop', { reason });
    this.#reason ??= reason;
    this.#onStopRequested();
    void this.#runner?.stop({ shutdownTimeout: this.#shutdownTimeoutMs }).catch(() => undefined); // work() reports the error
  }

  /** Gives active messages back at once. */
  force(): void {
    this.#isForced = true;
    this.stop('SIGTERM');
    void this.#runner?.stop({ shutdownTimeout: 0 }).catch(() => undefined);
  }

  /** `undefined` before its workers have started. */
  get health(): RunnerHealth | undefined {
    return this.#runner?.health();
  }

  /** The queues that its workers take from. */
  get queues(): ReadonlySet<BoundHandler['context']> {
    return this.#queues;
  }

  get isForced(): boolean {
    return this.#isForced;
  }

  /** Runs until the end. @throws WorkerFileError, NoWorkersError, InvalidOptionError before the start; later only fatal errors */
  async work(): Promise<EndReason> {
    const unlog = this.settings.log === 'none' ? undefined : logOtherQueues(this.log);
    try {
      const discovered = await this.#discover();
      if (!discovered) return this.#reason!;
      const reason = await this.#workWith(discovered);
      this.log('end', { reason });
      this.#onStopped();
      await this.#cleanUp(discovered);
      return reason;
    } finally {
      this.#onStopped();
      setCliHost(undefined);
      unlog?.();
    }
  }

  /** @returns `undefined` if it was stopped meanwhile */
  async #discover(): Promise<DiscoveredWorkers | undefined> {
    const discovery = new WorkerDiscovery(this.settings.files.map(nearby).join(', '), this.#stopped);
    setCliHost(discovery);
    for (const file of this.settings.files) {
      const loading = load(file, discovery.nextRun(), (evaluated) => this.#files.push(evaluated));
      const exports = await Promise.race([loading, this.#stopRequested.then(() => undefined)]);
      if (!exports) return undefined;
      discovery.add(exports);
    }
    return discovery.finish(this.settings.classes);
  }

  async #workWith({
    handlers,
    options: { shutdownTimeout, until, ...fromFiles },
  }: DiscoveredWorkers): Promise<EndReason> {
    this.#shutdownTimeoutMs =
      this.settings.shutdownTimeoutMs ?? toMs(shutdownTimeout ?? defaultShutdownTimeoutMs, 'shutdownTimeout');
    const selected = selectHandlers(handlers, this.settings, fromFiles);
    this.#queues = new Set(selected.handlers.map(({ context }) => context));
    if (this.settings.log !== 'none') logQueues(this.#queues, this.log);
    // Before the supervisor takes this process for started: throws if Redis does not answer, or refuses.
    const waitForRedis = this.settings.waitsForRedis && fromFiles.waitForRedis !== false;
    if (!(await this.#answers(selected.handlers, waitForRedis))) return this.#reason!;
    this.log('start', { handlers: selected.handlers.map(describe) });
    const limits = { ...this.settings, isBurst: this.settings.isBurst || until === 'drained' };
    const unwatch = watchLimits(selected.handlers, limits, {
      running: () => this.#runner?.running ?? 0,
      stop: (reason) => this.stop(reason),
      drained: () => this.#pause(),
    });
    try {
      return await this.#untilStopped({ ...selected, options: { ...selected.options, waitForRedis } });
    } finally {
      unwatch();
    }
  }

  /** @returns false if it was stopped meanwhile */
  async #answers(handlers: readonly BoundHandler[], waits: boolean): Promise<boolean> {
    if (!waits) return isDrained(handlers).then(() => true);
    const stop = new AbortController();
    void this.#stopRequested.then(() => stop.abort());
    return untilRedisAnswers(handlers, stop.signal).then(
      () => true,
      (error: unknown) => {
        if (stop.signal.aborted) return false;
        throw error;
      },
    );
  }

  async #untilStopped({ handlers, options }: SelectedHandlers): Promise<EndReason> {
    while (!this.#reason) {
      this.#isPausing = false;
      this.#runner = new WorkerRunner(handlers, options);
      this.onReady(this.#shutdownTimeoutMs);
      await this.#runner.finished;
      if (!this.#reason && !this.#isPausing) return 'command'; // such as `hotqueue workers stop`
      // Checks again after the workers have stopped: a message that was taken meanwhile has gone back to the queue.
      if (this.#isPausing && (await isDrained(handlers))) return this.#reason ?? 'burst';
    }
    return this.#reason;
  }

  /** Stops the workers because no message seems to be left (`--burst`). */
  #pause(): void {
    this.#isPausing = true;
    void this.#runner?.stop({ shutdownTimeout: this.#shutdownTimeoutMs }).catch(() => undefined);
  }

  /** Lets the files run their code after `run`, and disposes of the instances that this process constructed. */
  async #cleanUp({ instances }: DiscoveredWorkers): Promise<void> {
    const disposals = instances.map(async (instance) => {
      const { [Symbol.asyncDispose]: later, [Symbol.dispose]: now } = instance as Partial<AsyncDisposable & Disposable>;
      await (later ? later.call(instance) : now?.call(instance));
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, cleanUpMs)));
    await Promise.race([late, Promise.all([...this.#files, ...disposals])]);
    clearTimeout(timer);
  }
}

const describe = ({ name, context, options }: BoundHandler) => ({
  name,
  queue: context.name,
  concurrency: options.concurrency,
});
