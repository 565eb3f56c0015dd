import { watchTakers, type Taker } from '../../runtime/takers.js';
import { count } from '../cli/output.js';
import { Evaluation } from './evaluation.js';

/** Longer than giving a message back takes; what is still there then is told, and waited for no longer. */
const patienceMs = 3_000;

/** Everything at this prompt that takes messages: what a line waits for, and every ghost of earlier ones. */
export class Takers {
  readonly #open = new Set<Taker>();
  readonly #unwatch = watchTakers({
    begin: (taker) => {
      Evaluation.current?.signal.throwIfAborted(); // a loop of a line that was interrupted would go on taking
      this.#open.add(taker);
      return () => this.#open.delete(taker);
    },
  });

  get size(): number {
    return this.#open.size;
  }

  /**
   * Stops all; what they have in hand goes back to its queue.
   *
   * @param deadlineMs how long running handlers may take to finish
   * @returns what was stopped, such as `1 consumer`; empty when there was nothing
   */
  async stop(deadlineMs: number): Promise<string> {
    const open = [...this.#open];
    const stopped = Promise.allSettled(open.map((taker) => taker.stop(deadlineMs)));
    const inTime = await Promise.race([stopped.then(() => true), later(deadlineMs + patienceMs)]);
    for (const taker of open) this.#open.delete(taker);
    return inTime ? told(open) : `${told(open)}, as far as Redis answers`;
  }

  /** New ones are not noticed any more. */
  unwatch(): void {
    this.#unwatch();
  }
}

function told(takers: readonly Taker[]): string {
  const consumers = takers.filter(({ kind }) => kind === 'consumer').length;
  const workers = takers.length - consumers;
  return [consumers > 0 && count(consumers, 'consumer'), workers > 0 && count(workers, 'worker')].filter(Boolean).join(' and ');
}

const later = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms).unref());
