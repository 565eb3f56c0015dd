import { newId } from '../message/ids.js';
import type { Patience } from '../redis/connection.js';
import type { Waiter } from '../redis/waiter.js';
import type { Channel, Tended } from './channel.js';
import { Claim } from './claim.js';

const leavePatienceMs = 5_000;
/** Node fires timers beyond this at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Takes messages for one consumer: registers as a worker, takes, waits, and leaves. At most one take is in flight, and
 * its number advances only when it brought something, so one whose reply was lost can be sent again.
 */
export class Fetcher implements Tended {
  #worker: string | undefined;
  #number = 0;
  #waiter: Waiter | undefined;
  #isIdle = false;
  #poked: (() => void) | undefined;

  /**
   * @param taking aborts taking; what was in flight then is given back by {@link leave}
   * @param settling how long the settling of a claim may wait for Redis
   */
  constructor(
    private readonly channel: Channel,
    private readonly taking: AbortSignal,
    private readonly settling: Patience,
  ) {}

  /**
   * Claims what is ready.
   *
   * @param most how many at the most, 1 or more
   * @returns none when nothing is ready
   */
  async take(most: number): Promise<Claim[]> {
    const worker = (this.#worker ??= await this.#join());
    const taken = await this.channel.broker.take(worker, this.#number + 1, most, { signal: this.taking });
    if (taken === 'lost') {
      this.#worker = undefined;
      return this.take(most);
    }
    if (taken.held.length > 0) this.#number += 1;
    if (taken.nextDueMs !== undefined) this.channel.upkeep.dueIn(taken.nextDueMs);
    return taken.held.map((held) => new Claim(this.channel, worker, held, this.settling));
  }

  /** Resolves when something may be ready, when `until` aborts, or after `timeoutMs`. */
  async idle(until: AbortSignal, timeoutMs = Infinity): Promise<void> {
    if (until.aborted) return;
    this.#isIdle = true;
    let timer: NodeJS.Timeout | undefined;
    const poked = new Promise<void>((resolve) => (this.#poked = resolve));
    const poke = (): void => this.poke();
    until.addEventListener('abort', poke);
    if (timeoutMs < Infinity) timer = setTimeout(poke, Math.min(timeoutMs, longestTimerMs));
    try {
      await Promise.race([this.#wait(), poked]);
    } finally {
      this.#isIdle = false;
      this.#poked = undefined;
      until.removeEventListener('abort', poke);
      clearTimeout(timer);
    }
  }

  /** Ends an {@link idle} that is under way: something became ready that rings no bell. */
  poke(): void {
    this.#poked?.();
  }

  /** Gives back whatever is still held, and takes this worker off the register. */
  async leave(): Promise<void> {
    this.channel.upkeep.remove(this);
    // The waiter first: the server would go on to serve it, and what it is given would wait for somebody's next take.
    await this.#waiter?.close();
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker) await this.channel.broker.leave(worker, { withinMs: leavePatienceMs });
  }

  async #join(): Promise<string> {
    const worker = newId();
    await this.channel.broker.join(worker, { signal: this.taking });
    this.#number = 0;
    this.channel.upkeep.add(this);
    return worker;
  }

  async #wait(): Promise<void> {
    this.#waiter ??= this.channel.broker.waiter();
    const moved = await this.#waiter.wait();
    // Woken while busy: the message belongs to whoever is free, so it goes back to where the others wait.
    if (moved && !this.#isIdle && this.#worker) await this.channel.broker.release(this.#worker, []).catch(() => undefined);
  }
}
