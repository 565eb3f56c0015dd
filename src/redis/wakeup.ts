import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { blockMs, type IoredisClient, type RedisClient } from './redis-client.js';

/** Pause after a wait that the server refused at once: it is out of memory, read-only or unreachable. */
const refusedPauseMs = 250;

/**
 * Waits until a queue has a message, with BLMOVE. It claims nothing: Redis moves the message that ends the wait from the head
 * of base to the shared inbox, where the next take of any worker finds it. So a lost reply loses no message.
 */
export class WakeupWait {
  #line: Promise<RedisClient> | undefined;
  #waiting: Promise<boolean> | undefined;
  #isClosed = false;

  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /**
   * Resolves when there may be a message to take, or when none came for 5 s. Never rejects. Calls during a wait share it.
   *
   * @param behind sends another command on the same Redis client. Redis answers it when the wait ends. It must not reject. The
   *   wait includes it, because the client keeps the process alive only while it is in use
   * @returns true if a message was moved to the inbox
   */
  wait(behind?: (client: IoredisClient) => Promise<void>): Promise<boolean> {
    this.#waiting ??= this.#block(behind).finally(() => (this.#waiting = undefined));
    return this.#waiting;
  }

  /** Ends a current wait. Resolves when the server has noticed: until then it would still move a message for this wait. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const line = await this.#line?.catch(() => undefined);
    await line?.close();
  }

  async #block(behind?: (client: IoredisClient) => Promise<void>): Promise<boolean> {
    try {
      this.#line ??= this.connection.openClient();
      const line = await this.#line;
      if (this.#isClosed) return false;
      const moved = await line.use(async (client) => {
        const socket = 'stream' in client ? client.stream : undefined;
        socket?.cork(); // both in one packet
        const { base, inbox } = this.keys;
        const replies = Promise.all([
          client.blmoveBuffer(base, inbox, 'LEFT', 'RIGHT', blockMs / 1_000),
          behind?.(client),
        ]);
        socket?.uncork();
        const [element] = await replies;
        return element;
      });
      return moved !== null;
    } catch {
      // The next take gets the same error and handles it.
      if (!this.#isClosed) await pause(refusedPauseMs);
      return false;
    }
  }
}
