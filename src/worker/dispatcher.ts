import { onAbort } from '../core/on-abort.js';
import type { WorkerHealth } from './health.js';
import { HandlerRunner } from './handler-runner.js';
import type { BoundHandler } from './handlers.js';

/** How handlers share the slots of one dispatcher. */
export interface Sharing {
  /** Most messages worked on at once over all handlers; the sum of their own when absent. */
  readonly concurrency?: number;
  /** `strict`: from a later queue only when the earlier ones have nothing. `fair`: in turn. */
  readonly order: 'strict' | 'fair';
}

/** After so long, the handlers of other servers no longer wait for a take. */
const lateAfterMs = 250;

/** Feeds one or more handlers: takes as many messages as there are free slots, and waits when there is nothing to take. */
export class Dispatcher {
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #runners: readonly HandlerRunner[];
  /** Index of the handler whose turn it is, with `fair`. */
  #turn = 0;
  #wake: (() => void) | undefined;
  /** Takes that the others no longer wait for. */
  readonly #late = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  /**
   * @param onStopCommand called when someone asks one of these workers to stop
   * @param waitsForStart whether to wait for named servers that have not answered yet
   */
  constructor(
    handlers: readonly BoundHandler[],
    private readonly sharing: Sharing = { order: 'strict' },
    onStopCommand: () => void = () => undefined,
    waitsForStart = false,
  ) {
    const options = {
      givingUp: this.#givingUp.signal,
      mayPrefetch: sharing.concurrency === undefined,
      onRoom: () => this.#wake?.(),
      onStopCommand,
      waitsForStart,
    };
    this.#runners = handlers.map((handler) => new HandlerRunner(handler, options));
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#runners.reduce((sum, runner) => sum + runner.running, 0);
  }

  get health(): WorkerHealth[] {
    return this.#runners.map((runner) => runner.health);
  }

  /** Works until {@link stop}. @throws an error that makes going on useless, such as a configured Redis that does not answer */
  async work(): Promise<void> {
    const isStopping = (): boolean => this.#stopping.signal.aborted;
    try {
      while (!isStopping()) {
        const asked = new Set<HandlerRunner>();
        const taken = await this.#takeInOrder(isStopping, asked);
        if (this.#failure) throw this.#failure.error;
        if (taken === 0 && !isStopping()) await this.#idle(asked);
      }
    } catch (error) {
      if (!this.#givingUp.signal.aborted) throw error;
    } finally {
      await Promise.all(this.#late); // a take that comes after its worker has left would register it again
      await Promise.all(this.#runners.map((runner) => runner.giveBackWaiting()));
      await this.#emptied();
      await Promise.all(this.#runners.map((runner) => runner.leave()));
    }
  }

  /** Takes no more. When `deadline` aborts, it gives back what still runs. */
  stop(deadline: AbortSignal): void {
    this.#stopping.abort();
    this.#wake?.();
    for (const runner of this.#runners) runner.stop();
    if (deadline.aborted) this.#giveUp(deadline.reason);
    else onAbort(deadline, () => this.#giveUp(deadline.reason));
  }

  /** @param asked gets the runners for which Redis was asked */
  async #takeInOrder(isStopping: () => boolean, asked: Set<HandlerRunner>): Promise<number> {
    const runners = this.#runners.length;
    const first = this.sharing.order === 'fair' ? this.#turn : 0;
    let taken = 0;
    for (let step = 0; step < runners; step++) {
      const index = (first + step) % runners;
      const runner = this.#runners[index]!;
      const most = runner.roomIn(this.#share());
      if (most <= 0 || isStopping()) continue;
      asked.add(runner);
      const count = await this.#takeFrom(runner, most, isStopping);
      if (count > 0) this.#turn = index + 1; // the next handler has the next turn
      taken += count;
      // There may be more, and slots that are free again: the earlier handlers come first.
      if (this.sharing.order === 'strict' && count === most) break;
    }
    return taken;
  }

  /** A take whose server does not answer must not stop the handlers of other servers. Then it goes on by itself, and its slots stay reserved. */
  async #takeFrom(runner: HandlerRunner, most: number, isStopping: () => boolean): Promise<number> {
    const taking = runner.take(most, isStopping);
    if (this.#runners.length === 1) return taking;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), lateAfterMs)));
    const count = await Promise.race([taking, late]);
    clearTimeout(timer);
    if (count !== undefined) return count;
    runner.late = most;
    const ended = this.#endLate(runner, taking).finally(() => this.#late.delete(ended));
    this.#late.add(ended);
    return 0;
  }

  async #endLate(runner: HandlerRunner, taking: Promise<number>): Promise<void> {
    try {
      await taking;
    } catch (error) {
      this.#failure ??= { error };
    }
    runner.late = 0;
    this.#wake?.();
  }

  /** Slots that one handler may fill now. With `fair`, none takes more than its part of the free slots. */
  #share(): number {
    const occupied = this.#runners.reduce((sum, runner) => sum + runner.occupied, 0);
    const free = (this.sharing.concurrency ?? Infinity) - occupied;
    return this.sharing.order === 'strict' ? free : Math.ceil(free / this.#runners.length);
  }

  /** Waits until there may be a message for a free slot, or a slot is free where none was. @param asked those for which Redis had nothing */
  async #idle(asked: ReadonlySet<HandlerRunner>): Promise<void> {
    const share = this.#share();
    const waiting = this.#runners.filter((runner) => runner.roomIn(share) > 0);
    if (waiting.some((runner) => !asked.has(runner))) return; // a slot became free just now
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    this.#awaitRoom(waiting.length < this.#runners.length);
    if (waiting.length === 0) await woken;
    else await this.#orSomethingWaiting(woken, waiting);
    this.#awaitRoom(false);
    this.#wake = undefined;
  }

  #awaitRoom(isAwaited: boolean): void {
    for (const runner of this.#runners) runner.isAwaited = isAwaited;
  }

  async #orSomethingWaiting(woken: Promise<void>, runners: readonly HandlerRunner[]): Promise<void> {
    await Promise.race([woken, ...runners.map((runner) => runner.idle())]);
    for (const runner of runners) runner.poke();
  }

  /** Resolves when no handler runs, or the deadline has passed: `leave` then gives back what still runs. */
  async #emptied(): Promise<void> {
    const { signal } = this.#givingUp;
    if (signal.aborted) return;
    const late = new Promise<void>((resolve) => onAbort(signal, resolve));
    await Promise.race([late, Promise.all(this.#runners.map((runner) => runner.emptied()))]);
  }

  #giveUp(reason: unknown): void {
    for (const runner of this.#runners) runner.abort(reason);
    this.#givingUp.abort(reason);
  }
}
