import { Evaluation } from './evaluation.js';
import type { Takers } from './stopping.js';

/** A handler may finish within this; Ctrl-C once more gives its message back at once. */
const graceMs = 25_000;

/** How the prompt looks from here. */
export interface Screen {
  /** Prints a line, above what is being typed. */
  say(text: string): void;
  /** Runs what cannot be interrupted by a key that nobody reads meanwhile. */
  interruptible<R>(work: () => R): R;
}

/** The lines of one prompt, one after the other. */
export class Session {
  #evaluation: Evaluation | undefined;
  #stopping: Promise<void> | undefined;

  constructor(
    private readonly takers: Takers,
    private readonly screen: Screen,
  ) {}

  /** The value of a line; `undefined` when it was interrupted. @throws what it throws */
  evaluate(code: string): Promise<unknown> {
    return this.during((evaluation) => evaluation.run(code, (work) => this.screen.interruptible(work)));
  }

  /** Does something that Ctrl-C ends. @throws what it throws, unless it was interrupted */
  async during<R>(work: (evaluation: Evaluation) => Promise<R>): Promise<R | undefined> {
    const evaluation = new Evaluation();
    this.#evaluation = evaluation;
    try {
      const interrupted = new Promise<undefined>((resolve) => evaluation.signal.addEventListener('abort', () => resolve(undefined), { once: true }));
      const value = await Promise.race([work(evaluation), interrupted]);
      return evaluation.isInterrupted ? undefined : value;
    } catch (error) {
      if (evaluation.isInterrupted) return undefined;
      if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw error;
      this.interrupt(); // an endless loop, which the key ended
      return undefined;
    } finally {
      await this.#stopping;
      this.#evaluation = undefined;
    }
  }

  /** Ctrl-C. @returns whether there was anything to stop */
  interrupt(): boolean {
    if (this.#stopping) {
      void this.takers.stop(0); // once more: running handlers give back what they have
      return true;
    }
    if (!this.#evaluation && this.takers.size === 0) return false;
    this.#stopping = this.#stop().finally(() => (this.#stopping = undefined));
    this.#evaluation?.interrupt();
    return true;
  }

  async #stop(): Promise<void> {
    const patience = setTimeout(() => this.screen.say('stopping; Ctrl-C again gives back at once what still runs'), 500);
    const stopped = await this.takers.stop(graceMs);
    clearTimeout(patience);
    if (stopped !== '') this.screen.say(`stopped ${stopped}`);
  }
}
