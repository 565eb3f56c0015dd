import { Bench } from './bench.js';
import type { BoundHandler } from './handlers.js';

/** How handlers that share one loop share it. */
export interface Sharing {
  /** Most messages worked on at once, over all of them; the sum of their own when absent. */
  readonly concurrency?: number;
  /** `strict`: in the order in which they were given, a later one only when the earlier have nothing; `fair`: in turn. */
  readonly order: 'strict' | 'fair';
}

/** Handlers at work: takes as many messages as there are free places, runs them, and stops when told to. */
export class HandlerLoop {
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #benches: readonly Bench[];
  /** Whose turn it is, when in turn. */
  #turn = 0;
  #wake: (() => void) | undefined;
  #isWokenByFree = false;

  constructor(
    handlers: readonly BoundHandler[],
    private readonly sharing: Sharing = { order: 'strict' },
    onStopAsked: () => void = () => undefined,
  ) {
    const onFreed = (): void => void (this.#isWokenByFree && this.#wake?.());
    this.#benches = handlers.map((handler) => new Bench(handler, this.#givingUp.signal, sharing.concurrency === undefined, onFreed, onStopAsked));
  }

  get running(): number {
    return this.#benches.reduce((sum, bench) => sum + bench.running, 0);
  }

  /** Works until {@link stop}. @throws what makes going on useless, such as a Redis that was named and does not answer */
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

  /** Takes no more, and gives back what could not be finished when `deadline` aborts. */
  stop(deadline: AbortSignal): void {
    this.#stopping.abort();
    this.#wake?.();
    for (const bench of this.#benches) bench.stop();
    if (deadline.aborted) this.#giveUp(deadline.reason);
    else deadline.addEventListener('abort', () => this.#giveUp(deadline.reason), { once: true });
  }

  /** @param asked gets those for which Redis was asked */
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
      if (count > 0) this.#turn = index + 1; // whoever comes after has the next turn
      taken += count;
      // There may be more of it, and places that are free again already: the earlier come first.
      if (this.sharing.order === 'strict' && count === most) break;
    }
    return taken;
  }

  /** Places that one bench may fill now: in turn, none takes more than its part of what is free. */
  #share(): number {
    const occupied = this.#benches.reduce((sum, bench) => sum + bench.occupied, 0);
    const free = (this.sharing.concurrency ?? Infinity) - occupied;
    return this.sharing.order === 'strict' ? free : Math.ceil(free / this.#benches.length);
  }

  /** Until there may be something for a place that is free, or a place is free where none was. @param asked those that Redis had nothing for */
  async #idle(asked: ReadonlySet<Bench>): Promise<void> {
    const share = this.#share();
    const waiting = this.#benches.filter((bench) => bench.roomIn(share) > 0);
    if (waiting.some((bench) => !asked.has(bench))) return; // a place became free just now
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    this.#isWokenByFree = waiting.length < this.#benches.length;
    if (waiting.length === 0) await woken;
    else await this.#orSomethingReady(woken, waiting);
    this.#wake = undefined;
  }

  async #orSomethingReady(woken: Promise<void>, benches: readonly Bench[]): Promise<void> {
    await Promise.race([woken, ...benches.map((bench) => bench.idle())]);
    for (const bench of benches) bench.poke();
  }

  /** Everything that runs has ended, or the deadline has passed: leaving then gives back what still runs. */
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
