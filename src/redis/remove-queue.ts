import type { JobStatus } from '../core/job.js';
import type { Connection, Patience } from './connection.js';
import { isCluster, type IoredisClient } from './client-options.js';
import type { Keys } from './keys.js';

/** How long Redis keeps its reply: longer than the client repeats the request. */
const requestMemoryMs = 600_000;
/** Keys for each command of a scan, and for each command that deletes. */
const pageSize = 1_000;

/** Keys of a queue whose names only a scan of the server finds. */
export interface FoundKeys {
  /** Workers that have claims. */
  readonly workers: readonly string[];
  /** Keys of ids that callers chose. */
  readonly marks: readonly string[];
  /** What belongs to jobs, schedules and metrics: records, indexes, unique keys, counts. */
  readonly others: readonly string[];
}

/**
 * remove: deletes all keys of a queue and its name. Batch numbers of put batchers and answers to requests stay: they hold no
 * message, expire after ten minutes, and without them a put that is sent again would be stored twice.
 *
 * @param isForced also if workers are registered or messages are there
 * @param request a new id for each removal: a request with the same id does nothing more
 * @returns whether it was removed
 */
export async function removeQueue(
  connection: Connection,
  keys: Keys,
  { isForced, request }: { readonly isForced: boolean; readonly request: string },
  patience: Patience,
): Promise<boolean> {
  for (;;) {
    const { workers, marks, others } = await findKeys(connection, keys, patience);
    const own = [keys.workers, keys.registry, keys.heartbeats, keys.commands, keys.left, keys.meta];
    const messages = [keys.earlier.registry, keys.delayedMessages, keys.deadMessages, keys.delayed, keys.dead];
    const { schedules, outbox } = keys;
    const lists = [...keys.waiting, keys.earlier.requeued, keys.earlier.quarantine];
    const claims = workers.map((worker) => keys.claims(worker));
    const args = [requestMemoryMs, isForced ? 'force' : '', ...workers];
    const all = [keys.request(request), ...own, ...messages, schedules, outbox, ...lists, ...claims];
    const reply = await connection.script('remove', all, args, patience);
    if (reply === 0) return false;
    if (reply === -1) continue;
    const rest = [...marks, ...others];
    for (let from = 0; from < rest.length; from += pageSize)
      await connection.call((client) => client.del(...rest.slice(from, from + pageSize)), patience);
    await connection.call((client) => client.srem(keys.names, keys.base.slice(keys.names.length + 1)), patience);
    return true;
  }
}

/** Registered workers, and those keys of the queue that no other key names. It reads the names of all keys of the server. */
export async function findKeys(connection: Connection, keys: Keys, patience: Patience): Promise<FoundKeys> {
  const found = await connection.call((client) => keysLike(client, keys.pattern), patience);
  const [leases, registered] = await connection.call(
    (client) => Promise.all([client.zrange(keys.workers, 0, '-1'), client.hkeys(keys.registry)]),
    patience,
  );
  const [claims, marks] = [keys.claims(''), keys.mark('')];
  const ofJobs = [
    keys.job(''),
    keys.jobIndex('' as JobStatus),
    keys.schedule(''),
    keys.scheduleRuns(''),
    keys.parents(''),
    keys.metricsTotal.replace(/total$/, ''),
  ];
  const single = [...keys.jobIndexes, keys.uncounted, keys.blocked];
  const withClaims = found.filter((key) => key.startsWith(claims)).map((key) => key.slice(claims.length));
  return {
    workers: [...new Set([...withClaims, ...leases, ...registered])],
    marks: found.filter((key) => key.startsWith(marks)),
    others: found.filter((key) => ofJobs.some((start) => key.startsWith(start)) || single.includes(key)),
  };
}

/** In a cluster, each master knows only its own keys. */
async function keysLike(client: IoredisClient, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  for (const server of isCluster(client) ? client.nodes('master') : [client]) {
    let cursor = '0';
    do {
      const [next, page] = await server.scan(cursor, 'MATCH', pattern, 'COUNT', pageSize);
      for (const key of page) found.add(key);
      cursor = next;
    } while (cursor !== '0');
  }
  return [...found];
}
