import { randomUUID } from 'node:crypto';
import type { Broker } from '../../src/redis/broker.js';
import { giveBackCall } from '../../src/redis/script-calls.js';
import type { RetryPlan } from '../../src/redis/transitions.js';
import { type ClaimRef, Take } from '../../src/redis/take.js';
import { until } from './facts.js';

/** A msgpack array of texts, byte for byte as `cmsgpack.pack` of Redis writes it. Texts may be invalid UTF-8. */
export function packed(texts: readonly (string | Uint8Array)[]): Buffer {
  const bodies = texts.map((text) => Buffer.from(text as string));
  return Buffer.concat([arrayHead(bodies.length), ...bodies.flatMap((body) => [textHead(body.length), body])]);
}

/** A take as in the reply of Redis. `lanes` has one letter for each message. */
export function aTake(
  number: number,
  lanes: string,
  messages: readonly (string | Uint8Array)[],
  acked = '',
  effects = '',
  worker = 'worker',
): Take {
  return new Take(worker, number, packed([lanes, ...messages]), acked, effects);
}

function arrayHead(length: number): Buffer {
  if (length < 16) return Buffer.from([0x90 | length]);
  if (length < 65_536) return numbered(0xdc, 2, length);
  return numbered(0xdd, 4, length);
}

function textHead(bytes: number): Buffer {
  if (bytes < 32) return Buffer.from([0xa0 | bytes]);
  if (bytes < 256) return numbered(0xd9, 1, bytes);
  if (bytes < 65_536) return numbered(0xda, 2, bytes);
  return numbered(0xdb, 4, bytes);
}

function numbered(kind: number, width: number, value: number): Buffer {
  const head = Buffer.alloc(1 + width, kind);
  head.writeUIntBE(value, 1, width);
  return head;
}

/** Time limit for a call. */
const at = { withinMs: 5_000 };

/** Registers a worker, by default under a new id. @param process id of its process */
export async function aWorker(
  broker: Broker,
  worker: string = randomUUID(),
  process: string = randomUUID(),
): Promise<string> {
  await broker.join(worker, process, at);
  return worker;
}

/** What a take brings that brings something. */
export async function take(broker: Broker, worker: string, number: number, most = 10): Promise<Take> {
  const taken = await broker.take(worker, number, most, at);
  if (taken === 'lost') throw new Error('the lease was lost');
  if (!taken.take) throw new Error('the take brought no message');
  return taken.take;
}

/** Indexes of the messages that are not settled. */
export const indexesOf = (taken: Take): number[] =>
  Array.from({ length: taken.size }, (_, place) => place + 1).filter((index) => !taken.isSettled(index));

/** Texts of the messages that are not settled. */
export const textsOf = (taken: Take): string[] => indexesOf(taken).map((index) => taken.text(index));

/** Messages of a take by their indexes; without indexes, all unsettled ones. */
export const places = (taken: Take, ...indexes: number[]): ClaimRef[] =>
  (indexes.length > 0 ? indexes : indexesOf(taken)).map((index) => ({ take: taken, index }));

/** Arguments of a retry as a worker sends it, including the message with its new header. */
export const retryOf = (
  { take: taken, index }: ClaimRef,
  delayMs: number,
  more: Partial<RetryPlan> = {},
): RetryPlan => ({ id: 'id', lane: taken.lane(index), delayMs, message: taken.message(index), ...more });

/** give-back, as the lease thread sends it. @returns how many messages went back */
export async function giveBackUnbegun(
  { connection, keys, history }: Broker,
  worker: string,
  begun: { readonly number: number; readonly index: number },
  newest: number,
): Promise<number> {
  const call = history.prepared(giveBackCall(keys, worker, begun, newest));
  return (await connection.script(call.name, call.keys, call.args, at, call.hasHistory)) as number;
}

/** Ends the lease of a worker while the server serves other workers, so that it can be recovered. */
export async function endLease({ connection, keys }: Broker, worker: string): Promise<void> {
  await connection.call(async (client) => {
    const [seconds] = await client.time();
    await client.hset(keys.meta, 'seen', Number(seconds) * 1_000);
    await client.zadd(keys.workers, 1, worker);
  }, at);
}

/** Recovers every worker of a queue as soon as its lease has ended. Resolves when no worker is registered. */
export async function recovered(broker: Broker): Promise<void> {
  const { connection, keys } = broker;
  await until(async () => {
    const workers = await connection.call((client) => client.hkeys(keys.registry), at);
    for (const worker of workers) await broker.recover(worker, 'hotqueue', at);
    return workers.length === 0;
  });
}
