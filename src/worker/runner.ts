// Longer than 250 lines: half of it documents the public options and the runner.
import { inspect } from 'node:util';
import { ignoreBrokenPipes } from '../core/broken-pipes.js';
import { toMs, type Duration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors.js';
import { linkSignals } from '../core/linked-signal.js';
import { a, checkOptions, type OptionSchema } from '../core/options/schema.js';
import { drainedOptions, type DrainedOptions } from '../core/options/drained.js';
import type { Broker } from '../redis/broker.js';
import { untilDrained } from '../redis/drained.js';
import { Timer, longestTimeoutMs } from '../core/timer.js';
import type { RunnerHealth } from './health.js';
import { declareSchedules } from './declare-schedules.js';
import { Dispatcher, type Sharing } from './dispatcher.js';
import { assertOnePayloadPerQueue, type BoundHandler } from './handlers.js';
import { registerConsumer } from '../consumer/active-consumers.js';
import { warnWaiting } from '../consumer/waiting.js';

/**
 * Options of `runner.stop`.
 *
 * @example
 * ```ts
 * await runner.stop({ shutdownTimeout: '10s' });
 * ```
 */
export interface StopOptions {
  /**
   * How long running handlers may take to finish; default `'25s'`. After that, their signals abort, and their messages go
   * back to the queue.
   */
  shutdownTimeout?: Duration;
}

/**
 * Options of `start`.
 *
 * @example
 * ```ts
 * const runner = start([urgent, normal], { order: 'strict', concurrency: 8 });
 * ```
 */
export type StartOptions = (SharedSlots | OwnSlots) & WaitOptions;

/** Each worker takes for itself, with the slots of its own `concurrency`. */
export interface OwnSlots {
  /** Absent: the slots are not shared. */
  order?: undefined;
  /** Absent: it needs `order`. */
  concurrency?: undefined;
}

/** How workers start. */
export interface WaitOptions {
  /**
   * Waits for a Redis that does not answer at the start, with a log line once a minute; default false: the workers fail then with
   * `REDIS_UNREACHABLE`. A Redis that goes away later is always waited for.
   */
  waitForRedis?: boolean;
}

/**
 * Options of workers that share their concurrency slots.
 *
 * @example
 * ```ts
 * const runner = start([urgent, normal], { order: 'strict', concurrency: 8 });
 * ```
 */
export interface SharedSlots {
  /**
   * Makes all handlers share their concurrency slots. `'strict'`: in the order of the workers, from a later queue only if the
   * earlier ones have no messages. `'fair'`: in turn. Without it, each handler takes for itself.
   */
  order: 'strict' | 'fair';
  /** Maximum number of slots in use over all handlers, 1 to 10,000; by default the sum of their own. */
  concurrency?: number;
}

/**
 * Options of `run`: those of `start`, and the `shutdownTimeout` after a signal.
 *
 * @example
 * ```ts
 * await run([new Studio(), new Archive()], { order: 'fair', concurrency: 8, shutdownTimeout: '10s' });
 * ```
 */
export type RunOptions = StartOptions & StopOptions & EndOptions;

/** When `run` ends. */
export interface EndOptions {
  /**
   * `'drained'`: `run` also ends when the queues of its workers are drained, see {@link Runner.drained}. By default it ends only
   * at a signal, or when a queue is closed.
   */
  until?: 'drained';
}

/**
 * Running workers, as `start` returns them. A runner is not a promise: use `await runner.finished`.
 *
 * @example
 * ```ts
 * const runner = start(new Studio());
 * process.once('SIGTERM', () => void runner.stop());
 * await runner.finished;
 * ```
 */
export interface Runner extends AsyncDisposable {
  /** Resolves when all workers have stopped. Rejects if one cannot continue: then all others are stopped too. */
  readonly finished: Promise<void>;
  /**
   * Resolves when the queues of this runner have no message left: none is waiting, delayed and due, or active, in this process or
   * another one. Waiting messages of a paused queue do not count. Also resolves when the runner has stopped.
   *
   * @param options `delayed`: also waits for messages that are not due yet; `signal`: ends the wait
   * @throws InvalidOptionError; the reason of `signal`; the error of {@link finished}
   * @example
   * ```ts
   * const runner = start(new Studio());
   * await runner.drained();
   * await runner.stop();
   * ```
   */
  drained(options?: DrainedOptions): Promise<void>;
  /**
   * Whether the workers work, for health checks. It asks nothing of Redis: it says what the heartbeats have found, every 10 s by default.
   *
   * @example
   * ```ts
   * server.on('request', (_, response) => void response.writeHead(runner.health().isReady ? 200 : 503).end());
   * ```
   */
  health(): RunnerHealth;
  /**
   * Takes no more messages, gives back those that have not started, and waits for the others. A second call can shorten the
   * deadline.
   *
   * @throws InvalidOptionError if `shutdownTimeout` is not a duration; the error of {@link finished}
   * @example
   * ```ts
   * await runner.stop({ shutdownTimeout: '10s' });
   * ```
   */
  stop(options?: StopOptions): Promise<void>;
}

/** Less than the 30 s that most platforms wait before they kill a process. */
export const defaultShutdownTimeoutMs = 25_000;

/** @internal the worker runner that `start` returns */
export class WorkerRunner implements Runner {
  readonly finished: Promise<void>;
  readonly #dispatchers: readonly Dispatcher[];
  readonly #late = new AbortController();
  readonly #stopping = new AbortController();
  readonly #shutdownTimeoutMs: number;
  readonly #handlers: readonly BoundHandler[];
  readonly #brokers: readonly Broker[];
  #lateAt = Infinity;
  #timer: Timer | undefined;
  #isStopping = false;
  #hasEnded = false;

  /** @param shutdownTimeout of a stop that names none */
  constructor(
    handlers: readonly BoundHandler[],
    options: StartOptions = {},
    shutdownTimeout: Duration = defaultShutdownTimeoutMs,
  ) {
    assertOnePayloadPerQueue(handlers);
    this.#handlers = handlers;
    const queues = [...new Set(handlers.map(({ context }) => context))];
    for (const queue of queues) queue.admitRunner();
    this.#brokers = queues.map(({ broker }) => broker);
    this.#shutdownTimeoutMs = toMs(shutdownTimeout, 'shutdownTimeout');
    const { sharing, waitsForStart } = settingsOf(options);
    const onStopCommand = (): void => this.#stop(this.#shutdownTimeoutMs);
    const dispatcherOf = (some: readonly BoundHandler[]): Dispatcher =>
      new Dispatcher(some, sharing, onStopCommand, waitsForStart);
    this.#dispatchers = sharing ? [dispatcherOf(handlers)] : handlers.map((handler) => dispatcherOf([handler]));
    const end = registerConsumer({ kind: 'worker', stop: (shutdownTimeout) => this.stop({ shutdownTimeout }) });
    const endIgnoring = ignoreBrokenPipes();
    for (const queue of queues) queue.runners.add(this);
    // While all slots are busy, no reply of Redis is pending: a handler that waits for nothing in Node would end the process.
    const alive = setInterval(() => undefined, longestTimeoutMs);
    this.finished = this.#work().finally(() => {
      clearInterval(alive);
      for (const queue of queues) queue.runners.delete(this);
      this.#hasEnded = true;
      endIgnoring();
      end();
    });
    // A caller that ignores it gets the error from `stop`. An unhandled rejection would end the process instead.
    this.finished.catch(() => undefined);
  }

  /** `Runner { Studio.resize on images, 2 running }` */
  [inspect.custom](): string {
    const names = this.#handlers.map(({ name, context }) => `${name} on ${context.name}`).join(', ');
    return `Runner { ${names}, ${this.#state} }`;
  }

  get #state(): string {
    return this.#hasEnded ? 'stopped' : `${this.#isStopping ? 'stopping, ' : ''}${this.running} running`;
  }

  /** Number of handlers that run now. */
  get running(): number {
    return this.#dispatchers.reduce((sum, loop) => sum + loop.running, 0);
  }

  health(): RunnerHealth {
    const workers = this.#dispatchers.flatMap((loop) => loop.health);
    const status = this.#hasEnded ? 'stopped' : this.#isStopping ? 'stopping' : 'working';
    return {
      status,
      isLive: workers.every(({ isLive }) => isLive),
      isReady: status === 'working' && workers.every(({ isReady }) => isReady),
      running: this.running,
      workers,
    };
  }

  async drained(options?: DrainedOptions): Promise<void> {
    const { delayed, signal } = drainedOptions(options);
    const ended = new AbortController();
    const linked = linkSignals(ended.signal, ...(signal ? [signal] : []));
    const drained = untilDrained(this.#brokers, { ...(delayed !== undefined && { delayed }), signal: linked.signal });
    drained.catch(() => undefined); // after the end of the runner
    try {
      await Promise.race([drained, this.finished]);
    } finally {
      ended.abort();
      linked.unlink();
    }
  }

  async stop({ shutdownTimeout = this.#shutdownTimeoutMs }: StopOptions = {}): Promise<void> {
    this.#stop(toMs(shutdownTimeout, 'shutdownTimeout'));
    await this.finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #work(): Promise<void> {
    const works = [
      ...this.#dispatchers.map((loop) => loop.work()),
      declareSchedules(this.#handlers, this.#stopping.signal),
    ];
    const ends = await Promise.allSettled(works.map((work) => this.#orStopAll(work)));
    this.#timer?.stop();
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #orStopAll(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // If one cannot continue, stop all of them in good order: if half of the program went on, this would stay unnoticed.
      this.#stop(this.#shutdownTimeoutMs);
      throw error;
    }
  }

  #stop(timeoutMs: number): void {
    this.#isStopping = true;
    this.#stopping.abort();
    this.#abortIn(timeoutMs);
    for (const loop of this.#dispatchers) loop.stop(this.#late.signal);
  }

  #abortIn(ms: number): void {
    const at = performance.now() + ms;
    if (at >= this.#lateAt) return;
    this.#lateAt = at;
    this.#timer?.stop();
    const late = () => this.#late.abort(new Error('the worker was stopped, and its handler did not finish in time'));
    if (ms === 0) late();
    else this.#timer = new Timer(ms, late);
  }
}

const startTable: OptionSchema<Required<SharedSlots & WaitOptions>> = {
  order: a.oneOf('strict', 'fair'),
  concurrency: a.whole(1, 10_000),
  waitForRedis: a.flag,
};

function settingsOf(options: StartOptions): { sharing?: Sharing; waitsForStart: boolean } {
  const { order, concurrency, waitForRedis: waitsForStart = false } = checkOptions('start()', options, startTable);
  if (order) return { sharing: { order, ...(concurrency && { concurrency }) }, waitsForStart };
  if (concurrency === undefined) return { waitsForStart };
  throw new InvalidOptionError(
    'concurrency',
    "start(): concurrency needs order. Add order: 'strict' or 'fair', or set concurrency on each worker",
  );
}

/**
 * Resolves when one of the servers of these handlers answers: the workers of the others wait by themselves.
 *
 * @throws RedisRefusedError and others for which waiting is useless
 */
export async function untilRedisAnswers(handlers: readonly BoundHandler[], signal: AbortSignal): Promise<void> {
  const first = new Map(handlers.map(({ context }) => [context.broker.connection, context]));
  const answers = [...first.values()].map((context) =>
    context.broker.reader.now({ signal, waitsForStart: true, onWait: (wait) => warnWaiting(context, wait) }),
  );
  await Promise.race(answers);
}
