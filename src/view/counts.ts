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
  /** Consumers and handlers that are registered; a queue that was asked by `get` is one for two seconds. */
  readonly workers: number;
  /**
   * Attempts that ended well, ever; what a worker did since its last beat (10 seconds) is added with the next, and what
   * one did between its last beat and its death never.
   */
  readonly handled: number;
  /** Attempts that ended in another try or among the dead letters, as {@link handled}. */
  readonly failed: number;
}

const patience = { withinMs: 10_000 };

export async function countsOf({ broker }: Channel): Promise<Counts> {
  const { connection, keys } = broker;
  const [counted, sums, reports] = await Promise.all([
    broker.count(patience),
    connection.call((client) => client.hmget(keys.meta, 'handled', 'failed'), patience),
    connection.call((client) => client.hvals(keys.reports), patience),
  ]);
  const [handled, failed] = [0, 1].map((which) => reports.reduce((sum, report) => sum + Number(report.split(' ', 2)[which] ?? 0), Number(sums[which] ?? 0)));
  return { ...counted, handled: handled ?? 0, failed: failed ?? 0 };
}
