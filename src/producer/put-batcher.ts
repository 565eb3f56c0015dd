import { setTimeout as pause } from 'node:timers/promises';
import { BufferFullError, OutcomeUnknownError, QueueFullError, RedisUnreachableError } from '../core/errors.js';
import type { Limit } from '../core/options/queue.js';
import { isAway } from '../redis/server-errors.js';
import type { Broker } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { DelayedPut, PutBatch, PutReply, QueueHints } from '../redis/transitions.js';
import { processId } from '../redis/process-id.js';
import { newId } from '../wire/id.js';
import { Outage } from './outage.js';
import type { PutRequest } from './put-request.js';

const mostMessages = 1_000;
/** When Redis is near, half as many: it stores one half of what a thousand callers put while they make the other half. */
const mostNearby = mostMessages / 2;
const nearbyMs = 10;
const mostCharacters = 1_048_576;
/** What may wait in memory while Redis is away. */
const mostBufferedCharacters = 16 * 1_048_576;
/** A batch that waited behind others tries at least so long. */
const leastPatienceMs = 1_000;
/** How long a put tries while Redis is away, or the queue is full. */
const patienceMs = 30_000;
/** Between two attempts while the queue is full. */
const shortestPauseMs = 20;
const longestPauseMs = 320;

/** A batch that is sent and not answered. */
interface SentBatch {
  readonly batch: PutRequest[];
  /** How many messages it has. */
  readonly messages: number;
  readonly reply: Promise<PutReply>;
}

/**
 * Stores messages in the order in which they were put. One batch is in flight. What is put meanwhile forms the next.
 *
 * With more than one in flight, a batch that is refused and sent again under its number would find a later number stored, and
 * be answered "already". A number whose outcome is unknown is never used again for other messages. What a full queue refused is
 * sent again under a new number, so the old one can never be stored late.
 */
export class PutBatcher {
  // Made on first use: processes that were forked or restored from a snapshot must not share it.
  #id: string | undefined;
  #number = 0;
  #pending: PutRequest[] = [];
  #sending: Promise<void> | undefined;
  #sentAt = 0;
  /** How long the last batch was on its way. */
  #tripMs = 0;
  /** Weight of what waits, in characters. */
  #buffered = 0;
  /** How long to wait before the next attempt on a full queue; 0 while there is room. */
  #fullPauseMs = 0;
  readonly #outage = new Outage(() => (this.#sending ? this.#number : undefined));

  /** @param onDelayed called when a delayed message is stored, with the time at which the next one is due */
  constructor(
    private readonly name: string,
    private readonly broker: Broker,
    readonly limit?: Limit,
    private readonly onDelayed?: (hints: QueueHints) => void,
  ) {}

