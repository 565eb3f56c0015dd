import { queueOptions, type QueueOptions } from '../contract/queue-options.js';
import { madeAt } from '../message/ids.js';
import { open, optionsOf } from '../message/envelope.js';
import { Broker } from '../redis/broker.js';
import { Connection } from '../redis/connection.js';
import { Keys } from '../redis/keys.js';

const patience = { withinMs: 10_000 };

/**
 * Names of the queues that something was ever put on through this library, sorted. One that only other programs put on, or
 * that was only taken from, is not among them; nor is what a hand put there that can be no name.
 *
 * @param address where, and the `prefix`; no other options of a queue
 */
export function queueNames(address: QueueOptions = {}): Promise<string[]> {
  return asking('queues', address, async ({ connection, keys }) => {
    const names = await connection.call((client) => client.smembers(keys.names), patience);
    return names.filter(isName).sort();
  });
}

/**
 * When the oldest of those messages was put that stand first in their lane, Unix ms; `undefined` when none is ready, or none
 * tells, as bare messages do not. Messages stand in order, but for those that failed or came back.
 */
export function oldestAt(name: string, address: QueueOptions = {}): Promise<number | undefined> {
  return asking(name, address, async ({ connection, keys: { again, inbox, high, base, low, suspects } }) => {
    const lanes = [again, inbox, high, base, low, suspects];
    // The header stands within the first 256 bytes, and a message may be large, but Redis cannot give a part of an element.
    const heads = await Promise.all(lanes.map((lane) => connection.call((client) => client.lindex(lane, 0), patience)));
    const times = heads.flatMap((head) => (head === null ? [] : (putAtOf(head) ?? [])));
    return times.length === 0 ? undefined : Math.min(...times);
  });
}

/** Asks Redis about a queue, apart from any HotQueue; the connection is shared with those of the same address. */
export async function asking<R>(name: string, address: QueueOptions, ask: (broker: Broker) => Promise<R>): Promise<R> {
  const { prefix, connection: where } = queueOptions(name, address);
  const keys = new Keys(name, prefix);
  const connection = Connection.share(where);
  try {
    return await ask(new Broker(connection, keys));
  } finally {
    await connection.leave();
  }
}

function isName(name: string): boolean {
  try {
    return new Keys(name).base !== '';
  } catch {
    return false;
  }
}

function putAtOf(message: string): number | undefined {
  const { header } = open(message);
  return header && (optionsOf(header).putAt ?? madeAt(header.id));
}
