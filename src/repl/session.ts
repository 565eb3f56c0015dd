import { Evaluation } from './evaluation.js';
import type { RunningConsumers } from './stopping.js';

/** How long a handler may take to finish after Ctrl-C. A second Ctrl-C gives its message back at once. */
const graceMs = 25_000;

/** What a session needs from the prompt. */
export interface Screen {
  /** Prints a line above the line that is being typed. */
  say(text: string): void;
  /** Runs synchronous code so that Ctrl-C can stop it, although no key is read meanwhile. */
  interruptible<R>(work: () => R): R;
}

/** Runs the lines of one prompt, one after the other. */
export class ReplSession {
  #evaluation: Evaluation | undefined;
  #stopping: Promise<void> | undefined;

  constructor(
    private readonly consumers: RunningConsumers,
    private readonly screen: Screen,
  ) {}

  /** The value of a line; `undefined` if it was interrupted. @throws the error of the line */
  evaluate(code: string): Promise<unknown> {
    return this.during((evaluation) => evaluation.run(code, (work) => this.screen.interruptible(work)));
  }

  /** Runs something that Ctrl-C can interrupt. @throws the error of `work`, unless it was interrupted */
  async during<R>(work: (evaluation: Evaluation) => Promise<R>): Promise<R | undefined> {
    const evaluation = new Evaluation();
    this.#evaluation = evaluation;
    try {
      const interrupted = new Promise<undefined>((resolve) =>
        evaluation.signal.addEventListener('abort', () => resolve(undefined), { once: true }),
      );
      const value = await Promise.race([work(evaluation), interrupted]);
      return evaluation.isInterrupted ? undefined : value;
    } catch (error) {
      if (evaluation.isInterrupted) return undefined;
      if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
      this.interrupt(); // Ctrl-C stopped an endless loop
      return undefined;
    } finally {
      await this.#stopping;
      this.#evaluation = undefined;
    }
  }

  /** Handles Ctrl-C. @returns false if there was nothing to stop */
  interrupt(): boolean {
    if (this.#stopping) {
      void this.consumers.stop(0); // the second Ctrl-C: running handlers give their messages back now
      return true;
    }
    if (!this.#evaluation && this.consumers.size === 0) return false;
    this.#stopping = this.#stop().finally(() => (this.#stopping = undefined));
    this.#evaluation?.interrupt();
    return true;
  }

  async #stop(): Promise<void> {
    const patience = setTimeout(
      () => this.screen.say('stopping; press Ctrl-C again to give active messages back now'),
      500,
    );
    const stopped = await this.consumers.stop(graceMs);
    clearTimeout(patience);
    if (stopped !== '') this.screen.say(`stopped ${stopped}`);
  }
}
