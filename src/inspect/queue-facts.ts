import type { QueueOptions } from '../core/options/queue.js';
import { Audit } from '../redis/audit.js';
import type { Broker } from '../redis/broker.js';
import { claimsLayout } from '../redis/layouts.js';
import { definitionOf } from '../schedules/definition.js';
import { heldJobs, type HeldJobs } from './held-jobs.js';
import { asking } from './queues.js';
import { viewOf } from './workers.js';

export { claimsLayout };

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
  /** Schedules that were due at least a minute ago. */
  readonly overdueSchedules: number;
  /** Schedules that the code of their worker does not declare any more: it has started since without them. */
  readonly undeclared: readonly { readonly name: string; readonly worker: string }[];
  /** Jobs that wait for others, and that no process takes care of. */
  readonly held: HeldJobs;
}

/** @param withClaims workers that have claims of this queue */
export function readQueue(name: string, address: QueueOptions, withClaims: readonly string[]): Promise<QueueFacts> {
  return asking(name, address, async (broker) => {
    const { connection, keys, reader } = broker;
    const audit = new Audit(connection, keys);
    const longAgo = (await reader.now()) - graceMs;
    const [type, registry, leases, overdue] = await Promise.all([
      audit.baseType(),
      reader.registry(),
      reader.leases(),
      audit.overdue(longAgo),
    ]);
    const withLease = new Set(leases.map(({ worker }) => worker));
    const lost = withClaims.filter((worker) => !registry.workers.includes(worker));
    const areInLayout1 = await Promise.all(lost.map((worker) => audit.isInLayout1(worker)));
    return {
      type,
      activeWithoutLease: await activeOf(
        broker,
        registry.workers.filter((worker) => !withLease.has(worker)),
      ),
      activeWithEndedLease: await activeOf(
        broker,
        leases.filter(({ endsAt }) => endsAt < longAgo).map(({ worker }) => worker),
      ),
      unregistered: lost.filter((_, index) => !areInLayout1[index]),
      unregisteredInLayout1: lost.filter((_, index) => areInLayout1[index]),
      ...(registry.layout !== claimsLayout && {
        others: { layout: registry.layout, workers: registry.workers.length },
      }),
      overdue,
      delayedSurplus: await audit.delayedSurplus(),
      deadSurplus: await audit.deadSurplus(),
      ...(await schedulesOf(name, broker, longAgo)),
      held: await heldJobs(broker, longAgo),
    };
  });
}

async function schedulesOf(
  queue: string,
  { schedules, reader }: Broker,
  longAgo: number,
): Promise<Pick<QueueFacts, 'overdueSchedules' | 'undeclared'>> {
  const all = await schedules.list();
  const reports = all.length === 0 ? {} : await reader.heartbeats();
  const workers = Object.entries(reports).map(([id, report]) => viewOf(id, queue, 0, report));
  return {
    overdueSchedules: all.filter(({ dueAt = Infinity }) => dueAt < longAgo).length,
    undeclared: all.flatMap((schedule) => {
      const { worker } = definitionOf(schedule) ?? {};
      const { name, declaredAt = Infinity } = schedule;
      // The clocks of machines differ a little.
      const hasStartedSince = workers.some((one) => one.name === worker && one.startedAt > declaredAt + graceMs);
      return worker !== undefined && hasStartedSince ? [{ name, worker }] : [];
    }),
  };
}

/** Number of active messages of these workers. */
async function activeOf(broker: Broker, workers: readonly string[]): Promise<number> {
  const messages = await Promise.all(workers.map((worker) => broker.reader.activeOf(worker)));
  return messages.reduce((sum, count) => sum + count, 0);
}

/** Workers with claims, by queue, found by scanning the keys: the registry may not have them. */
export function workersWithClaims(address: QueueOptions): Promise<Map<string, string[]>> {
  return asking('doctor', address, ({ connection, keys }) =>
    new Audit(connection, keys).workersWithClaims(mostScanned),
  );
}
