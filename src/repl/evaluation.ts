import { AsyncLocalStorage } from 'node:async_hooks';
import { constants, Script } from 'node:vm';

/** Rejects what an interrupted line still waits for. */
export class InterruptedError extends Error {
  constructor() {
    super('this line was interrupted');
    this.name = 'InterruptedError';
  }
}

const running = new AsyncLocalStorage<Evaluation>();

/** One line at the prompt while it runs. Ctrl-C interrupts it and everything that it started. */
export class Evaluation {
  readonly #interrupted = new AbortController();

  /** The line that the calling code belongs to. */
  static get current(): Evaluation | undefined {
    return running.getStore();
  }

  get signal(): AbortSignal {
    return this.#interrupted.signal;
  }

  get isInterrupted(): boolean {
    return this.signal.aborted;
  }

  /** Aborts {@link signal}. A running loop cannot be stopped from outside, so everything that waits checks this signal. */
  interrupt(): void {
    this.#interrupted.abort(new InterruptedError());
  }

  /**
   * Runs a script that evaluates to a promise.
   *
   * @param interruptible runs the synchronous part, so that Ctrl-C can stop an endless loop
   */
  run(code: string, interruptible: <R>(work: () => R) => R): Promise<unknown> {
    const script = new Script(code, {
      filename: 'prompt',
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    return running.run(this, () =>
      interruptible(() => script.runInThisContext({ displayErrors: false, breakOnSigint: true }) as Promise<unknown>),
    );
  }
}
