import { AsyncLocalStorage } from 'node:async_hooks';
import { constants, Script } from 'node:vm';

/** Why something that was started in a line which was interrupted may not go on. */
export class InterruptedError extends Error {
  constructor() {
    super('this line was interrupted');
    this.name = 'InterruptedError';
  }
}

const running = new AsyncLocalStorage<Evaluation>();

/** One line at the prompt, while it runs. What it starts, it can be asked to leave off. */
export class Evaluation {
  readonly #interrupted = new AbortController();

  /** The line whose code calls this. */
  static get current(): Evaluation | undefined {
    return running.getStore();
  }

  get signal(): AbortSignal {
    return this.#interrupted.signal;
  }

  get isInterrupted(): boolean {
    return this.signal.aborted;
  }

  /** Whatever asks {@link signal} or {@link current} afterwards leaves off: a loop cannot be ended from outside. */
  interrupt(): void {
    this.#interrupted.abort(new InterruptedError());
  }

  /**
   * Runs a script whose value is a promise.
   *
   * @param interruptible runs what is synchronous: Ctrl-C must reach an endless loop
   */
  run(code: string, interruptible: <R>(work: () => R) => R): Promise<unknown> {
    const script = new Script(code, { filename: 'prompt', importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
    return running.run(this, () => interruptible(() => script.runInThisContext({ displayErrors: false, breakOnSigint: true }) as Promise<unknown>));
  }
}
