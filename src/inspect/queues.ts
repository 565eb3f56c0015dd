import { queueOptions, type QueueOptions } from '../core/options/queue.js';
import { madeAt } from '../wire/id.js';
import { open, optionsOf } from '../wire/envelope.js';
import { Broker } from '../redis/broker.js';
import { Connection } from '../redis/connection.js';
import { Keys } from '../redis/keys.js';

/**
 * Sorted names of the queues that this library ever put a message on, or that its workers ever joined.
 *
 * Queues that only other programs write to are missing. Entries that are not valid queue names are left out: another program
 * wrote them.
 *
 * @param address where Redis is, and the `prefix`; no other options of a queue
 */
export function queueNames(address: QueueOptions = {}, patience = { withinMs: 10_000 }): Promise<string[]> {
  return asking('queues', address, async ({ reader }) => {
    const names = await reader.names(patience);
    return names.filter(isName).sort();
  });
}

/**
 * Approximate age of the oldest waiting message: when the oldest among the first messages of all lanes was put, or was due, in Unix ms.
 *
 * `undefined` if no message is waiting, or if none of the first messages has a put time (bare messages have none). A lane is in
 * order of put time, except for retried and recovered messages, so an older message can be further back.
 */
export function oldestAt(name: string, address: QueueOptions = {}): Promise<number | undefined> {
  return asking(name, address, async ({ reader }) => {
    // Only the first 256 bytes (the header) are needed, but Redis cannot return a part of a list element.
    return oldestIn(await reader.heads());
  });
}

/** When the oldest of these messages was put, Unix ms; `undefined` if none says so. */
export function oldestIn(messages: readonly string[]): number | undefined {
  const times = messages.flatMap((message) => putAtOf(message) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Runs commands about a queue without a HotQueue object. Shares the connection with all queues of the same address. */
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
  if (!header) return undefined;
  const { putAt, readyAt } = optionsOf(header);
  return readyAt ?? putAt ?? madeAt(header.id);
}
