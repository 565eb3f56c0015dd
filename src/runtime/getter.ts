import { setImmediate as restOfThisTurn, setTimeout as pause } from 'node:timers/promises';
import type { Taking } from '../contract/queue-options.js';
import type { Channel } from './channel.js';
import { Supply, type Hold, type Waiting } from './supply.js';

/** How long a worker stays registered for the next `get`. */
const keptMs = 2_000;

/** A worker, and the limits of its current wait. */
interface Desk<T> {
  readonly supply: Supply<T>;
  readonly waiting: Waiting;
}

/**
 * Takes single messages.
 *
 * It keeps the worker that took the last message for a moment, so that a loop of `get` does not join and leave each time. The
 * kept worker has no messages, and does not keep the process alive.
 */
export class Getter<T> {
  readonly #closing = new AbortController();
  readonly #asked = new Set<Promise<unknown>>();
  #kept: Desk<T> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly channel: Channel<T>) {}

  /** The next payload, settled; `undefined` if there is none, or if `signal` aborts. */
  async get(options: Taking & { readonly block: boolean }): Promise<T | undefined> {
    const asking = this.#get(options);
    this.#asked.add(asking);
    try {
      return (await asking)?.delivery.payload;
    } finally {
      this.#asked.delete(asking);
    }
  }

  /** Ends all waiting, and leaves. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#asked);
    await this.leave();
  }

  /** Removes the kept worker from the registry. */
  async leave(): Promise<void> {
    const kept = this.#kept;
    this.#release();
    await kept?.supply.leave([]);
  }

  async #get({ block, timeoutMs, signal }: Taking & { readonly block: boolean }): Promise<Hold<T> | undefined> {
    const { signal: closed } = this.#closing;
    const desk = this.#release() ?? this.#open();
    desk.waiting.ended = signal ? AbortSignal.any([signal, closed]) : closed;
    let mayKeep = false;
    try {
      const atOnce = await this.#ask(desk, 0);
      // Do not keep a worker that has waited: its wait may still be open, and the server would give it the next message.
      mayKeep = (atOnce !== undefined || !block) && !desk.waiting.ended.aborted;
      return atOnce ?? (block ? await this.#ask(desk, timeoutMs) : undefined);
    } finally {
      if (mayKeep && !this.#kept) this.#keep(desk);
      else await desk.supply.leave([]);
    }
  }

  async #ask({ supply, waiting }: Desk<T>, waitMs: number | undefined): Promise<Hold<T> | undefined> {
    waiting.waitMs = waitMs;
    const hold = await supply.one(1);
    if (!hold) return undefined;
    await supply.done(hold);
    await restOfThisTurn(); // the acknowledgement is on its way, even if the program ends with this message
    while (supply.hasUnsent) await pause(1); // unless it waits for the reply to an earlier one, such as for a buried message
    return hold;
  }

  #open(): Desk<T> {
    const waiting: Waiting = { ended: this.#closing.signal, waitMs: 0 };
    return { waiting, supply: new Supply(this.channel, waiting) };
  }

  #keep(desk: Desk<T>): void {
    desk.waiting.ended = this.#closing.signal; // otherwise a caller's signal would stay in memory as long
    this.#kept = desk;
    this.#timer = setTimeout(() => void this.leave().catch(() => undefined), keptMs).unref();
    keepers.add(this);
    if (keepers.size === 1) process.on('beforeExit', leaveAll);
  }

  #release(): Desk<T> | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    clearTimeout(this.#timer);
    keepers.delete(this);
    if (keepers.size === 0) process.off('beforeExit', leaveAll);
    return kept;
  }
}

/** Getters that keep a worker. They share one listener. */
const keepers = new Set<{ leave(): Promise<void> }>();

/** The program has nothing left to do, so there will be no further `get`. */
function leaveAll(): void {
  for (const keeper of keepers) void keeper.leave().catch(() => undefined); // then its lease ends
}
