import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { blockMs, type Client, type Line } from './line.js';

/** Between two waits the server refused at once: out of memory, read-only, away. */
const refusedPauseMs = 250;

/**
 * Waits for a queue to hold something. It decides nothing: what wakes it is moved by the server from the head of base
 * to the shared inbox, where the next take of anyone finds it, so a reply that is lost loses no message.
 */
export class Waiter {
  #line: Promise<Line> | undefined;
  #waiting: Promise<boolean> | undefined;
  #isClosed = false;

  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /**
   * Resolves when there may be something to take, or nothing came for a while; never rejects. A wait that is still
   * under way is joined, not doubled.
   *
   * @param behind asks for something on the same line, behind the wait: Redis answers it when the wait ends. It never rejects,
   *   and is waited for, as the line keeps the process alive only as long as it is used
   * @returns true when a message was moved to the inbox
   */
  wait(behind?: (client: Client) => Promise<void>): Promise<boolean> {
    this.#waiting ??= this.#block(behind).finally(() => (this.#waiting = undefined));
    return this.#waiting;
  }

  /** Ends a wait that is under way. Resolves when the server has noticed, as it would serve a waiter that is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const line = await this.#line?.catch(() => undefined);
    await line?.close();
  }

  async #block(behind?: (client: Client) => Promise<void>): Promise<boolean> {
    try {
      this.#line ??= this.connection.openLine();
      const line = await this.#line;
      if (this.#isClosed) return false;
      const moved = await line.use(async (client) => {
        const socket = 'stream' in client ? client.stream : undefined;
        socket?.cork(); // both in one packet
        const waiting = client.blmove(this.keys.base, this.keys.inbox, 'LEFT', 'RIGHT', blockMs / 1_000);
        const asked = behind?.(client);
        socket?.uncork();
        const element = await waiting;
        await asked;
        return element;
      });
      return moved !== null;
    } catch {
      // Whatever it was, the take that follows meets it too, and knows what to do about it.
      if (!this.#isClosed) await pause(refusedPauseMs);
      return false;
    }
  }
}
