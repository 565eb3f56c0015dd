import { toMs, type Duration } from '../contract/durations.js';
import { InvalidOptionError } from '../contract/errors.js';
import { a, checkOptions, type Table } from '../contract/options.js';
import { HandlerLoop, type Sharing } from './handler-loop.js';
import { assertOnePayloadPerQueue, type BoundHandler } from './handlers.js';
import { begin } from './takers.js';

export interface StopOptions {
  /** How long running handlers may take to finish; then they are aborted and their messages given back. `'25s'` by default. */
  deadline?: Duration;
}

export interface StartOptions {
  /**
   * Has all handlers share their places: `'strict'` takes in the order in which the workers were given, from a later queue
   * only when the earlier have nothing; `'fair'` in turn. Each takes for itself when absent.
   */
  order?: 'strict' | 'fair';
  /** With `order`: most messages worked on at once over all handlers; the sum of their own when absent. */
  concurrency?: number;
}

export interface RunOptions extends StartOptions, StopOptions {}

/** Workers at work. Not a promise: `await runner.finished`. */
export interface Runner extends AsyncDisposable {
  /** Resolves when all have stopped; rejects when one cannot go on. */
  readonly finished: Promise<void>;
  /** Takes nothing new, gives back what has not started, waits for what has. May be called again, to shorten the deadline. */
  stop(options?: StopOptions): Promise<void>;
}

/** Under the 30 seconds that most platforms wait before they kill. */
export const defaultDeadlineMs = 25_000;

/** @internal what `start` returns */
export class Crew implements Runner {
  readonly finished: Promise<void>;
  readonly #loops: readonly HandlerLoop[];
  readonly #late = new AbortController();
  #lateAt = Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(handlers: readonly BoundHandler[], options: StartOptions = {}) {
    assertOnePayloadPerQueue(handlers);
    const sharing = sharingOf(options);
    const onStopAsked = (): void => this.#stop(defaultDeadlineMs);
    const loopOf = (some: readonly BoundHandler[]): HandlerLoop => new HandlerLoop(some, sharing, onStopAsked);
    this.#loops = sharing ? [loopOf(handlers)] : handlers.map((handler) => loopOf([handler]));
    const end = begin({ kind: 'worker', stop: (deadline) => this.stop({ deadline }) });
    this.finished = this.#work().finally(end);
    // Whoever does not look at it finds out from `stop`; an unhandled rejection would end the process instead.
    this.finished.catch(() => undefined);
  }

  /** How many handlers run at this moment. */
  get running(): number {
    return this.#loops.reduce((sum, loop) => sum + loop.running, 0);
  }

  async stop({ deadline = defaultDeadlineMs }: StopOptions = {}): Promise<void> {
    this.#stop(toMs(deadline, 'deadline'));
    await this.finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #work(): Promise<void> {
    const ends = await Promise.allSettled(this.#loops.map((loop) => this.#workOne(loop)));
    clearTimeout(this.#timer);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #workOne(loop: HandlerLoop): Promise<void> {
    try {
      await loop.work();
    } catch (error) {
      // One that cannot go on ends them all, in good order: half a program at work would hide it.
      this.#stop(defaultDeadlineMs);
      throw error;
    }
  }

  #stop(deadlineMs: number): void {
    this.#beLateIn(deadlineMs);
    for (const loop of this.#loops) loop.stop(this.#late.signal);
  }

  #beLateIn(ms: number): void {
    const at = Date.now() + ms;
    if (at >= this.#lateAt) return;
    this.#lateAt = at;
    clearTimeout(this.#timer);
    const late = () => this.#late.abort(new Error('the worker was stopped and its deadline has passed'));
    if (ms === 0) late();
    else this.#timer = setTimeout(late, ms);
  }
}

const startTable: Table<Required<StartOptions>> = { order: a.oneOf('strict', 'fair'), concurrency: a.whole(1, 10_000) };

function sharingOf(options: StartOptions): Sharing | undefined {
  const { order, concurrency } = checkOptions('start()', options, startTable);
  if (order) return { order, ...(concurrency && { concurrency }) };
  if (concurrency === undefined) return undefined;
  throw new InvalidOptionError('concurrency', "start(): concurrency is for handlers that share their places: give order: 'strict' or 'fair' too, or each worker its own");
}
