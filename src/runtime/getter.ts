import { setImmediate as restOfThisTurn, setTimeout as pause } from 'node:timers/promises';
import type { Taking } from '../contract/queue-options.js';
import type { Channel } from './channel.js';
import { Supply, type Hold, type Waiting } from './supply.js';

/** How long a worker that nobody asks stays registered, for whoever asks again. */
const keptMs = 2_000;

/** A worker, and what the one who asks it at the moment will wait for. */
interface Desk<T> {
  readonly supply: Supply<T>;
  readonly waiting: Waiting;
}

/**
 * Hands out single messages. The worker that took the last one is kept for a moment, so that a loop of `get` neither joins
 * nor leaves each time; it holds nothing, and keeps no process alive.
 */
export class Getter<T> {
  readonly #closing = new AbortController();
  readonly #asked = new Set<Promise<unknown>>();
  #kept: Desk<T> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly channel: Channel<T>) {}

  /** The next payload, settled; `undefined` when there is none, or `signal` aborts. */
  async get(options: Taking & { readonly block: boolean }): Promise<T | undefined> {
    const asking = this.#get(options);
    this.#asked.add(asking);
    try {
      return (await asking)?.delivery.payload;
    } finally {
      this.#asked.delete(asking);
    }
  }

  /** Ends what waits, and leaves. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#asked);
    await this.leave();
  }

  /** Takes the worker that is kept off the register. */
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
      // One that has waited may wait still: the server would hand it the next message.
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
    while (supply.hasUnsent) await pause(1); // unless it waits for the answer to an earlier one, such as of a buried message
    return hold;
  }

  #open(): Desk<T> {
    const waiting: Waiting = { ended: this.#closing.signal, waitMs: 0 };
    return { waiting, supply: new Supply(this.channel, waiting) };
  }

  #keep(desk: Desk<T>): void {
    desk.waiting.ended = this.#closing.signal; // a signal of the caller's would live as long
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

/** Those that keep a worker: one listener for all of them. */
const keepers = new Set<{ leave(): Promise<void> }>();

/** The program has come to its end: nobody will ask again. */
function leaveAll(): void {
  for (const keeper of keepers) void keeper.leave().catch(() => undefined); // its lease ends without us
}
