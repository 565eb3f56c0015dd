// Longer than 250 lines: its states, its slots and its prefetch buffer change together.
import { attempt, type HandlerCall } from '../consumer/attempt.js';
import { attemptBatch, type BatchHandlerCall } from '../consumer/attempt-batch.js';
import type { Claim } from '../consumer/claim.js';
import { workerHealth, type WorkerHealth } from './health.js';
import { Fetcher } from '../consumer/fetcher.js';
import { defaultMaxBlockedMs } from '../consumer/lease-keeper.js';
import type { WorkerDescription } from '../consumer/heartbeat-report.js';
import { Prefetch } from '../consumer/prefetch.js';
import { guarded, policyOf, type Warn } from '../consumer/retry-policy.js';
import { onAbort } from '../core/on-abort.js';
import { Timer } from '../core/timer.js';
import type { WorkerCommand } from '../redis/transitions.js';
import type { BoundHandler } from './handlers.js';

/** `PrefetchSize` counts batches here; together they have no more messages than it allows single ones. */
const mostAhead = 2_000;

/** How long the end of a registration may take when the shutdown timeout has passed. */
const leaveGraceMs = 1_000;

export interface HandlerRunnerOptions {
  /** Aborts everything that still waits for Redis, also the settling of what runs. */
  readonly givingUp: AbortSignal;
  /** Whether to claim what the handler will begin in a moment, or only what can begin at once. */
  readonly mayPrefetch: boolean;
  /** Whether to wait for a named server that has not answered yet. */
  readonly waitsForStart: boolean;
  /** Called when there is room again, while `isAwaited`. */
  onRoom(): void;
  /** Called when someone asks this worker to stop, perhaps more than once. */
  onStopCommand(): void;
}

/**
 * Runs one handler: takes messages, keeps them in the prefetch buffer until a concurrency slot is free, and calls the handler.
 *
 *     working <-- commands --> quiet
 *        |                       |
 *        +--------> stopping <---+
 */
export class HandlerRunner {
  readonly #fetcher: Fetcher;
  readonly #prefetch: Prefetch;
  readonly #call: HandlerCall & BatchHandlerCall;
  /** Messages in one slot: the size of a batch, or 1. */
  readonly #size: number;
  #status: WorkerDescription['status'] = 'working';
  #running = 0;
  /** Set while a batch that is not full has a slot and waits for more messages. */
  #lingering: Timer | undefined;
  /** How many messages the pipelined take asked for, and whether it brought fewer: then the next take can bring nothing. */
  #pipelined = { most: 0, isDrained: false };
  /** Whether `onRoom` is wanted. A check for room after each message would cost more than the rest of it. */
  isAwaited = false;
  /** How many messages a take may still bring that the dispatcher no longer waits for. */
  late = 0;
  #onEmpty: (() => void)[] = [];

