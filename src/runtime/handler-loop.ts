import { Bench } from './bench.js';
import type { BoundHandler } from './handlers.js';

/** How handlers share one loop. */
export interface Sharing {
  /** Maximum number of slots in use over all handlers; the sum of their own if absent. */
  readonly concurrency?: number;
  /** `strict`: in the given order, a later handler only if the earlier ones have no messages. `fair`: in turn. */
  readonly order: 'strict' | 'fair';
}

/** Runs handlers: takes as many messages as there are free slots, runs them, and stops on request. */
export class HandlerLoop {
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #benches: readonly Bench[];
  /** Index of the handler that is next, with `fair`. */
  #turn = 0;
  #wake: (() => void) | undefined;

  constructor(
    handlers: readonly BoundHandler[],
    private readonly sharing: Sharing = { order: 'strict' },
    onStopAsked: () => void = () => undefined,
  ) {
    const onFreed = (): void => this.#wake?.();
    this.#benches = handlers.map((handler) => new Bench(handler, this.#givingUp.signal, sharing.concurrency === undefined, onFreed, onStopAsked));
  }

  get running(): number {
    return this.#benches.reduce((sum, bench) => sum + bench.running, 0);
  }

  /** Works until {@link stop}. @throws if it cannot continue, for example if a named Redis does not answer */
  async work(): Promise<void> {
    const isStopping = (): boolean => this.#stopping.signal.aborted;
    try {
      while (!isStopping()) {
        const asked = new Set<Bench>();
        const taken = await this.#takeInOrder(isStopping, asked);
        if (taken === 0 && !isStopping()) await this.#idle(asked);
      }
    } catch (error) {
      if (!this.#givingUp.signal.aborted) throw error;
    } finally {
      await Promise.all(this.#benches.map((bench) => bench.giveBackWaiting()));
      await this.#emptied();
      await Promise.all(this.#benches.map((bench) => bench.leave()));
    }
  }

  /** Takes no more messages. Gives back those that have not finished when `deadline` aborts. */
  stop(deadline: AbortSignal): void {
    this.#stopping.abort();
    this.#wake?.();
    for (const bench of this.#benches) bench.stop();
    if (deadline.aborted) this.#giveUp(deadline.reason);
    else deadline.addEventListener('abort', () => this.#giveUp(deadline.reason), { once: true });
  }

  /** @param asked collects the handler runners that asked Redis */
  async #takeInOrder(isStopping: () => boolean, asked: Set<Bench>): Promise<number> {
    const benches = this.#benches.length;
    const first = this.sharing.order === 'fair' ? this.#turn : 0;
    let taken = 0;
    for (let step = 0; step < benches; step++) {
      const index = (first + step) % benches;
      const bench = this.#benches[index]!;
      const most = bench.roomIn(this.#share());
      if (most <= 0 || isStopping()) continue;
      asked.add(bench);
      const count = await bench.take(most, isStopping);
      if (count > 0) this.#turn = index + 1; // the handler after this one is next
      taken += count;
      // There may be more messages for this handler, and slots that are free again: the earlier handlers come first.
      if (this.sharing.order === 'strict' && count === most) break;
    }
    return taken;
  }

  /** Slots that one handler may fill now. With `fair`, no handler takes more than its part of the free slots. */
  #share(): number {
    const occupied = this.#benches.reduce((sum, bench) => sum + bench.occupied, 0);
    const free = (this.sharing.concurrency ?? Infinity) - occupied;
    return this.sharing.order === 'strict' ? free : Math.ceil(free / this.#benches.length);
  }

  /**
   * Resolves when there may be a message for a free slot, or when a slot becomes free.
   *
   * @param asked handler runners for which Redis had no message
   */
  async #idle(asked: ReadonlySet<Bench>): Promise<void> {
    const share = this.#share();
    const waiting = this.#benches.filter((bench) => bench.roomIn(share) > 0);
    if (waiting.some((bench) => !asked.has(bench))) return; // a slot became free just now
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    this.#awaitRoom(waiting.length < this.#benches.length);
    if (waiting.length === 0) await woken;
    else await this.#orSomethingReady(woken, waiting);
    this.#awaitRoom(false);
    this.#wake = undefined;
  }

  #awaitRoom(isAwaited: boolean): void {
    for (const bench of this.#benches) bench.isAwaited = isAwaited;
  }

  async #orSomethingReady(woken: Promise<void>, benches: readonly Bench[]): Promise<void> {
    await Promise.race([woken, ...benches.map((bench) => bench.idle())]);
    for (const bench of benches) bench.poke();
  }

  /** Resolves when all handlers have ended, or at the deadline: then `leave` gives back the messages that still run. */
  async #emptied(): Promise<void> {
    const { signal } = this.#givingUp;
    if (signal.aborted) return;
    const late = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.race([late, Promise.all(this.#benches.map((bench) => bench.emptied()))]);
  }

  #giveUp(reason: unknown): void {
    for (const bench of this.#benches) bench.abort(reason);
    this.#givingUp.abort(reason);
  }
}
