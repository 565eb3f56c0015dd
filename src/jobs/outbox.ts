// Messages that must be put because another message is done. They are stored in the outbox of that message's queue, in the step that
// settles it, and put from there: by the process that settled it, or, if it dies, by any other that works on the queue.
import { NotAQueueError } from '../core/errors.js';
import type { JobFields } from '../core/job.js';
import type { PutOptions } from '../core/options/put.js';
import { Broker } from '../redis/broker.js';
import type { Connection, Patience } from '../redis/connection.js';
import { Keys } from '../redis/keys.js';
import { processId } from '../redis/process-id.js';
import type { Due, PutBatch, PutLane, TrackedPut } from '../redis/transitions.js';
import { deliverStored, noticeIn } from './notices.js';
import { newId } from '../wire/id.js';

/** A message as it will be put, and where. It is stored as JSON, so that any process can put it. */
export interface FollowUp {
  /** Name and prefix of its queue. */
  readonly queue: string;
  readonly prefix: string;
  readonly id: string;
  readonly message: string;
  readonly lane: PutLane;
  readonly due?: Due | undefined;
  readonly hasTtl?: boolean | undefined;
  /** How long Redis remembers an id that the caller chose, ms. */
  readonly uniqueForMs?: number | undefined;
  readonly tracking?: (Omit<TrackedPut, 'ids' | 'uniques' | 'processId'> & { readonly unique: string }) | undefined;
}

/** Prepares a message for an outbox: checks and encodes it. @returns it and the job that it will be */
export type Prepare = (
  payload: unknown,
  options: PutOptions | undefined,
) => Promise<{ readonly job: JobFields; readonly followUp: FollowUp; readonly connection: Connection }>;

const preparers = new WeakMap<object, Prepare>();

/** Called by each queue once, so that a delivery of one queue can prepare messages of another. */
export function registerQueue(queue: object, prepare: Prepare): void {
  preparers.set(queue, prepare);
}

/** @throws NotAQueueError if the value is no queue */
export function prepareFor(queue: object): Prepare {
  const prepare = typeof queue === 'object' && queue !== null ? preparers.get(queue) : undefined;
  if (!prepare) throw new NotAQueueError(queue);
  return prepare;
}

/** How long an id stays known after its entry has left the outbox: longer than another process may need that has read the entry before. */
const rememberedMs = 600_000;
/** How long an id stays known if the process dies between the put and the removal of the entry. */
const mostRememberedMs = 2_592_000_000;

/**
 * Puts a message from the outbox, or notifies the children of a job that it has ended, and removes the entry. May be called by several processes at once: the id of the message makes
 * sure that it is put once.
 */
export async function deliver(source: Broker, name: string, entry: string, patience: Patience): Promise<void> {
  const notice = noticeIn(entry);
  if (notice) return deliverStored(source, notice, patience);
  const followUp = parsed(entry);
  if (!followUp) return; // another program has written it, and it stays
  const { connection } = source;
  const keys = new Keys(followUp.queue, followUp.prefix);
  const target = new Broker(connection, keys);
  await putFollowUp(target, followUp, mostRememberedMs, patience);
  await connection.call((client) => client.hdel(source.keys.outbox, name), patience);
  await connection.call(
    (client) => client.pexpire(keys.mark(followUp.id), followUp.uniqueForMs ?? rememberedMs),
    patience,
  );
}

/**
 * Puts a message on its queue.
 *
 * @param forMs how long its id is known there afterwards; absent: it is not
 * @returns whether it is stored; false if its id was known
 */
export async function putFollowUp(
  target: Broker,
  followUp: FollowUp,
  forMs: number | undefined,
  patience: Patience,
): Promise<boolean> {
  const { duplicates } = await target.put(batchOf(followUp, forMs), patience);
  await announceOnce(target, followUp.queue);
  return duplicates.size === 0;
}

/** Names of queues that {@link announceOnce} has announced. */
const announced = new WeakMap<Connection, Set<string>>();

export async function announceOnce(target: Broker, queue: string): Promise<void> {
  const names = announced.get(target.connection) ?? new Set<string>();
  announced.set(target.connection, names);
  if (names.has(target.keys.base)) return;
  // Only tools read the set of names, and the message is put.
  const add = (): void => void names.add(target.keys.base);
  await target.announce(queue, { withinMs: 0 }).then(add, () => undefined);
}

function parsed(entry: string): FollowUp | undefined {
  try {
    const { queue, prefix, id, message } = JSON.parse(entry) as Partial<FollowUp>;
    const isWhole = [queue, prefix, id, message].every((part) => typeof part === 'string');
    return isWhole ? (JSON.parse(entry) as FollowUp) : undefined;
  } catch {
    return undefined;
  }
}

function batchOf({ id, message, lane, due, hasTtl, tracking }: FollowUp, forMs: number | undefined): PutBatch {
  const terms = {
    producer: newId(),
    number: 1,
    own: forMs === undefined ? undefined : { ids: [id], forMs },
    hasTtl,
    tracked: tracking && { ...tracking, ids: [id], uniques: [tracking.unique], processId: processId() },
  };
  return due ? { ...terms, delayed: [{ id, due, lane, message }] } : { ...terms, messages: [message], lane };
}

/** {@link deliver} for an entry that may be gone. */
export async function deliverNamed(source: Broker, name: string, patience: Patience): Promise<void> {
  const entry = await source.connection.call((client) => client.hget(source.keys.outbox, name), patience);
  if (entry !== null) await deliver(source, name, entry, patience);
}

/** Puts what processes that died have left in the outbox of a queue. @returns how many messages */
export async function deliverAll(source: Broker, patience: Patience): Promise<number> {
  const { connection, keys } = source;
  let count = 0;
  for (let cursor = '0'; ;) {
    const [next, entries] = await connection.call(
      (client) => client.hscan(keys.outbox, cursor, 'COUNT', 100),
      patience,
    );
    const names = entries.filter((_, index) => index % 2 === 0);
    const ended = await Promise.allSettled(
      names.map((name, index) => deliver(source, name, entries[2 * index + 1]!, patience)),
    );
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
    count += names.length;
    cursor = next;
    if (cursor === '0') return count;
  }
}
