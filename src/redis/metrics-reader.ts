import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import { tenSeconds } from './reading.js';

/** Counts by their names in `telemetry/tally.ts`. A name is absent if its count is 0. */
export type Counts = Readonly<Record<string, number>>;

/** Reads the metrics of a queue, and changes nothing. */
export class MetricsReader {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /** Counts since the queue began. */
  async total(patience = tenSeconds): Promise<Counts> {
    const [counts] = await this.#read([this.keys.metricsTotal], patience);
    return counts!;
  }

  /** Counts of minutes or hours. @param starts Unix ms */
  of(period: 'minute' | 'hour', starts: readonly number[], patience = tenSeconds): Promise<Counts[]> {
    return this.#read(
      starts.map((at) => this.keys.metricsOf(period, at)),
      patience,
    );
  }

  async #read(keys: readonly string[], patience: Patience): Promise<Counts[]> {
    const found = await this.connection.call((client) => Promise.all(keys.map((key) => client.hgetall(key))), patience);
    return found.map((fields) =>
      Object.fromEntries(Object.entries(fields).map(([name, count]) => [name, Number(count)])),
    );
  }
}
