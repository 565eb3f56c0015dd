import { IncompatibleWorkersError } from '../contract/errors.js';
import type { DeadLetterBounds } from '../contract/queue-options.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import type { Client } from './line.js';
import { pack } from './pack.js';
import { runScriptForBytes } from './scripts.js';
import { Take, type Lane } from './take.js';
import { Waiter } from './waiter.js';

/** How long Redis remembers the last batch of a producer: longer than any put goes on trying. */
const producerMemoryMs = 600_000;
/** How long Redis remembers what it answered to a request: longer than one of ours is on its way. */
const requestMemoryMs = 600_000;
const mostTakenBytes = 1_048_576;
/** How long a process that died is remembered to have held a suspect: longer than it takes to recover its workers. */
const suspectMemoryMs = 86_400_000;
/** How claims are kept: as `scripts/_claims.lua` says. 1 had a field for each message. */
export const claimsLayout = '2';
/** The field of a message in layout 1: its lane, the number of its take, and its index. */
export const layout1Field = /^[abhls]\d+\.\d+$/;

/** What a transition saw on its way, for whoever keeps the queue in order. */
export interface News {
  /** Ms until the next delayed message is due; absent when none is. */
  readonly nextDueMs?: number;
  /** Whose lease ends first, and in how many ms; 0 when it has ended. */
  readonly lease?: { readonly worker: string; readonly endsInMs: number };
  /** Somebody looks at what the workers do. */
  readonly isWatched?: boolean;
}

/** What somebody asks of a worker: take no more, take again, or end with all that runs beside it. */
export type Order = 'quiet' | 'work' | 'stop';

export interface Taken {
  readonly status: 'served' | 'paused';
  /** Absent when nothing is ready. */
  readonly take?: Take;
  readonly news: News;
}

/** Crashes after which a message is buried unread. One that is one crash short of it is a suspect. */
export const mostCrashes = 3;

/** What became of a claim that was settled. `already` is a success: an earlier sending arrived. */
export type Settled = 'done' | 'already' | 'lost';

/** How many messages of a worker that is gone went where. */
export interface Recovered {
  readonly ready: number;
  readonly suspects: number;
  readonly buried: number;
}

export interface Swept {
  readonly cursors: readonly [string, string];
  readonly mended: number;
  /** Workers that are not registered, and may have left claims. */
  readonly lost: readonly string[];
}

/** One message of a take. */
export interface Place {
  readonly take: Pick<Take, 'number' | 'lane' | 'message'>;
  readonly index: number;
}

export interface Retry {
  readonly id: string;
  readonly lane: Lane;
  readonly delayMs: number;
  /** With its new header. */
  readonly message: Buffer;
}

/** The lists that a producer may put on. */
export type PutLane = 'b' | 'h' | 'l';

/** When a message is due: so many ms from when Redis has it, or at an instant, Unix ms. */
export type Due = { readonly afterMs: number } | { readonly at: number };

/** A message that is not ready yet. */
export interface Postponed {
  readonly id: string;
  readonly due: Due;
  readonly lane: PutLane;
  readonly message: string;
}

/** How a batch is to be stored, where that is not said by its messages. */
export interface PutTerms {
  /** The callers' own ids, one for each message, and for how long Redis is to know them again. */
  readonly own?: { readonly ids: readonly string[]; readonly forMs: number };
  /** Most messages in the queue, and how many each call put: a call is stored whole or not at all. */
  readonly limit?: { readonly most: number; readonly calls: readonly number[] };
}

/** What became of a batch. */
export interface Stored {
  /** So many messages from the first; those after them found no room. */
  readonly accepted: number;
  /** Indexes of those that were not stored, as Redis had their ids already. */
  readonly duplicates: readonly number[];
}

const none: readonly number[] = [];

/** How many messages of a queue are where, and how many workers are registered. */
export interface Counted {
  readonly waiting: number;
  readonly delayed: number;
  readonly claimed: number;
  readonly dead: number;
  readonly workers: number;
}

