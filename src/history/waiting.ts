import { onAbort } from '../core/on-abort.js';
import type { HistoryReader } from '../redis/history-reader.js';
import type { RedisClient } from '../redis/redis-client.js';

/** Blocking reads on a connection of their own, which opens with the first one and ends with the loop. */
export class Waiting {
  #line: RedisClient | undefined;
  readonly #forget: () => void;

  constructor(
    private readonly reader: HistoryReader,
    private readonly signal: AbortSignal,
  ) {
    this.#forget = onAbort(signal, () => void this.#line?.close());
  }

  /**
   * @param wait a blocking read. If it fails, `ask` is called: it waits for Redis, and throws what waiting does not change
   * @returns nothing if the signal has aborted
   */
  async read<E>(wait: (line: RedisClient) => Promise<E[]>, ask: () => Promise<E[]>): Promise<E[]> {
    try {
      this.#line ??= await this.reader.openLine();
      if (this.signal.aborted) return [];
      return await wait(this.#line);
    } catch {
      if (this.signal.aborted) return [];
    }
    try {
      return await ask();
    } catch (error) {
      if (this.signal.aborted) return [];
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#forget();
    await this.#line?.close();
  }
}
