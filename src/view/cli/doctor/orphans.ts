import type { QueueOptions } from 'hotqueue';
import type { Broker } from '../../../redis/broker.js';
import type { Connection } from '../../../redis/connection.js';
import { asking, queueNames } from '../../queues.js';
import { count } from '../output.js';
import { ok, problem, warning, type Finding } from './finding.js';

const patience = { withinMs: 10_000 };
/** What is due is promoted, and what has ended recovered, well within this by anybody who takes. */
const graceMs = 60_000;
/** Keys looked through for claims that no register names; a server may hold more of others. */
const mostScanned = 1_000_000;

/** What of a queue nobody looks after; only read. */
export interface QueueFacts {
  /** Of the key that should be a list. */
  readonly type: string;
  /** Held by workers that are on the roll, and have neither a lease nor left. */
  readonly heldByGone: number;
  /** Held by workers whose lease ended a minute ago or more. */
  readonly heldBySilent: number;
  /** Workers with claims that are not on the roll, where alone recovery looks. */
  readonly offTheRoll: readonly string[];
  /** Delayed messages that were due a minute ago or more. */
  readonly overdue: number;
  /** Delayed messages less their places in the order; below 0: places without a message. */
  readonly delayedSurplus: number;
  readonly deadSurplus: number;
}

/** Looks at every queue there is. */
export async function findOrphans(address: QueueOptions): Promise<Finding[]> {
  const names = await queueNames(address);
  const holders = await holdersOf(address);
  const all = [...new Set([...names, ...holders.keys()])].sort();
  const findings = (await Promise.all(all.map(async (name) => judgeQueue(name, await readQueue(name, address, holders.get(name) ?? []))))).flat();
  return findings.length > 0 ? findings : [ok('orphans', `none in ${count(all.length, 'queue')}`)];
}

/** What the facts mean; pure. */
export function judgeQueue(name: string, facts: QueueFacts): Finding[] {
  const check = `queue ${name}`;
  const comesBack = 'start a worker on it: it gives them back within two minutes';
  const { type, heldByGone, heldBySilent, offTheRoll, overdue, delayedSurplus, deadSurplus } = facts;
  return [
    type !== 'list' && type !== 'none' && problem(check, `its key holds a ${type}, and should hold a list`, 'something else uses that name: rename it (redis-cli RENAME), or give the queue another name or prefix'),
    heldByGone > 0 && warning(check, `${count(heldByGone, 'message')} held by workers that are registered no more`, comesBack),
    heldBySilent > 0 && warning(check, `${count(heldBySilent, 'message')} held by workers whose lease has ended, and nobody to recover them`, comesBack),
    offTheRoll.length > 0 && problem(check, `${count(offTheRoll.length, 'worker')} with messages that are on no register: ${offTheRoll.join(', ')}`, `put them back on it, redis-cli HSET '{…:${name}}:roll' ${offTheRoll[0]} unknown; then ${comesBack}`),
    overdue > 0 && warning(check, `${count(overdue, 'delayed message')} due, and nobody to promote them`, 'start a worker on it: it promotes them within a second'),
    delayedSurplus > 0 && warning(check, `${count(delayedSurplus, 'delayed message')} without a place in the order`, 'start a worker on it: its janitor mends that within two minutes'),
    delayedSurplus < 0 && warning(check, `${count(-delayedSurplus, 'place')} among the delayed without a message`, 'they vanish when they are due; if messages are missing, ask who wrote to these keys'),
    deadSurplus > 0 && warning(check, `${count(deadSurplus, 'dead letter')} without a place in the order`, 'start a worker on it: its janitor mends that within two minutes'),
    deadSurplus < 0 && warning(check, `${count(-deadSurplus, 'place')} among the dead letters without a letter`, '"hotqueue dead drop" takes them away; if letters are missing, ask who wrote to these keys'),
  ].filter((finding) => finding !== false);
}

function readQueue(name: string, address: QueueOptions, holders: readonly string[]): Promise<QueueFacts> {
  return asking(name, address, async (broker) => {
    const { connection, keys } = broker;
    const [seconds] = (await connection.call((client) => client.time(), patience)).map(Number) as [number];
    const longAgo = seconds * 1_000 - graceMs;
    const [type, roll, leases, overdue] = await Promise.all([
      connection.call((client) => client.type(keys.base), patience),
      connection.call((client) => client.hkeys(keys.roll), patience),
      connection.call((client) => client.zrange(keys.workers, 0, '-1', 'WITHSCORES'), patience),
      connection.call((client) => client.zcount(keys.delayed, '-inf', longAgo), patience),
    ]);
    const lease = new Map(leases.flatMap((worker, index) => (index % 2 === 0 ? [[worker, Number(leases[index + 1])] as const] : [])));
    return {
      type,
      heldByGone: await held(broker, roll.filter((worker) => !lease.has(worker))),
      heldBySilent: await held(broker, [...lease].filter(([, endsAt]) => endsAt < longAgo).map(([worker]) => worker)),
      offTheRoll: holders.filter((worker) => !roll.includes(worker)),
      overdue,
      delayedSurplus: await surplus(connection, keys.delayedMessages, keys.delayed),
      deadSurplus: await surplus(connection, keys.deadMessages, keys.dead),
    };
  });
}

/** How many messages these workers hold. */
async function held(broker: Broker, workers: readonly string[]): Promise<number> {
  const messages = await Promise.all(workers.map((worker) => broker.held(worker, patience)));
  return messages.reduce((sum, count) => sum + count, 0);
}

/** Both at one moment: between two questions a message may come or go. */
async function surplus(connection: Connection, hash: string, order: string): Promise<number> {
  const replies = await connection.call((client) => client.multi().hlen(hash).zcard(order).exec(), patience);
  const [messages = 0, places = 0] = (replies ?? []).map(([, reply]) => Number(reply));
  return messages - places;
}

/** Workers that hold messages, by queue, from their keys themselves. */
function holdersOf(address: QueueOptions): Promise<Map<string, string[]>> {
  return asking('doctor', address, async ({ connection, keys }) => {
    const found = new Map<string, string[]>();
    const form = /^\{(.+)\}:claims:(.+)$/;
    for (let cursor = '0', scanned = 0; scanned < mostScanned; scanned += 1_000) {
      const [next, page] = await connection.call((client) => client.scan(cursor, 'MATCH', `{${keys.names}:*}:claims:*`, 'COUNT', 1_000), patience);
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
