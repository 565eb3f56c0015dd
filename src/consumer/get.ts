import { setImmediate as endOfTurn, setTimeout as pause } from 'node:timers/promises';
import { linkSignals } from '../core/linked-signal.js';
import type { ResolvedGetOptions } from '../core/options/consume.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { Claim } from './claim.js';
import { MessageSource, type WaitLimits } from './message-source.js';

/** How long a worker stays registered after the last `get`. */
const keptMs = 2_000;

/** A registered worker, and how long it waits for the call that uses it now. */
interface Getting<T> {
  readonly source: MessageSource<T>;
  readonly limits: WaitLimits;
}

/**
 * `get()`: one message at a time. The worker of the last call is kept for two seconds, so a loop of `get` neither joins nor
 * leaves each time. A kept worker holds no message, and keeps no process alive.
 */
export class Getter<T> {
  readonly #closing = new AbortController();
  readonly #calls = new Set<Promise<unknown>>();
  #kept: Getting<T> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly context: QueueContext<T>) {}

  /** The next payload, acknowledged; `undefined` when there is none, or `signal` aborts. */
  async get(options: ResolvedGetOptions): Promise<T | undefined> {
    const call = this.#get(options);
    this.#calls.add(call);
    try {
      return (await call)?.payload;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Ends calls that wait, and ends the registration. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#calls);
    await this.leave();
  }

  /** Ends the registration of the worker that is kept. */
  async leave(): Promise<void> {
    await this.#takeKept()?.source.leave([]);
  }

  async #get({ block, timeoutMs, signal }: ResolvedGetOptions): Promise<Claim<T> | undefined> {
    const { signal: closed } = this.#closing;
    const getting = this.#takeKept() ?? this.#open();
    const linked = signal && linkSignals(signal, closed);
    getting.limits.ended = linked?.signal ?? closed;
    let mayKeep = false;
    try {
      const atOnce = await this.#next(getting, 0);
      // A worker that has waited may wait still: Redis would hand the next message to it.
      mayKeep = (atOnce !== undefined || !block) && !getting.limits.ended.aborted;
      return atOnce ?? (block ? await this.#next(getting, timeoutMs) : undefined);
    } finally {
      linked?.unlink();
      if (mayKeep && !this.#kept) this.#keep(getting);
      else await getting.source.leave([]);
    }
  }

  async #next({ source, limits }: Getting<T>, waitMs: number | undefined): Promise<Claim<T> | undefined> {
    limits.waitMs = waitMs;
    const claim = await source.one(1);
    if (!claim) return undefined;
    await source.done(claim);
    await endOfTurn(); // the acknowledgement is on its way, also when the program ends with this message
    while (source.hasUnsent) await pause(1); // unless it waits for the reply to an earlier one, such as of a buried message
    return claim;
  }

  #open(): Getting<T> {
    const limits: WaitLimits = { ended: this.#closing.signal, waitMs: 0 };
    return { limits, source: new MessageSource(this.context, limits) };
  }

  #keep(getting: Getting<T>): void {
    getting.limits.ended = this.#closing.signal; // otherwise the caller's signal would live as long
    this.#kept = getting;
    this.#timer = setTimeout(() => void this.leave().catch(() => undefined), keptMs).unref();
    keptGetters.add(this);
    if (keptGetters.size === 1) process.on('beforeExit', leaveAll);
  }

  #takeKept(): Getting<T> | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    clearTimeout(this.#timer);
    keptGetters.delete(this);
    if (keptGetters.size === 0) process.off('beforeExit', leaveAll);
    return kept;
  }
}

/** Those that keep a worker: one listener serves all of them. */
const keptGetters = new Set<{ leave(): Promise<void> }>();

/** The program ends: no call will follow. */
function leaveAll(): void {
  for (const getter of keptGetters) void getter.leave().catch(() => undefined); // otherwise its lease ends
}