  constructor(
    private readonly handler: BoundHandler,
    private readonly options: HandlerRunnerOptions,
  ) {
    const { context, payload, handle, name } = handler;
    const { givingUp, waitsForStart } = options;
    this.#fetcher = new Fetcher(context, {
      taking: givingUp,
      waitsForStart,
      settling: { signal: givingUp },
      maxBlockedMs: handler.options.maxBlockedMs ?? handler.options.timeoutMs ?? defaultMaxBlockedMs,
      description: this.#description,
      onCommand: (command) => this.#obey(command),
      onPipelined: this.#accept,
    });
    this.#prefetch = new Prefetch(
      this.#fetcher,
      () => this.#lingering !== undefined,
      () => this.#announceRoom(),
    );
    const warn: Warn = (fields, sentence) =>
      context.logger.warn({ queue: context.name, handler: name, ...fields }, `${name}: ${sentence}`);
    this.#call = {
      payload,
      handle,
      retry: { ...policyOf(context.retryDefaults), ...guarded(handler.options, warn) },
      onOver: (claim) => this.#over(claim.startedAt, claim),
      freeSlots: [],
    };
    this.#size = handler.options.batch ?? 1;
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running;
  }

  /** Slots in use, also by a batch that waits to be filled. */
  get occupied(): number {
    return this.#running + Math.ceil((this.#prefetch.length + this.late) / this.#size);
  }

  /** How many more messages to claim: for free slots, and for those that will be free in a moment. */
  get room(): number {
    if (this.#status === 'quiet' || this.late > 0) return 0;
    const { concurrency } = this.handler.options;
    const size = this.#size;
    const free = this.#free;
    const ahead = this.options.mayPrefetch
      ? Math.min(this.#prefetch.size.messages(concurrency) * size, Math.floor(mostAhead / size) * size)
      : 0;
    if (ahead === 0) return free;
    // In large portions: the next take begins when half of the last is done.
    if (free + ahead >= (concurrency * size + ahead) / 2) return free + ahead;
    return Math.max(free, 0); // free slots do not wait for the others, which may be in use for long
  }

  /** {@link room}, when no more than so many slots may be filled. */
  roomIn(slots: number): number {
    const missing = Math.ceil(this.#prefetch.length / this.#size) * this.#size - this.#prefetch.length;
    return Math.min(this.room, slots * this.#size + missing);
  }

  /** Takes up to `most` messages and begins what it can. When `isStopping` by then, they go back at once. @returns how many came */
  async take(most: number, isStopping: () => boolean): Promise<number> {
    if (this.#pipelined.isDrained) {
      this.#pipelined.isDrained = false;
      return 0;
    }
    const claims = await this.#fetcher.take(most);
    this.#prefetch.add(claims);
    if (isStopping()) {
      await this.giveBackWaiting();
      return 0;
    }
    this.#begin();
    this.#prefetch.watch();
    return claims.length;
  }

  /** Resolves when something may be waiting, or {@link poke} is called. */
  idle(): Promise<void> {
    // One more than can begin at once: a shorter reply means that the lists are empty.
    this.#pipelined.most = this.options.mayPrefetch ? Math.min(this.room, this.#free + 1) : 0;
    return this.#fetcher.idle(Infinity, this.#pipelined.most);
  }

  /** Ends {@link idle}. */
  poke(): void {
    this.#fetcher.poke();
  }

  get health(): WorkerHealth {
    return workerHealth(this.handler, this.#fetcher.session.vitals);
  }

  /** Takes no more, and gives back what has not begun. */
  stop(): void {
    this.#status = 'stopping';
    void this.#giveBackInOrder();
  }

  /** Gives back what has not begun. */
  giveBackWaiting(): Promise<void> {
    this.#stopLingering();
    return this.#prefetch.giveBack();
  }

  /** Resolves when no handler runs. */
  async emptied(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onEmpty.push(resolve));
  }

  /** Aborts the signals of all handlers that run. */
  abort(reason: unknown): void {
    this.#fetcher.session.abort(reason);
  }

  /** Gives back what is still held, and ends the registration. */
  async leave(): Promise<void> {
    const { givingUp } = this.options;
    const late = latenessOf(givingUp);
    const isLate = await Promise.race([this.#fetcher.leave().then(() => false), late.promise]).finally(late.forget);
    if (!isLate) return;
    const { name, context } = this.handler;
    context.logger.warn(
      { queue: context.name, handler: name },
      `${name}: Redis did not answer before the shutdown timeout: its messages return when its lease ends`,
    );
  }

  get #description(): WorkerDescription {
    const { name, options } = this.handler;
    const status = (): WorkerDescription['status'] => this.#status;
    return {
      name,
      kind: 'handler',
      concurrency: options.concurrency,
      get status() {
        return status();
      },
    };
  }

  /** Messages that can begin at once. */
  get #free(): number {
    return (this.handler.options.concurrency - this.#running) * this.#size - this.#prefetch.length;
  }

  /** Begins what a pipelined take brought. */
  readonly #accept = (claims: Claim[]): void => {
    if (claims.length === 0) return;
    this.#pipelined.isDrained = claims.length < this.#pipelined.most;
    this.#prefetch.add(claims);
    this.#begin();
    this.#prefetch.watch();
  };

  /**
   * Begins what waits, as long as slots are free. A handler that ends at once leaves its slot to the next message.
   *
   * @param isDue whether a batch that is not full has waited long enough
   */
  #begin(isDue = false, at?: number): void {
    const { concurrency, lingerMs = 0 } = this.handler.options;
    while (this.#status !== 'stopping' && this.#prefetch.length > 0 && this.#running < concurrency) {
      const now = at ?? performance.now();
      // After a stall another worker may have the messages: what has not begun goes back.
      if (!this.#fetcher.session.isProvenAt(now)) return void this.giveBackWaiting();
      if (lingerMs > 0 && !isDue && this.#isFilling(lingerMs)) return;
      at = this.#run(now);
    }
  }

  /** Whether what waits is no full batch yet, and still has time to become one. */
  #isFilling(lingerMs: number): boolean {
    if (this.#prefetch.length >= this.#size) return false;
    const leftMs = Math.min(lingerMs, this.#prefetch.first!.take.receivedAt + lingerMs - performance.now());
    if (leftMs <= 0) return false;
    this.#lingering ??= new Timer(leftMs, () => this.#endLingering());
    return true;
  }

  #endLingering(): void {
    this.#stopLingering();
    this.#begin(true);
    if (this.room <= 0) this.#fetcher.poke(); // a worker without room must not wait: Redis would move a message to it
  }

  #stopLingering(): void {
    this.#lingering?.stop();
    this.#lingering = undefined;
  }

  /** @returns when the handler ended, if it ended at once */
  #run(now: number): number | undefined {
    if (this.handler.options.batch !== undefined) return this.#runBatch(now);
    const claim = this.#prefetch.begin(now);
    if (!claim) return undefined;
    this.#running += 1;
    if (!attempt(claim, this.#call)) return undefined;
    const endedAt = performance.now();
    claim.state.endedAt ??= endedAt;
    this.#end(endedAt - now);
    return endedAt;
  }

  #runBatch(now: number): undefined {
    this.#running += 1;
    this.#stopLingering();
    void attemptBatch(this.#prefetch.beginBatch(this.#size, now), this.#call).then(() => this.#over(now));
  }

  /** A slot is free again, some time after its handler began. */
  #over(startedAt: number | undefined, claim?: Claim): void {
    const now = performance.now();
    if (claim) claim.state.endedAt ??= now;
    this.#end(startedAt === undefined ? undefined : now - startedAt);
    this.#begin(false, now);
    if (this.isAwaited && this.room > 0) this.options.onRoom();
  }

  /** @param tookMs absent if no handler ran, as for an invalid message */
  #end(tookMs: number | undefined): void {
    this.#running -= 1;
    if (tookMs !== undefined) this.#prefetch.size.observe(tookMs);
    if (this.#running === 0 && this.#onEmpty.length > 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  async #giveBackInOrder(): Promise<void> {
    this.#stopLingering();
    await this.#prefetch.giveBackInOrder();
    this.#stopLingering(); // a take that was in flight may have begun to fill a batch
  }

  #obey(command: WorkerCommand): void {
    if (command === 'stop') return this.options.onStopCommand();
    if (this.#status === 'stopping') return;
    const wasQuiet = this.#status === 'quiet';
    this.#status = command === 'quiet' ? 'quiet' : 'working';
    if (this.#status === 'quiet') void this.#giveBackInOrder();
    if (wasQuiet !== (this.#status === 'quiet')) this.#announceRoom();
    this.#fetcher.poke();
  }

  #announceRoom(): void {
    if (this.isAwaited) this.options.onRoom();
  }
}

/** Resolves when the shutdown timeout has passed, and Redis has had one more second to answer. */
function latenessOf(givingUp: AbortSignal): { readonly promise: Promise<true>; readonly forget: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let begin!: () => void;
  const promise = new Promise<true>((resolve) => {
    begin = () => void (timer = setTimeout(resolve, leaveGraceMs, true));
  });
  const unlink = givingUp.aborted ? begin() : onAbort(givingUp, begin);
  return {
    promise,
    forget: () => {
      clearTimeout(timer);
      unlink?.();
    },
  };
}
