import type { HistoryReader } from '../redis/history-reader.js';
import type { RedisClient } from '../redis/redis-client.js';

/** Blocking reads on a connection of their own, which opens with the first one and ends with the loop. */
export class Waiting {
  #line: RedisClient | undefined;
  readonly #end = (): void => void this.#line?.close();

  constructor(
    private readonly reader: HistoryReader,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', this.#end);
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
    this.signal.removeEventListener('abort', this.#end);
    await this.#line?.close();
  }
}
