import { EventEmitter } from 'node:events';
import { isPromise } from 'node:util/types';
import type { QueueEmitter } from './events.js';
import { errorFields, textOf, type Logger } from './logger.js';

/** The emitter of a queue. Its listeners cannot stop a worker or fail a call: what they throw is logged, and the others still run. */
class GuardedEmitter extends EventEmitter {
  constructor(
    private readonly queue: string,
    private readonly logger: Logger,
  ) {
    super();
  }

  override emit(verb: string | symbol, ...args: unknown[]): boolean {
    const listeners = this.rawListeners(verb);
    for (const listener of listeners) {
      try {
        const returned: unknown = Reflect.apply(listener, this, args);
        if (isPromise(returned)) returned.catch((error: unknown) => this.#report(verb, error));
      } catch (error) {
        this.#report(verb, error);
      }
    }
    return listeners.length > 0;
  }

  #report(verb: string | symbol, error: unknown): void {
    const { queue } = this;
    this.logger.error(
      { queue, listener: String(verb), ...errorFields(error) },
      `a listener of "${String(verb)}" of queue "${queue}" failed (${textOf(error)}): the queue continues`,
    );
  }
}

/** {@link GuardedEmitter} */
export const queueEmitter = (queue: string, logger: Logger): QueueEmitter =>
  new GuardedEmitter(queue, logger) as EventEmitter as QueueEmitter;
