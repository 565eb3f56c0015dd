import { setTimeout as pause } from 'node:timers/promises';
import type { Limit } from '../contract/queue-options.js';
import { BufferFullError, OutcomeUnknownError, QueueFullError, RedisUnreachableError } from '../contract/errors.js';
import { newId } from '../message/ids.js';
import type { Broker, Due, News, PutLane, PutTerms, Stored } from '../redis/broker.js';

const mostMessages = 1_000;
/** Where Redis is near, half as many: it stores one half of what a thousand callers put while they make the other. */
const mostNearby = mostMessages / 2;
const nearbyMs = 10;
const mostCharacters = 1_048_576;
/** What may wait in memory while Redis is away, as it would be after a batch that takes so long. */
const mostBufferedCharacters = 16 * 1_048_576;
/** What a message costs beside its text, counted in characters: 1.6 kB here and some with its caller, so that small ones take no more than 64 MiB. */
const charactersBeside = 700;
const awayAfterMs = 1_000;
/** How long a put goes on trying while Redis is away, or the queue is full. */
const patienceMs = 30_000;
/** Between two looks for room. */
const shortestPauseMs = 20;
const longestPauseMs = 320;

/** What one call of put asks for. */
export interface Call {
  readonly lane: PutLane;
  /** Absent for now. */
  readonly due?: Due | undefined;
  /** Ms for which Redis is to know the ids again; absent where we made them. */
  readonly knownForMs?: number | undefined;
  /** One, or several that are stored together. */
  readonly messages: string | readonly string[];
  readonly ids: readonly string[];
}

/** Callbacks for the outcome, as a promise for each put would be most of its cost. */
export interface PutRequest extends Call {
  /** @param isDuplicate whether Redis had the only message already, under its own id */
  readonly resolve: (isDuplicate: boolean) => void;
  /** @param error OutcomeUnknownError, RedisUnreachableError, RedisFullError, QueueFullError, BufferFullError */
  readonly reject: (error: unknown) => void;
  /** When a request that waits for room is given up, Unix ms; set by the producer. */
  givenUpAt?: number;
}

/** A batch that is on its way. */
interface Trip {
  readonly batch: PutRequest[];
  readonly stored: Promise<Stored>;
}

/**
 * Stores messages in the order in which they were put. One batch is in flight; what is put meanwhile forms the next.
 *
 * With more than one in flight, a batch that is refused and sent again under its number would find a later number
 * stored, and be answered "already". A number whose outcome is unknown is never used again for other messages. What a
 * full queue refused is sent again under a new number, so the old one can never be stored late.
 */
export class Producer {
  // Made on first use: a process that was forked or restored from a snapshot must not share it.
  #id: string | undefined;
  #number = 0;
  #pending: PutRequest[] = [];
  #sending: Promise<void> | undefined;
  #sentAt = 0;
  /** How long the last batch was on its way. */
  #tripMs = 0;
  #buffered = 0;
  /** How long to wait before the next look for room; 0 while there is some. */
  #crowdedMs = 0;

  /** @param onDelayed told when the next delayed message is due, after one was put */
  constructor(
    private readonly name: string,
    private readonly broker: Broker,
    readonly limit?: Limit,
    private readonly onDelayed?: (news: News) => void,
  ) {}

  /** Resolves when Redis has all of the messages, or rejects when it has none of them. */
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

  /** Resolves when everything that was put is stored or refused. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // puts of one turn travel together
    if (this.#number === 0) await this.#announce();
    let trip = this.#setOut();
    while (trip) trip = (await this.#arrive(trip)) ?? this.#setOut();
    // In the turn in which the line was seen empty: who comes after that begins anew.
    this.#sending = undefined;
  }

  #setOut(): Trip | undefined {
    if (this.#pending.length === 0) return undefined;
    const batch = this.#nextBatch();
    this.#sentAt = Date.now();
    return { batch, stored: this.#send(batch) };
  }

  /** @returns the next, which leaves before the callers of this one are told: they make what they put next while Redis is busy */
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

  /** Calls from the head of the line, as many as go the same way; only the first of them to look for room. */
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

  /** While Redis answers, what waits is bounded by how fast it does; while it is away, only by this. */
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

  /** Those who may wait go back to the head of the line, until there is room or their patience ends. */
  async #refuse(refused: readonly PutRequest[]): Promise<void> {
    const now = Date.now();
    const waiting = refused.filter(({ givenUpAt }) => this.limit?.whenFull === 'wait' && givenUpAt! > now);
    for (const call of refused) if (!waiting.includes(call)) call.reject(this.#full(call));
    this.#pending.unshift(...waiting);
    for (const call of waiting) this.#buffered += weightOf(call);
    if (waiting.length > 0) await pause(this.#crowdedMs);
  }

  async #announce(): Promise<void> {
    // Only tools look at the set of names: a queue that is not in it works all the same.
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

/** What may share a batch: the delayed together, each with its own lane and time; the ready by lane. */
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

/** What counts while it waits. */
const weightOf = (call: Call): number => charactersOf(call) + countOf(call) * charactersBeside;

/** Calls that found no room: all after the first of them. */
function refusedOf(batch: readonly PutRequest[], { accepted }: Stored): readonly PutRequest[] {
  let messages = 0;
  const first = batch.findIndex((call) => (messages += countOf(call)) > accepted);
  return first < 0 ? [] : batch.slice(first);
}

/** Tells each call that was accepted: all but the last `refused`. */
function tell(batch: readonly PutRequest[], { duplicates }: Stored, refused: number): void {
  const accepted = batch.length - refused;
  let messages = 0;
  for (let index = 0; index < accepted; index++) {
    const call = batch[index]!;
    messages += countOf(call);
    call.resolve(duplicates.length > 0 && duplicates.includes(messages - 1));
  }
}
