import type { Channel } from '../runtime/channel.js';

/** How many messages of a queue are where, at one moment. */
export interface Counts {
  /** Ready to be taken: what `size()` says. */
  readonly waiting: number;
  /** Not yet due. */
  readonly delayed: number;
  /** In the hands of a worker. */
  readonly claimed: number;
  readonly dead: number;
  /** Consumers and handlers that are registered. */
  readonly workers: number;
}

const patience = { withinMs: 10_000 };

export async function countsOf({ broker }: Channel): Promise<Counts> {
  const { connection, keys } = broker;
  const [waiting, delayed, dead, workers] = await Promise.all([
    broker.size(patience),
    connection.call((client) => client.zcard(keys.delayed), patience),
    connection.call((client) => client.zcard(keys.dead), patience),
    connection.call((client) => client.zrange(keys.workers, 0, '-1'), patience),
  ]);
  const held = await Promise.all(workers.map((worker) => connection.call((client) => client.hlen(keys.claims(worker)), patience)));
  const seqs = await Promise.all(workers.map((worker) => connection.call((client) => client.hexists(keys.claims(worker), 'seq'), patience)));
  const claimed = held.reduce((sum, fields, index) => sum + fields - (seqs[index] ?? 0), 0);
  return { waiting, delayed, claimed, dead, workers: workers.length };
}