  /** Stores the messages of one call. Its `resolve` is called when Redis has all of them, its `reject` when it has none. */
  put(request: PutRequest): void {
    if (this.limit) {
      if (request.count > this.limit.maxLength) return request.reject(this.#full(request));
      request.waitsUntil = performance.now() + patienceMs;
    }
    const buffered = this.#buffered + request.weight;
    if (this.#outage.since > 0) {
      // While Redis answers, its speed bounds what waits. While it is away, only this does.
      if (buffered > mostBufferedCharacters) return request.reject(new BufferFullError(this.name, this.#buffered));
      request.waitsSince = performance.now();
    }
    this.#buffered = buffered;
    this.#pending.push(request);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when everything that was put is stored or refused. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    if (!this.#outage.isWatching) this.#outage.watch();
    await Promise.resolve(); // so that puts of one turn of the event loop share a batch
    if (this.#number === 0) await this.#announce();
    let sent: SentBatch | undefined;
    while (sent || this.#pending.length > 0) sent = await this.#settle(sent ?? this.#sendNext());
    // In the turn in which nothing was pending: a later put begins anew.
    this.#sending = undefined;
  }

  /** @returns the next batch, which is sent before the calls of this one resolve: their callers make the next messages while Redis is busy */
  async #settle({ batch, messages, reply: replying }: SentBatch): Promise<SentBatch | undefined> {
    try {
      const reply = await replying;
      this.#tripMs = performance.now() - this.#sentAt;
      this.#outage.since = 0;
      const refused = reply.accepted < messages ? refusedOf(batch, reply) : [];
      if (refused.length === 0) this.#fullPauseMs = 0;
      else if (refused.length < batch.length) this.#fullPauseMs = shortestPauseMs;
      else this.#fullPauseMs = Math.min(2 * Math.max(this.#fullPauseMs, shortestPauseMs), longestPauseMs);
      const next = refused.length === 0 && this.#pending.length > 0 ? this.#sendNext() : undefined;
      resolveStored(batch, reply, refused.length);
      if (refused.length > 0) await this.#retryRefused(refused);
      return next;
    } catch (error) {
      for (const request of batch) request.reject(this.#explain(error, request));
      this.#rejectOld(error);
      return undefined;
    }
  }

  /** Sends the oldest requests, as many as may share a batch. While the queue is full, only the oldest one. */
  #sendNext(): SentBatch {
    const first = this.#pending[0]!;
    const most = this.#fullPauseMs > shortestPauseMs ? 0 : this.#tripMs < nearbyMs ? mostNearby : mostMessages;
    let messages = 0;
    let characters = 0;
    let calls = 0;
    for (const request of this.#pending) {
      const isTooMuch = messages + request.count > most || characters + request.characters > mostCharacters;
      if (calls > 0 && (isTooMuch || !request.travelsWith(first))) break;
      messages += request.count;
      characters += request.characters;
      calls += 1;
    }
    const batch = calls === this.#pending.length ? this.#pending : this.#pending.splice(0, calls);
    if (batch === this.#pending) this.#pending = [];
    for (const request of batch) this.#buffered -= request.weight;
    this.#sentAt = performance.now();
    return { batch, messages, reply: this.#send(batch) };
  }

  /** Rejects what has waited as long as a put may, behind a batch that Redis did not take. It was never sent. */
  #rejectOld(error: unknown): void {
    if (!isAway(error)) return;
    const old = new Set(this.#pending.filter((request) => this.#waitedMs(request) >= patienceMs));
    if (old.size === 0) return;
    this.#pending = this.#pending.filter((request) => !old.has(request));
    const advice = `no message of this call was sent within ${patienceMs / 1_000} s. Check the server, then put again`;
    for (const request of old) {
      this.#buffered -= request.weight;
      request.reject(new RedisUnreachableError(error.address, advice, { cause: error }));
    }
  }

  /** How long a request has waited while Redis was away. */
  #waitedMs({ waitsSince }: PutRequest): number {
    const { since } = this.#outage;
    return since === 0 ? 0 : performance.now() - Math.max(waitsSince, since);
  }

  #send(batch: readonly PutRequest[]): Promise<PutReply> {
    const producer = (this.#id ??= newId());
    const number = (this.#number += 1);
    const { target, due } = batch[0]!;
    const { uniqueForMs: forMs, hasTtl, tracking } = target;
    const own = forMs === undefined ? undefined : { ids: batch.flatMap(({ ids }) => ids), forMs };
    const limit = this.limit && { most: this.limit.maxLength, calls: batch.map(({ count }) => count) };
    const tracked = tracking && {
      ...tracking,
      processId: processId(),
      ids: batch.flatMap(({ ids }) => ids),
      uniques: batch.flatMap(({ uniques }) => uniques!),
    };
    const terms = { producer, number, own, limit, hasTtl, tracked };
    const patience = { withinMs: Math.max(leastPatienceMs, patienceMs - this.#waitedMs(batch[0]!)) };
    return due
      ? this.#sendDelayed({ ...terms, delayed: delayedOf(batch) }, patience)
      : this.broker.put({ ...terms, messages: messagesOf(batch), lane: target.lane }, patience);
  }

  async #sendDelayed(batch: PutBatch, patience: Patience): Promise<PutReply> {
    const reply = await this.broker.put(batch, patience);
    this.onDelayed?.(reply);
    return reply;
  }

  /** Requests that may wait become the oldest again, until there is room or their patience ends. */
  async #retryRefused(refused: readonly PutRequest[]): Promise<void> {
    const now = performance.now();
    const waiting = refused.filter(({ waitsUntil }) => this.limit?.whenFull === 'wait' && waitsUntil > now);
    for (const request of refused) if (!waiting.includes(request)) request.reject(this.#full(request));
    this.#pending.unshift(...waiting);
    for (const { weight } of waiting) this.#buffered += weight;
    if (waiting.length > 0) await pause(this.#fullPauseMs);
  }

  async #announce(): Promise<void> {
    // Only tools read the set of names: a queue that is missing in it works all the same.
    await this.broker.announce(this.name, { withinMs: 0 }).catch(() => undefined);
  }

  #full({ count }: PutRequest): QueueFullError {
    return new QueueFullError(this.name, this.limit!.maxLength, count);
  }

  #explain(error: unknown, { ids, target }: PutRequest): unknown {
    const isUnknown = isAway(error) && error.mayHaveArrived;
    return isUnknown
      ? new OutcomeUnknownError(this.name, ids, target.uniqueForMs !== undefined, { cause: error })
      : error;
  }
}

function messagesOf(batch: readonly PutRequest[]): string[] {
  const all: string[] = [];
  for (const { messages } of batch) {
    if (typeof messages === 'string') all.push(messages);
    else all.push(...messages);
  }
  return all;
}

function delayedOf(batch: readonly PutRequest[]): DelayedPut[] {
  return batch.flatMap(({ list, ids, due, target: { lane } }) =>
    list.map((message, index) => ({ id: ids[index]!, due: due!, lane, message })),
  );
}

/** Requests that found no room: the first that did not fit, and all after it. */
function refusedOf(batch: readonly PutRequest[], { accepted }: PutReply): readonly PutRequest[] {
  let messages = 0;
  const first = batch.findIndex(({ count }) => (messages += count) > accepted);
  return batch.slice(first);
}

/** Resolves the requests that were stored: all but the last `refused`. */
function resolveStored(batch: readonly PutRequest[], { duplicates }: PutReply, refused: number): void {
  const stored = batch.length - refused;
  let messages = 0;
  for (let index = 0; index < stored; index++) {
    const request = batch[index]!;
    messages += request.count;
    request.resolve(duplicates, messages - request.count);
  }
}