/** A dead letter: its key among them, and when it was buried, as Redis spells it. */
export interface Buried {
  readonly key: string;
  readonly at: string;
}

/** One queue in Redis: a method for each transition, each safe to send twice, in the order of a message's life. */
export class Broker {
  constructor(
    readonly connection: Connection,
    readonly keys: Keys,
    /** Ms for which a worker's claims are its own without a beat. */
    readonly leaseMs = 30_000,
    readonly deadLetters: DeadLetterBounds = { most: 100_000, maxAgeMs: 15_552_000_000 },
  ) {}

  /**
   * put: stores a batch at the tail of its lane. This producer's batch of that number is stored once, and answered the
   * same whenever it is sent again; one that is older than the last is not stored, and nobody waits for its answer.
   */
  async put(producer: string, number: number, messages: readonly string[], patience: Patience, lane: PutLane = 'b', terms: PutTerms = {}): Promise<Stored> {
    if (lane === 'b' && !terms.own && !terms.limit) return this.#putPlainly(producer, number, messages, patience);
    const { base, inbox, high, low, again, suspects, delayed } = this.keys;
    const keys = [this.#listOf(lane), base, inbox, this.keys.producer(producer), high, low, again, suspects, delayed, ...this.#marks(terms)];
    const [accepted, ...duplicates] = (await this.connection.script('place', keys, [number, ...termsOf(terms), pack(messages)], patience)) as [number, ...number[]];
    return { accepted, duplicates };
  }

  /** delay: as {@link put}, and numbered together with it, for messages that are due later. */
  async delay(producer: string, number: number, messages: readonly Postponed[], patience: Patience, terms: PutTerms = {}): Promise<Stored & News> {
    const { delayed, delayedMessages, base, inbox, high, low, again, suspects } = this.keys;
    const keys = [delayed, delayedMessages, this.keys.producer(producer), base, inbox, high, low, again, suspects, ...this.#marks(terms)];
    const entries = messages.flatMap(({ id, due, lane, message }) => [id, dueOf(due), lane + message]);
    const reply = await this.connection.script('delay', keys, [number, ...termsOf(terms), ...entries], patience);
    const [dueMs, accepted, ...duplicates] = reply as [number, number, ...number[]];
    return { accepted, duplicates, ...(dueMs >= 0 && { nextDueMs: dueMs }) };
  }

  /** Lets tools find the queue. In a cluster the set of names lies in another slot, so this is no part of put. */
  async announce(name: string, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.sadd(this.keys.names, name), patience);
  }

  /**
   * join: registers a worker, under an id that was never used before.
   *
   * @throws IncompatibleWorkersError when workers of another version of this library are registered
   */
  async join(worker: string, process: string, patience: Patience, report = ''): Promise<void> {
    const { workers, roll, reports, meta } = this.keys;
    for (;;) {
      const askedAt = await this.#now(patience);
      const args = [worker, askedAt, this.leaseMs, report, process, claimsLayout];
      const [status, other] = (await this.connection.script('join', [workers, roll, reports, meta], args, patience)) as [number, string?];
      if (status === 1) return;
      if (status === -1) throw new IncompatibleWorkersError(this.keys.base, claimsLayout, other!);
    }
  }

  /**
   * take: claims what is ready, at most `most` messages or about 1 MiB. The same number gets the same claims again.
   *
   * @returns `'lost'` when this worker is not registered any more
   */
  take(worker: string, number: number, most: number, patience: Patience): Promise<Taken | 'lost'> {
    return this.connection.call((client) => this.takeBehind(client, worker, number, most), patience);
  }

  /** {@link take} of a worker that holds nothing, behind a wait on its line; sent once. */
  async takeBehind(client: Client, worker: string, number: number, most: number): Promise<Taken | 'lost'> {
    return takenOf(number, await runScriptForBytes(client, 'take', this.#takeKeys(worker), [worker, number, most, mostTakenBytes]));
  }

  /** Notes that this process holds a suspect, so that its death is blamed on no message of another queue. */
  async noteSuspect(process: string, worker: string): Promise<void> {
    const key = this.keys.suspectsOf(process);
    await this.connection.call(async (client) => {
      await client.hset(key, worker, 1);
      await client.pexpire(key, suspectMemoryMs);
    }, { withinMs: 0 });
  }

  async forgetSuspect(process: string, worker: string): Promise<void> {
    await this.connection.call((client) => client.hdel(this.keys.suspectsOf(process), worker), { withinMs: 0 });
  }

  /** beat: renews a worker's lease, says what it does, and gives back takes that it does not know of. @param takes those that it holds */
  async beat(worker: string, number: number, takes: readonly Pick<Take, 'acknowledgements'>[], patience: Patience, report = ''): Promise<(News & { readonly order: Order | '' }) | 'lost'> {
    const { workers, meta, reports, orders } = this.keys;
    const keys = [this.keys.claims(worker), workers, meta, ...this.#lanes(), reports, orders];
    const reply = await this.connection.script('beat', keys, [worker, this.leaseMs, number, report, ...takes.flatMap((take) => take.acknowledgements)], patience);
    const [status, endsInMs, first, isWatched, order] = reply as [number, number, string, number, Order | ''];
    return status < 0 ? 'lost' : { lease: { worker: first, endsInMs }, isWatched: isWatched === 1, order };
  }

  /** A place to wait for messages; its owner closes it. */
  waiter(): Waiter {
    return new Waiter(this.connection, this.keys);
  }

  /** ack: tells Redis which messages of these takes are done, and drops takes whose messages are all settled. */
  async ack(worker: string, takes: readonly Pick<Take, 'settlement'>[], patience?: Patience): Promise<Settled> {
    const settlements = takes.flatMap((take) => take.settlement);
    return settled(await this.connection.script('ack', [this.keys.claims(worker), this.keys.workers], [worker, ...settlements], patience));
  }

  /** retry: gives a claim back with a new header, at once or after a delay. */
  async retry(worker: string, { take, index }: Place, { id, lane, delayMs, message }: Retry, patience?: Patience): Promise<Settled> {
    const { workers, delayed, delayedMessages, base } = this.keys;
    const keys = [this.keys.claims(worker), workers, delayed, delayedMessages, this.#listOf(lane), base];
    return settled(await this.connection.script('retry', keys, [worker, take.number, index, lane, delayMs, id, message], patience));
  }

  /** bury: lays a claim among the dead letters, byte for byte, with a record of why. */
  async bury(worker: string, { take, index }: Place, id: string, record: string, patience?: Patience): Promise<Settled> {
    const { workers, dead, deadMessages } = this.keys;
    const args = [worker, take.number, index, id, record, take.message(index), this.deadLetters.most];
    return settled(await this.connection.script('bury', [this.keys.claims(worker), workers, dead, deadMessages], args, patience));
  }

  /** release: gives messages back to the head of the queue as they were; without any it only passes the inbox on. */
  async release(worker: string, places: readonly Place[], patience?: Patience): Promise<Settled> {
    const newestFirst = [...places].sort((one, other) => other.take.number - one.take.number || other.index - one.index);
    const messages = newestFirst.flatMap(({ take, index }) => [take.number, index, take.lane(index), take.message(index)]);
    const released = (await this.connection.script('release', this.#backKeys(worker), [worker, ...messages], patience)) as number;
    if (released < 0) return 'lost';
    return released === places.length ? 'done' : 'already';
  }

  /** leave: gives back everything this worker holds and takes it off the register; what it reports last stays in the queue's sums. */
  async leave(worker: string, patience?: Patience, report = ''): Promise<void> {
    const { roll, meta, reports, orders } = this.keys;
    await this.connection.script('leave', [...this.#backKeys(worker), roll, meta, reports, orders], [worker, report], patience);
  }

  /**
   * recover: gives back what a worker held whose lease has ended, and counts the crash; what killed too many is buried.
   * Where its process held a suspect, only that one is blamed.
   *
   * @returns how many went where, or in how many ms that lease ends
   */
  async recover(worker: string, wire: 'hotqueue' | 'plain', patience: Patience): Promise<Recovered | { readonly endsInMs: number }> {
    const { workers, roll, meta, dead, deadMessages, reports, orders } = this.keys;
    const keys = [this.keys.claims(worker), workers, roll, meta, ...this.#lanes(), dead, deadMessages, reports, orders];
    const isSpared = await this.#heldSuspectElsewhere(worker, patience);
    const args = [worker, this.leaseMs, mostCrashes, wire === 'plain' ? 'a' : 'b', isSpared ? 1 : 0];
    const [ready, suspects, buried] = (await this.connection.script('recover', keys, args, patience)) as [number, number, number];
    return ready < 0 ? { endsInMs: suspects } : { ready, suspects, buried };
  }

  /** Whether anything waits for {@link promote}. */
  async hasDelayed(patience: Patience): Promise<boolean> {
    return (await this.connection.call((client) => client.exists(this.keys.delayed), patience)) === 1;
  }

  /** promote: makes ready what is due. */
  async promote(patience?: Patience): Promise<News & { readonly promoted: number }> {
    const { delayed, delayedMessages, suspects, again, high, base, low } = this.keys;
    const keys = [delayed, delayedMessages, suspects, again, high, base, low];
    const [promoted, due] = (await this.connection.script('promote', keys, [1_000], patience)) as [number, number];
    return { promoted, ...(due >= 0 && { nextDueMs: due }) };
  }

  /**
   * move: gives a delayed message another time; makes it ready when that is now.
   *
   * @param request an id for this request, which may be sent again
   * @returns whether it was still there
   */
  async move(id: string, due: Due, request: string, patience: Patience): Promise<News & { readonly isMoved: boolean }> {
    const { delayed, delayedMessages } = this.keys;
    const keys = [delayed, delayedMessages, this.keys.request(request), ...this.#lanes()];
    const [moved, dueMs] = (await this.connection.script('move', keys, [id, dueOf(due), requestMemoryMs], patience)) as [number, number];
    return { isMoved: moved === 1, ...(dueMs >= 0 && { nextDueMs: dueMs }) };
  }

  /** cancel: drops a delayed message. @param request as for {@link move} @returns whether it was still there */
  async cancel(id: string, request: string, patience: Patience): Promise<boolean> {
    const { delayed, delayedMessages } = this.keys;
    return (await this.connection.script('cancel', [delayed, delayedMessages, this.keys.request(request)], [id, requestMemoryMs], patience)) === 1;
  }

  /**
   * revive: makes dead letters ready again, as new, in the lane that they were taken from.
   *
   * @param request an id for this request, which may be sent again
   * @returns how many of them were still there
   */
  async revive(letters: readonly Buried[], wire: 'hotqueue' | 'plain', request: string, patience: Patience): Promise<number> {
    const { dead, deadMessages, again, high, base, low } = this.keys;
    const args = [requestMemoryMs, wire === 'plain' ? 'a' : 'b', ...letters.flatMap(({ key, at }) => [key, at])];
    return (await this.connection.script('revive', [dead, deadMessages, this.keys.request(request), again, high, base, low], args, patience)) as number;
  }

  /** drop: forgets dead letters. @param request as for {@link revive} @returns how many of them were still there */
  async drop(letters: readonly Buried[], request: string, patience: Patience): Promise<number> {
    const { dead, deadMessages } = this.keys;
    const args = [requestMemoryMs, ...letters.flatMap(({ key, at }) => [key, at])];
    return (await this.connection.script('drop', [dead, deadMessages, this.keys.request(request)], args, patience)) as number;
  }

  /** sweep: mends a part of what cannot be right; go on from its cursors. */
  async sweep(cursors: readonly [string, string], patience: Patience): Promise<Swept> {
    const { workers, roll, delayed, delayedMessages, dead, deadMessages, inbox, high, base, low } = this.keys;
    const keys = [workers, roll, delayed, delayedMessages, dead, deadMessages, inbox, high, base, low];
    const args = [...cursors, this.deadLetters.most, this.deadLetters.maxAgeMs];
    const [first, second, mended, ...lost] = (await this.connection.script('sweep', keys, args, patience)) as [string, string, number, ...string[]];
    return { cursors: [first, second], mended, lost };
  }

  /** clear: drops what is ready or delayed. @param request as for {@link move} @returns how many messages that were */
  async clear(request: string, patience: Patience): Promise<number> {
    const { base, high, low, inbox, again, suspects, delayed, delayedMessages } = this.keys;
    const keys = [this.keys.request(request), base, high, low, inbox, again, suspects, delayed, delayedMessages];
    return (await this.connection.script('clear', keys, [requestMemoryMs], patience)) as number;
  }

  /** Takes bring nothing until then, or until {@link resume}. @param forMs for ever when absent */
  async pause(forMs: number | undefined, patience: Patience): Promise<void> {
    const until = forMs === undefined ? 'on' : (await this.#now(patience)) + forMs;
    await this.connection.call((client) => client.hset(this.keys.meta, 'paused', until), patience);
  }

  async resume(patience: Patience): Promise<void> {
    await this.connection.call((client) => client.hdel(this.keys.meta, 'paused'), patience);
  }

  async isPaused(patience: Patience): Promise<boolean> {
    const paused = await this.connection.call((client) => client.hget(this.keys.meta, 'paused'), patience);
    return paused === 'on' || (paused !== null && Number(paused) > (await this.#now(patience)));
  }

  /** Workers tell what they do each second until then. */
  async watch(forMs: number, patience: Patience): Promise<void> {
    const until = (await this.#now(patience)) + forMs;
    await this.connection.call((client) => client.hset(this.keys.meta, 'watched', until), patience);
  }

  /** Asks a worker for something; it hears of it with its next beat. */
  async order(worker: string, order: Order, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.hset(this.keys.orders, worker, order), patience);
  }

  /** count: how many messages are where, at one moment. */
  async count(patience: Patience): Promise<Counted> {
    const { workers, delayed, dead, base, inbox, high, low, again, suspects } = this.keys;
    for (let known: readonly string[] = []; ; ) {
      const keys = [workers, delayed, dead, base, inbox, high, low, again, suspects, ...known.map((worker) => this.keys.claims(worker))];
      const reply = (await this.connection.script('count', keys, known, patience)) as [number, number, number, number, ...string[]];
      const [waiting, postponed, buried, claimed, ...registered] = reply;
      if (claimed >= 0) return { waiting, delayed: postponed, dead: buried, claimed, workers: registered.length };
      known = registered;
    }
  }

  /** How many messages are ready. */
  async size(patience: Patience): Promise<number> {
    const lengths = await Promise.all(this.#readyLists().map((list) => this.connection.call((client) => client.llen(list), patience)));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** The next ready messages, in the order in which they will be taken. */
  async peek(most: number, patience: Patience): Promise<string[]> {
    const heads = await Promise.all(this.#readyLists().map((list) => this.connection.call((client) => client.lrange(list, 0, most - 1), patience)));
    return heads.flat().slice(0, most);
  }

  /** {@link put} with nothing to look at but the number: most puts. */
  async #putPlainly(producer: string, number: number, messages: readonly string[], patience: Patience): Promise<Stored> {
    const content = messages.length === 1 ? messages : [pack(messages), 'packed'];
    const reply = await this.connection.script('put', [this.keys.base, this.keys.producer(producer)], [number, producerMemoryMs, ...content], patience);
    return { accepted: reply === 1 ? messages.length : -1, duplicates: none };
  }

  /** How many messages a worker holds, also one of layout 1, which has a field for each message. */
  async held(worker: string, patience: Patience): Promise<number> {
    const key = this.keys.claims(worker);
    const fields = await this.connection.call((client) => client.hkeys(key), patience);
    const ofLayout1 = fields.filter((field) => layout1Field.test(field)).length;
    const takes = fields.flatMap((field) => /^a(\d+)$/.exec(field)?.[1] ?? []);
    if (takes.length === 0) return ofLayout1;
    const states = await this.connection.call((client) => client.hmget(key, ...takes.map((number) => `a${number}`)), patience);
    return takes.reduce((sum, number, place) => {
      const state = states[place];
      if (!state) return sum; // over since its fields were listed
      const [acknowledged = 0, size = 0] = state.split(' ').map(Number);
      return sum + size - acknowledged - fields.filter((field) => field.startsWith(`e${number}.`)).length;
    }, ofLayout1);
  }

  /** Whether the process of this worker holds a suspect with another of its workers, or did when it died. */
  async #heldSuspectElsewhere(worker: string, patience: Patience): Promise<boolean> {
    const process = await this.connection.call((client) => client.hget(this.keys.roll, worker), patience);
    if (!process) return false;
    const holders = await this.connection.call((client) => client.hkeys(this.keys.suspectsOf(process)), patience);
    return holders.some((holder) => holder !== worker);
  }

  /** The server's time, Unix ms. */
  async #now(patience: Patience): Promise<number> {
    const [seconds, micros] = (await this.connection.call((client) => client.time(), patience)).map(Number) as [number, number];
    return seconds * 1_000 + Math.floor(micros / 1_000);
  }

  #marks({ own }: PutTerms): readonly string[] {
    return own ? own.ids.map((id) => this.keys.mark(id)) : [];
  }

  #readyLists(): readonly string[] {
    const { again, inbox, high, base, low, suspects } = this.keys;
    return [again, inbox, high, base, low, suspects];
  }

  #backKeys(worker: string): readonly string[] {
    return [this.keys.claims(worker), this.keys.workers, ...this.#lanes()];
  }

  #takeKeys(worker: string): readonly string[] {
    const { workers, meta, suspects, again, inbox, high, base, low, delayed } = this.keys;
    return [this.keys.claims(worker), workers, meta, suspects, again, inbox, high, base, low, delayed];
  }

  #lanes(): readonly string[] {
    const { suspects, again, inbox, high, base, low } = this.keys;
    return [suspects, again, inbox, high, base, low];
  }

  #listOf(lane: Lane): string {
    const { again, base, high, low, suspects } = this.keys;
    return { a: again, b: base, h: high, l: low, s: suspects }[lane];
  }
}

/** Second to fifth argument of put and of delay. */
function termsOf({ own, limit }: PutTerms): readonly (string | number)[] {
  return [producerMemoryMs, limit?.most ?? 0, limit?.calls.join(',') ?? '', own?.forMs ?? 0];
}

function dueOf(due: Due): string {
  return 'at' in due ? String(due.at) : `+${due.afterMs}`;
}

function takenOf(number: number, reply: unknown): Taken | 'lost' {
  type Reply = [status: number, dueMs: number, endsInMs: number, first: Buffer, isWatched: number, packed?: Buffer, acked?: Buffer, effects?: Buffer];
  const [status, dueMs, endsInMs, first, isWatched, packed, acked, effects] = reply as Reply;
  if (status < 0) return 'lost';
  const news = { lease: { worker: first.toString(), endsInMs }, isWatched: isWatched === 1, ...(dueMs >= 0 && { nextDueMs: dueMs }) };
  const take = packed && new Take(number, packed, acked?.toString(), effects?.toString());
  return { status: status === 1 ? 'paused' : 'served', news, ...(take && { take }) };
}

function settled(reply: unknown): Settled {
  return reply === 1 ? 'done' : reply === 0 ? 'already' : 'lost';
}
