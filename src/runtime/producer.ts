import { setTimeout as pause } from 'node:timers/promises';
import type { Limit } from '../contract/queue-options.js';
import { BufferFullError, OutcomeUnknownError, QueueFullError, RedisUnreachableError } from '../contract/errors.js';
import { newId } from '../message/ids.js';
import type { Broker, Due, News, PutLane, PutTerms, Stored } from '../redis/broker.js';

const mostMessages = 1_000;
/** Half as many if Redis is near: it stores one half of what 1,000 callers put while they prepare the other half. */
const mostNearby = mostMessages / 2;
const nearbyMs = 10;
const mostCharacters = 1_048_576;
/** Maximum size of all waiting messages while Redis is away, that is, after a batch has taken longer than `awayAfterMs`. */
const mostBufferedCharacters = 16 * 1_048_576;
/**
 * Size of a message besides its text, in characters: 1.6 kB here, and some more in its caller. So small messages take at
 * most 64 MiB.
 */
const charactersBeside = 700;
const awayAfterMs = 1_000;
/** How long a put keeps trying while Redis is away, or while the queue is full. */
const patienceMs = 30_000;
/** Between two tests for room in a full queue. */
const shortestPauseMs = 20;
const longestPauseMs = 320;

/** What one call of put stores. */
export interface Call {
  readonly lane: PutLane;
  /** Absent if the messages are due now. */
  readonly due?: Due | undefined;
  /** Ms for which Redis remembers the ids; absent for ids of this library. */
  readonly knownForMs?: number | undefined;
  /** One message, or several that are stored together. */
  readonly messages: string | readonly string[];
  readonly ids: readonly string[];
}

/** Callbacks for the result: a promise per put would dominate its cost. */
export interface PutRequest extends Call {
  /** @param isDuplicate whether Redis already had this id, and so did not store the message */
  readonly resolve: (isDuplicate: boolean) => void;
  /** @param error OutcomeUnknownError, RedisUnreachableError, RedisFullError, QueueFullError, BufferFullError */
  readonly reject: (error: unknown) => void;
  /** When a request that waits for room is rejected, in Unix ms; set by the {@link Producer}. */
  givenUpAt?: number;
}

/** A batch in flight. */
interface Trip {
  readonly batch: PutRequest[];
  readonly stored: Promise<Stored>;
}

/**
 * Put batcher: stores messages in the order in which they were put. One batch is in flight. Messages that are put meanwhile
 * form the next one.
 *
 * With more than one in flight, a refused batch that is sent again under its number would find a later number stored, and
 * Redis would answer "already". A number with an unknown outcome is never used again for other messages. Messages that a
 * full queue refused are sent again under a new number, so that the old one can never be stored late.
 */
export class Producer {
  // Created on first use: processes that were forked or restored from a snapshot must not share it.
  #id: string | undefined;
  #number = 0;
  #pending: PutRequest[] = [];
  #sending: Promise<void> | undefined;
  #sentAt = 0;
  /** How long the last batch was in flight. */
  #tripMs = 0;
  #buffered = 0;
  /** How long to wait before the next test for room; 0 while there is room. */
  #crowdedMs = 0;

  /** @param onDelayed called after a delayed message was put, with the time until the next one is due */
  constructor(
    private readonly name: string,
    private readonly broker: Broker,
    readonly limit?: Limit,
    private readonly onDelayed?: (news: News) => void,
  ) {}

