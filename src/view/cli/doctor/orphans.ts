import type { QueueOptions } from 'hotqueue';
import { claimsLayout, layout1Field, type Broker } from '../../../redis/broker.js';
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
  /** The same, of an earlier version: their claims are in layout 1, which this version cannot read. */
  readonly offTheRollInLayout1: readonly string[];
  /** Registered workers of another version, and how they keep their claims; absent when there are none. */
  readonly others?: { readonly workers: number; readonly layout: string } | undefined;
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
  const { type, heldByGone, heldBySilent, offTheRoll, offTheRollInLayout1, others, overdue, delayedSurplus, deadSurplus } = facts;
  const comesBackBy = (worker: string): string => `start ${worker} on it: it gives them back within two minutes`;
  const comesBack = comesBackBy(others ? 'a worker of that version' : 'a worker');
  return [
    type !== 'list' && type !== 'none' && problem(check, `its key holds a ${type}, and should hold a list`, 'something else uses that name: rename it (redis-cli RENAME), or give the queue another name or prefix'),
    others &&
      problem(
        check,
        `${count(others.workers, 'worker')} of another version registered, whose claims are in layout ${others.layout}: workers of this version, in layout ${claimsLayout}, cannot start`,
        'stop the workers of the other version, and let them finish; if some were killed, run one worker of that version until no message is held, then stop it',
      ),
    heldByGone > 0 && warning(check, `${count(heldByGone, 'message')} held by workers that are registered no more`, comesBack),
    heldBySilent > 0 && warning(check, `${count(heldBySilent, 'message')} held by workers whose lease has ended, and nobody to recover them`, comesBack),
    offTheRoll.length > 0 && problem(check, `${count(offTheRoll.length, 'worker')} with messages that are on no register: ${offTheRoll.join(', ')}`, `put them back on it, redis-cli HSET '{…:${name}}:roll' ${offTheRoll[0]} unknown; then ${comesBack}`),
    offTheRollInLayout1.length > 0 &&
      problem(
        check,
        `${count(offTheRollInLayout1.length, 'worker')} of an earlier version with messages that are on no register: ${offTheRollInLayout1.join(', ')}`,
        `stop the workers of this version, which cannot read them; put them back, redis-cli SADD '{…:${name}}:roll' ${offTheRollInLayout1[0]}; then ${comesBackBy('a worker of that version')}`,
      ),
    overdue > 0 && warning(check, `${count(overdue, 'delayed message')} due, and nobody to promote them`, 'start a worker on it: it promotes them within a second'),
    delayedSurplus > 0 && warning(check, `${count(delayedSurplus, 'delayed message')} without a place in the order`, 'start a worker on it: its janitor mends that within two minutes'),
    delayedSurplus < 0 && warning(check, `${count(-delayedSurplus, 'place')} among the delayed without a message`, 'they vanish when they are due; if messages are missing, ask who wrote to these keys'),
    deadSurplus > 0 && warning(check, `${count(deadSurplus, 'dead letter')} without a place in the order`, 'start a worker on it: its janitor mends that within two minutes'),
    deadSurplus < 0 && warning(check, `${count(-deadSurplus, 'place')} among the dead letters without a letter`, '"hotqueue dead drop" takes them away; if letters are missing, ask who wrote to these keys'),
  ].filter((finding) => typeof finding === 'object');
}

function readQueue(name: string, address: QueueOptions, holders: readonly string[]): Promise<QueueFacts> {
  return asking(name, address, async (broker) => {
    const { connection, keys } = broker;
    const [seconds] = (await connection.call((client) => client.time(), patience)).map(Number) as [number];
    const longAgo = seconds * 1_000 - graceMs;
    const [type, { roll, others }, leases, overdue] = await Promise.all([
      connection.call((client) => client.type(keys.base), patience),
      readRoll(broker),
      connection.call((client) => client.zrange(keys.workers, 0, '-1', 'WITHSCORES'), patience),
      connection.call((client) => client.zcount(keys.delayed, '-inf', longAgo), patience),
    ]);
    const lease = new Map(leases.flatMap((worker, index) => (index % 2 === 0 ? [[worker, Number(leases[index + 1])] as const] : [])));
    const lost = holders.filter((worker) => !roll.includes(worker));
    const areInLayout1 = await Promise.all(lost.map((worker) => isInLayout1(broker, worker)));
    return {
      type,
      heldByGone: await held(broker, roll.filter((worker) => !lease.has(worker))),
      heldBySilent: await held(broker, [...lease].filter(([, endsAt]) => endsAt < longAgo).map(([worker]) => worker)),
      offTheRoll: lost.filter((_, index) => !areInLayout1[index]),
      offTheRollInLayout1: lost.filter((_, index) => areInLayout1[index]),
      others,
      overdue,
      delayedSurplus: await surplus(connection, keys.delayedMessages, keys.delayed),
      deadSurplus: await surplus(connection, keys.deadMessages, keys.dead),
    };
  });
}

/** Every worker on the roll: a hash, and a set in layout 1. */
async function readRoll({ connection, keys }: Broker): Promise<{ readonly roll: readonly string[]; readonly others: QueueFacts['others'] }> {
  const [type, noted] = await Promise.all([connection.call((client) => client.type(keys.roll), patience), connection.call((client) => client.hget(keys.meta, 'layout'), patience)]);
  if (type === 'none') return { roll: [], others: undefined };
  const layout = type === 'set' ? '1' : (noted ?? claimsLayout);
  const roll = await connection.call((client) => (type === 'set' ? client.smembers(keys.roll) : client.hkeys(keys.roll)), patience);
  return { roll, others: layout === claimsLayout ? undefined : { workers: roll.length, layout } };
}

async function isInLayout1({ connection, keys }: Broker, worker: string): Promise<boolean> {
  const fields = await connection.call((client) => client.hkeys(keys.claims(worker)), patience);
  return fields.some((field) => layout1Field.test(field));
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
