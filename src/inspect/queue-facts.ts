import type { QueueOptions } from '../core/options/queue.js';
import { claimsLayout, layout1Field, type Broker } from '../redis/broker.js';
import type { Connection } from '../redis/connection.js';
import { asking } from './queues.js';

export { claimsLayout };

const patience = { withinMs: 10_000 };
/** A consuming process promotes due messages and recovers ended leases within this time. Later, no such process is running. */
const graceMs = 60_000;
/** Most keys to scan for claims of workers that are missing in the registry. A server can have many more keys of other programs. */
const mostScanned = 1_000_000;

/** Messages and keys of a queue that no worker takes care of. Reading them changes nothing. */
export interface QueueFacts {
  /** Redis type of the base key, which should be a list. */
  readonly type: string;
  /** Active messages of workers that are in the registry but have no lease. */
  readonly activeWithoutLease: number;
  /** Active messages of workers with a lease that ended at least a minute ago. */
  readonly activeWithEndedLease: number;
  /** Workers with claims that are missing in the registry. Recovery looks only at workers in the registry. */
  readonly unregistered: readonly string[];
  /** The same for workers of an earlier version. Their claims are in layout 1, which this version cannot read. */
  readonly unregisteredInLayout1: readonly string[];
  /** Registered workers of another version, and the layout of their claims; absent if there are none. */
  readonly others?: { readonly workers: number; readonly layout: string } | undefined;
  /** Delayed messages that were due at least a minute ago. */
  readonly overdue: number;
  /** Number of delayed messages minus number of due times; below 0: due times without a message. */
  readonly delayedSurplus: number;
  /** Number of dead letters minus number of burial times; below 0: burial times without a dead letter. */
  readonly deadSurplus: number;
}

/** @param withClaims workers that have claims of this queue */
export function readQueue(name: string, address: QueueOptions, withClaims: readonly string[]): Promise<QueueFacts> {
  return asking(name, address, async (broker) => {
    const { connection, keys } = broker;
    const [seconds] = (await connection.call((client) => client.time(), patience)).map(Number) as [number];
    const longAgo = seconds * 1_000 - graceMs;
    const [type, { registry, others }, leases, overdue] = await Promise.all([
      connection.call((client) => client.type(keys.base), patience),
      readRegistry(broker),
      connection.call((client) => client.zrange(keys.workers, 0, '-1', 'WITHSCORES'), patience),
      connection.call((client) => client.zcount(keys.delayed, '-inf', longAgo), patience),
    ]);
    const lease = new Map(
      leases.flatMap((worker, index) => (index % 2 === 0 ? [[worker, Number(leases[index + 1])] as const] : [])),
    );
    const lost = withClaims.filter((worker) => !registry.includes(worker));
    const areInLayout1 = await Promise.all(lost.map((worker) => isInLayout1(broker, worker)));
    return {
      type,
      activeWithoutLease: await activeOf(
        broker,
        registry.filter((worker) => !lease.has(worker)),
      ),
      activeWithEndedLease: await activeOf(
        broker,
        [...lease].filter(([, endsAt]) => endsAt < longAgo).map(([worker]) => worker),
      ),
      unregistered: lost.filter((_, index) => !areInLayout1[index]),
      unregisteredInLayout1: lost.filter((_, index) => areInLayout1[index]),
      others,
      overdue,
      delayedSurplus: await surplus(connection, keys.delayedMessages, keys.delayed),
      deadSurplus: await surplus(connection, keys.deadMessages, keys.dead),
    };
  });
}

/** The registered workers. Those of layouts 1 and 2 are in another key, which also exists while workers of this layout are registered. */
async function readRegistry({
  connection,
  keys,
}: Broker): Promise<{ readonly registry: readonly string[]; readonly others: QueueFacts['others'] }> {
  const [typeBefore, noted, registered] = await Promise.all([
    connection.call((client) => client.type(keys.earlier.registry), patience),
    connection.call((client) => client.hget(keys.meta, 'layout'), patience),
    connection.call((client) => client.hkeys(keys.registry), patience),
  ]);
  const hasAny = typeBefore !== 'none' || registered.length > 0;
  const layout = typeBefore === 'set' ? '1' : (hasAny && noted) || claimsLayout;
  const registry = await connection.call((client) => {
    if (layout === '1') return client.smembers(keys.earlier.registry);
    return layout === '2' ? client.hkeys(keys.earlier.registry) : Promise.resolve(registered);
  }, patience);
  return { registry, others: layout === claimsLayout ? undefined : { workers: registry.length, layout } };
}

async function isInLayout1({ connection, keys }: Broker, worker: string): Promise<boolean> {
  const fields = await connection.call((client) => client.hkeys(keys.claims(worker)), patience);
  return fields.some((field) => layout1Field.test(field));
}

/** Number of active messages of these workers. */
async function activeOf(broker: Broker, workers: readonly string[]): Promise<number> {
  const messages = await Promise.all(workers.map((worker) => broker.activeOf(worker, patience)));
  return messages.reduce((sum, count) => sum + count, 0);
}

/** Reads both sizes in one transaction: a message that comes between two commands would look like an error. */
async function surplus(connection: Connection, hash: string, order: string): Promise<number> {
  const replies = await connection.call((client) => client.multi().hlen(hash).zcard(order).exec(), patience);
  const [messages = 0, places = 0] = (replies ?? []).map(([, reply]) => Number(reply));
  return messages - places;
}

/** Workers with claims, by queue, found by scanning the keys: the registry may not have them. */
export function workersWithClaims(address: QueueOptions): Promise<Map<string, string[]>> {
  return asking('doctor', address, async ({ connection, keys }) => {
    const found = new Map<string, string[]>();
    const form = /^\{(.+)\}:claims:(.+)$/;
    for (let cursor = '0', scanned = 0; scanned < mostScanned; scanned += 1_000) {
      const [next, page] = await connection.call(
        (client) => client.scan(cursor, 'MATCH', `{${keys.names}:*}:claims:*`, 'COUNT', 1_000),
        patience,
      );
      for (const key of page) {
        const [, base = '', worker = ''] = form.exec(key) ?? [];
        const name = base.slice(keys.names.length + 1);
        found.set(name, [...new Set([...(found.get(name) ?? []), worker])]);
      }
      cursor = next;
      if (cursor === '0') break;
    }
    return found;
  });
}