  /** Stores the messages of a request, all of them or none, and calls its `resolve` or `reject`. */
  put(request: PutRequest): void {
    if (this.limit) {
      if (countOf(request) > this.limit.maxLength) return request.reject(this.#full(request));
      request.givenUpAt = Date.now() + patienceMs;
    }
    const weight = weightOf(request);
    if (this.#isOverfull(weight)) return request.reject(new BufferFullError(this.name, this.#buffered));
    this.#buffered += weight;
    this.#pending.push(request);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when all messages are stored or refused. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // send the puts of one turn together
    if (this.#number === 0) await this.#announce();
    let trip = this.#setOut();
    while (trip) trip = (await this.#arrive(trip)) ?? this.#setOut();
    // In the same turn in which no put was left, so that a later put starts a new loop.
    this.#sending = undefined;
  }

  #setOut(): Trip | undefined {
    if (this.#pending.length === 0) return undefined;
    const batch = this.#nextBatch();
    this.#sentAt = Date.now();
    return { batch, stored: this.#send(batch) };
  }

  /**
   * @returns the next trip. It starts before the callers of this batch get their results, so that they prepare their next
   *   messages while Redis is busy
   */
  async #arrive({ batch, stored: storing }: Trip): Promise<Trip | undefined> {
    try {
      const stored = await storing;
      this.#tripMs = Date.now() - this.#sentAt;
      const refused = refusedOf(batch, stored);
      if (refused.length === 0) this.#crowdedMs = 0;
      else if (refused.length < batch.length) this.#crowdedMs = shortestPauseMs;
      else this.#crowdedMs = Math.min(2 * Math.max(this.#crowdedMs, shortestPauseMs), longestPauseMs);
      const next = refused.length === 0 ? this.#setOut() : undefined;
      tell(batch, stored, refused.length);
      if (refused.length > 0) await this.#refuse(refused);
      return next;
    } catch (error) {
      for (const { ids, knownForMs, reject } of batch) reject(this.#explain(error, ids, knownForMs !== undefined));
      return undefined;
    }
  }

  /** The first calls that can share a batch. While the queue is full: only the first of them, to test for room. */
  #nextBatch(): PutRequest[] {
    const first = this.#pending[0]!;
    let messages = 0;
    let characters = 0;
    let calls = 0;
    const most = this.#tripMs < nearbyMs ? mostNearby : mostMessages;
    for (const pending of this.#pending) {
      messages += countOf(pending);
      characters += charactersOf(pending);
      if (calls > 0 && (this.#crowdedMs > shortestPauseMs || messages > most || characters > mostCharacters || !goTogether(pending, first))) break;
      calls += 1;
    }
    const batch = calls === this.#pending.length ? this.#pending : this.#pending.splice(0, calls);
    if (batch === this.#pending) this.#pending = [];
    for (const pending of batch) this.#buffered -= weightOf(pending);
    return batch;
  }

  /** While Redis answers, its speed limits what waits. While it is away, only this does. */
  #isOverfull(weight: number): boolean {
    if (this.#buffered + weight <= mostBufferedCharacters) return false;
    return this.#sending !== undefined && Date.now() - this.#sentAt > awayAfterMs;
  }

  async #send(batch: readonly PutRequest[]): Promise<Stored> {
    this.#id ??= newId();
    this.#number += 1;
    const { lane, due } = batch[0]!;
    const patience = { withinMs: patienceMs };
    if (!due) return this.broker.put(this.#id, this.#number, messagesOf(batch), patience, lane, this.#termsOf(batch));
    const postponed = batch.flatMap((call) => listOf(call).map((message, index) => ({ id: call.ids[index]!, due: call.due!, lane: call.lane, message })));
    const stored = await this.broker.delay(this.#id, this.#number, postponed, patience, this.#termsOf(batch));
    this.onDelayed?.(stored);
    return stored;
  }

  #termsOf(batch: readonly PutRequest[]): PutTerms {
    const { knownForMs } = batch[0]!;
    return {
      ...(knownForMs !== undefined && { own: { ids: batch.flatMap(({ ids }) => ids), forMs: knownForMs } }),
      ...(this.limit && { limit: { most: this.limit.maxLength, calls: batch.map(countOf) } }),
    };
  }

  /** Calls that may wait go back to the front, until there is room or their time is up. The others are rejected. */
  async #refuse(refused: readonly PutRequest[]): Promise<void> {
    const now = Date.now();
    const waiting = refused.filter(({ givenUpAt }) => this.limit?.whenFull === 'wait' && givenUpAt! > now);
    for (const call of refused) if (!waiting.includes(call)) call.reject(this.#full(call));
    this.#pending.unshift(...waiting);
    for (const call of waiting) this.#buffered += weightOf(call);
    if (waiting.length > 0) await pause(this.#crowdedMs);
  }

  async #announce(): Promise<void> {
    // Only tools read the set of names. A queue that is missing there works too.
    await this.broker.announce(this.name, { withinMs: 0 }).catch(() => undefined);
  }

  #full(call: Call): QueueFullError {
    return new QueueFullError(this.name, this.limit!.maxLength, countOf(call));
  }

  #explain(error: unknown, ids: readonly string[], mayRepeat: boolean): unknown {
    const isUnknown = error instanceof RedisUnreachableError && error.mayHaveArrived;
    return isUnknown ? new OutcomeUnknownError(this.name, ids, mayRepeat, { cause: error }) : error;
  }
}

/** Whether two calls can share a batch: delayed ones can, each with its own lane and time; others need the same lane. */
function goTogether(one: Call, other: Call): boolean {
  return one.knownForMs === other.knownForMs && (one.due ? other.due !== undefined : other.due === undefined && one.lane === other.lane);
}

function messagesOf(batch: readonly Call[]): string[] {
  const all: string[] = [];
  for (const { messages } of batch) {
    if (typeof messages === 'string') all.push(messages);
    else all.push(...messages);
  }
  return all;
}

const listOf = ({ messages }: Call): readonly string[] => (typeof messages === 'string' ? [messages] : messages);
const countOf = ({ messages }: Call): number => (typeof messages === 'string' ? 1 : messages.length);

function charactersOf({ messages }: Call): number {
  if (typeof messages === 'string') return messages.length;
  return messages.reduce((sum, { length }) => sum + length, 0);
}

/** Size of a call while it waits, in characters. */
const weightOf = (call: Call): number => charactersOf(call) + countOf(call) * charactersBeside;

/** Calls that found no room: the first of them, and all after it. */
function refusedOf(batch: readonly PutRequest[], { accepted }: Stored): readonly PutRequest[] {
  let messages = 0;
  const first = batch.findIndex((call) => (messages += countOf(call)) > accepted);
  return first < 0 ? [] : batch.slice(first);
}

/** Resolves each call that was accepted: all but the last `refused`. */
function tell(batch: readonly PutRequest[], { duplicates }: Stored, refused: number): void {
  const accepted = batch.length - refused;
  let messages = 0;
  for (let index = 0; index < accepted; index++) {
    const call = batch[index]!;
    messages += countOf(call);
    call.resolve(duplicates.length > 0 && duplicates.includes(messages - 1));
  }
}
