import { observeActiveConsumers, type ActiveConsumer } from '../consumer/active-consumers.js';
import { count } from '../cli/output.js';
import { Evaluation } from './evaluation.js';

/** Giving a message back takes less. After this time `stop` waits no longer, and its result says so. */
const patienceMs = 3_000;

/** All consumers and workers of this prompt: those of the current line, and those that earlier lines left in the background. */
export class RunningConsumers {
  readonly #open = new Set<ActiveConsumer>();
  readonly #unwatch = observeActiveConsumers({
    begin: (consumer) => {
      Evaluation.current?.signal.throwIfAborted(); // otherwise a loop of an interrupted line would start the next consumer
      this.#open.add(consumer);
      return () => this.#open.delete(consumer);
    },
  });

  get size(): number {
    return this.#open.size;
  }

  /**
   * Stops all consumers and workers. Their active messages go back to the queue.
   *
   * @param timeoutMs how long running handlers may take to finish
   * @returns what was stopped, such as `1 consumer and 2 workers`; empty if there was nothing
   */
  async stop(timeoutMs: number): Promise<string> {
    const open = [...this.#open];
    const stopped = Promise.allSettled(open.map((consumer) => consumer.stop(timeoutMs)));
    const inTime = await Promise.race([stopped.then(() => true), later(timeoutMs + patienceMs)]);
    for (const consumer of open) this.#open.delete(consumer);
    return inTime ? summaryOf(open) : `${summaryOf(open)}, but Redis has not confirmed it yet`;
  }

  /** Stops noticing new consumers and workers. */
  unwatch(): void {
    this.#unwatch();
  }
}

function summaryOf(consumers: readonly ActiveConsumer[]): string {
  const loops = consumers.filter(({ kind }) => kind === 'consumer').length;
  const workers = consumers.length - loops;
  return [loops > 0 && count(loops, 'consumer'), workers > 0 && count(workers, 'worker')].filter(Boolean).join(' and ');
}

const later = (ms: number): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), ms).unref());
