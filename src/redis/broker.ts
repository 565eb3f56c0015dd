import { IncompatibleWorkersError } from '../core/errors.js';
import type { DeadLetterBounds } from '../core/options/queue.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import type { IoredisClient } from './redis-client.js';
import { pack } from '../wire/pack.js';
import { runScriptForBytes } from './scripts.js';
import { Take, type Lane } from './take.js';
import { WakeupWait } from './wakeup.js';

/** How long Redis keeps the last batch number of a put batcher: longer than any put retries. */
const producerMemoryMs = 600_000;
/** How long Redis keeps its reply to a request: longer than the client repeats the request. */
const requestMemoryMs = 600_000;
const mostTakenBytes = 1_048_576;
/** How long Redis knows that a process held a quarantined message: longer than recovery of its workers takes. */
const suspectMemoryMs = 86_400_000;
/**
 * Layout of claims in Redis, as described in `scripts/_lib.lua`. Layout 2 had the same claims, and other names for some keys.
 * Layout 1 had one field for each message.
 */
export const claimsLayout = '3';
/** Field name of a message in layout 1: its lane letter, the number of its take, and its index. */
export const layout1Field = /^[abhls]\d+\.\d+$/;

/** Queue hints: what a script reports beside its result. Maintenance uses them to set its deadline timers. */
export interface QueueHints {
  /** Ms until the next delayed message is due; absent if none is delayed. */
  readonly nextDueMs?: number;
  /** The lease that ends first: its worker, and ms until it ends; 0 if it has ended. */
  readonly lease?: { readonly worker: string; readonly endsInMs: number };
  /** Whether a monitor watches the workers, so that they send a report each second. */
  readonly isWatched?: boolean;
}

/** A command for a worker: take no more messages, take again, or stop together with all workers of its runner. */
export type WorkerCommand = 'quiet' | 'resume' | 'stop';

export interface TakeReply {
  readonly status: 'served' | 'paused';
  /** Absent if no message is waiting. */
  readonly take?: Take;
  readonly hints: QueueHints;
}

/** After this many crashes, a message is buried without another attempt. One crash earlier, it is quarantined. */
export const mostCrashes = 3;

/** Result of settling a claim. `already` is a success: an earlier, identical call arrived. */
export type SettleReply = 'done' | 'already' | 'lost';

/** How many messages of a dead worker went back to waiting, to quarantine, and to the dead letters. */
export interface RecoverReply {
  readonly waiting: number;
  readonly quarantined: number;
  readonly buried: number;
}

export interface SweepReply {
  readonly cursors: readonly [string, string];
  readonly mended: number;
  /** Workers that are no longer registered and may have left claims. */
  readonly lost: readonly string[];
}

/** One message of a take. */
export interface ClaimRef {
  readonly take: Pick<Take, 'number' | 'lane' | 'message'>;
  readonly index: number;
}

export interface RetryPlan {
  readonly id: string;
  readonly lane: Lane;
  readonly delayMs: number;
  /** The message with its new header. */
  readonly message: Buffer;
}

/** The lists that a put may use: base, high, low. */
export type PutLane = 'b' | 'h' | 'l';

/** When a message is due: ms after Redis has received it, or an instant in Unix ms. */
export type Due = { readonly afterMs: number } | { readonly at: number };

/** A message to be put as delayed. */
export interface DelayedPut {
  readonly id: string;
  readonly due: Due;
  readonly lane: PutLane;
  readonly message: string;
}

/** A batch of messages. The put batcher sends one at a time, and numbers them. */
export type PutBatch = {
  /** Id of the put batcher. */
  readonly producer: string;
  /** Number of the batch. A higher one than that of any batch before it. */
  readonly number: number;
  /** Ids that the callers chose, one for each message, and for how long Redis rejects the same ids as duplicates. */
  readonly own?: { readonly ids: readonly string[]; readonly forMs: number };
  /** Most messages in the queue, and how many messages each put call has. A call is stored whole or not at all. */
  readonly limit?: { readonly most: number; readonly calls: readonly number[] };
} & (
  | {
      readonly messages: readonly string[];
      /** Base if absent. */
      readonly lane?: PutLane;
      readonly delayed?: undefined;
    }
  | { readonly delayed: readonly DelayedPut[] }
);

/** Result of storing a batch. The hints are only of delayed messages. */
export interface PutReply extends QueueHints {
  /** How many messages were accepted, from the first. The queue had no room for the others. */
  readonly accepted: number;
  /** Indexes of accepted messages that were not stored, because Redis had their ids already. */
  readonly duplicates: readonly number[];
}

const none: readonly number[] = [];

/** How many messages of a queue are in each state, and how many workers are registered. */
export interface StateCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  readonly dead: number;
  readonly workers: number;
}

/** A dead letter: its key, and its time of burial as the text that Redis returns. */
export interface DeadLetterRef {
  readonly key: string;
  readonly at: string;
}

/**
 * One queue in Redis. It has a method for each transition, in the order of a message's life. Each transition is safe to
 * send twice.
 */
export class Broker {
  constructor(
    readonly connection: Connection,
    readonly keys: Keys,
    /** Ms for which a worker keeps its claims without a heartbeat. */
    readonly leaseMs = 30_000,
    readonly deadLetters: DeadLetterBounds = { most: 100_000, maxAgeMs: 15_552_000_000 },
  ) {}

  /**
   * put, put-with: stores a batch of waiting or delayed messages.
   *
   * Redis stores each batch number of a put batcher once, and replies the same if the batch is sent again. A batch that is
   * older than the last one is not stored; no caller waits for its reply.
   */
  async put(batch: PutBatch, patience: Patience): Promise<PutReply> {
    const { own, limit } = batch;
    return batch.delayed || own || limit || (batch.lane ?? 'b') !== 'b'
      ? this.#putWith(batch, patience)
      : this.#putPlainly(batch, patience);
  }

  /**
   * Adds the queue to the set of names, in which tools find it. In a cluster this set is in another slot, so the put script
   * cannot do this.
   */
  async announce(name: string, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.sadd(this.keys.names, name), patience);
  }

  /**
   * join: registers a worker.
   *
   * @param worker an id that no worker has used before
   * @throws IncompatibleWorkersError if workers of another version of this library are registered
   */
  async join(worker: string, process: string, patience: Patience, report = ''): Promise<void> {
    const { workers, registry, heartbeats, meta, earlier } = this.keys;
    for (;;) {
      const askedAt = await this.#now(patience);
      const args = [worker, askedAt, this.leaseMs, report, process, claimsLayout];
      const [status, other] = (await this.connection.script(
        'join',
        [workers, registry, heartbeats, meta, earlier.registry],
        args,
        patience,
      )) as [number, string?];
      if (status === 1) return;
      if (status === -1) throw new IncompatibleWorkersError(this.keys.base, claimsLayout, other!);
    }
  }

  /**
   * take: claims waiting messages, at most `most` or about 1 MiB. If the same number is sent again, it gets the same claims.
   *
   * @returns `'lost'` if this worker is no longer registered
   */
  take(worker: string, number: number, most: number, patience: Patience): Promise<TakeReply | 'lost'> {
    return this.connection.call((client) => this.takeOn(client, worker, number, most), patience);
  }

  /** {@link take} for a worker without active messages. It is sent once, on the client that blocks in a wake-up wait. */
  async takeOn(client: IoredisClient, worker: string, number: number, most: number): Promise<TakeReply | 'lost'> {
    return takeReply(
      worker,
      number,
      await runScriptForBytes(client, 'take', this.#takeKeys(worker), [worker, number, most, mostTakenBytes]),
    );
  }

  /**
   * Records that this process holds a quarantined message. If the process dies, recovery then blames no message of another
   * queue.
   */
  async noteQuarantined(process: string, worker: string): Promise<void> {
    const key = this.keys.quarantineOf(process);
    await this.connection.call(
      async (client) => {
        await client.hset(key, worker, 1);
        await client.pexpire(key, suspectMemoryMs);
      },
      { withinMs: 0 },
    );
  }

  async forgetQuarantined(process: string, worker: string): Promise<void> {
    await this.connection.call((client) => client.hdel(this.keys.quarantineOf(process), worker), { withinMs: 0 });
  }

  /**
   * beat: renews the lease of a worker and stores its heartbeat report. Takes that the worker does not know go back to the
   * queue.
   *
   * @param takes the takes that the worker holds
   */
  async beat(
    worker: string,
    number: number,
    takes: readonly Pick<Take, 'acknowledgements'>[],
    patience: Patience,
    report = '',
  ): Promise<(QueueHints & { readonly command: WorkerCommand | '' }) | 'lost'> {
    const { workers, meta, heartbeats, commands } = this.keys;
    const keys = [this.keys.claims(worker), workers, meta, ...this.keys.waiting, heartbeats, commands];
    const reply = await this.connection.script(
      'beat',
      keys,
      [worker, this.leaseMs, number, report, ...takes.flatMap((take) => take.acknowledgements)],
      patience,
    );
    const [status, endsInMs, first, isWatched, command] = reply as [number, number, string, number, WorkerCommand | ''];
    return status < 0 ? 'lost' : { lease: { worker: first, endsInMs }, isWatched: isWatched === 1, command };
  }

  /** A new {@link WakeupWait} for this queue. The caller closes it. */
  wakeup(): WakeupWait {
    return new WakeupWait(this.connection, this.keys);
  }

  /** ack: records which messages of these takes are done. Redis deletes a take when all its messages are settled. */
  async ack(worker: string, takes: readonly Pick<Take, 'settlement'>[], patience?: Patience): Promise<SettleReply> {
    const settlements = takes.flatMap((take) => take.settlement);
    return settled(
      await this.connection.script(
        'ack',
        [this.keys.claims(worker), this.keys.workers],
        [worker, ...settlements],
        patience,
      ),
    );
  }

  /** retry: returns a claimed message to the queue with a new header, at once or after a delay. */
  async retry(
    worker: string,
    { take, index }: ClaimRef,
    { id, lane, delayMs, message }: RetryPlan,
    patience?: Patience,
  ): Promise<SettleReply> {
    const { workers, delayed, delayedMessages, waiting } = this.keys;
    const keys = [this.keys.claims(worker), workers, delayed, delayedMessages, ...waiting];
    return settled(
      await this.connection.script('retry', keys, [worker, take.number, index, lane, delayMs, id, message], patience),
    );
  }

  /** bury: moves a claimed message to the dead letters, byte for byte, with a record of the reason. */
  async bury(
    worker: string,
    { take, index }: ClaimRef,
    id: string,
    record: string,
    patience?: Patience,
  ): Promise<SettleReply> {
    const { workers, dead, deadMessages } = this.keys;
    const args = [worker, take.number, index, id, record, take.message(index), this.deadLetters.most];
    return settled(
      await this.connection.script('bury', [this.keys.claims(worker), workers, dead, deadMessages], args, patience),
    );
  }

  /** release: returns messages unchanged to the head of the queue. Without messages, it only empties the inbox into base. */
  async release(worker: string, places: readonly ClaimRef[], patience?: Patience): Promise<SettleReply> {
    const newestFirst = [...places].sort(
      (one, other) => other.take.number - one.take.number || other.index - one.index,
    );
    const messages = newestFirst.flatMap(({ take, index }) => [
      take.number,
      index,
      take.lane(index),
      take.message(index),
    ]);
    const released = (await this.connection.script(
      'release',
      this.#backKeys(worker),
      [worker, ...messages],
      patience,
    )) as number;
    if (released < 0) return 'lost';
    return released === places.length ? 'done' : 'already';
  }

  /**
   * leave: returns all active messages of a worker to the queue and unregisters it. Its last report is added to the totals of
   * the queue.
   */
  async leave(worker: string, patience?: Patience, report = ''): Promise<void> {
    const keys = [...this.#backKeys(worker), ...this.#registrationKeys()];
    await this.connection.script('leave', keys, [worker, report], patience);
  }

  /**
   * recover: returns the active messages of a worker with an ended lease to the queue, and counts the crash. A message with
   * too many crashes is buried. If the process of the worker held a quarantined message, only that message is blamed.
   *
   * @returns how many messages went where, or in how many ms the lease ends if it still runs
   */
  async recover(
    worker: string,
    wire: 'hotqueue' | 'plain',
    patience: Patience,
  ): Promise<RecoverReply | { readonly endsInMs: number }> {
    const { dead, deadMessages } = this.keys;
    const keys = [...this.#backKeys(worker), ...this.#registrationKeys(), dead, deadMessages];
    const isSpared = await this.#heldSuspectElsewhere(worker, patience);
    const args = [worker, this.leaseMs, mostCrashes, wire === 'plain' ? 'a' : 'b', isSpared ? 1 : 0];
    const [waiting, quarantined, buried] = (await this.connection.script('recover', keys, args, patience)) as [
      number,
      number,
      number,
    ];
    return waiting < 0 ? { endsInMs: quarantined } : { waiting, quarantined, buried };
  }

  /** Whether the queue has delayed messages. */
  async hasDelayed(patience: Patience): Promise<boolean> {
    return (await this.connection.call((client) => client.exists(this.keys.delayed), patience)) === 1;
  }

  /** promote: moves due messages from delayed to waiting, at most 1,000 in one call. */
  async promote(patience?: Patience): Promise<QueueHints & { readonly promoted: number }> {
    const { delayed, delayedMessages, waiting } = this.keys;
    const keys = [delayed, delayedMessages, ...waiting];
    const [promoted, due] = (await this.connection.script('promote', keys, [1_000], patience)) as [number, number];
    return { promoted, ...(due >= 0 && { nextDueMs: due }) };
  }

  /**
   * move: gives a delayed message another due time. If that time is now or past, the message becomes waiting.
   *
   * @param request id of this request. If the request is sent again, Redis replies the same
   * @returns whether the message was still delayed
   */
  async move(
    id: string,
    due: Due,
    request: string,
    patience: Patience,
  ): Promise<QueueHints & { readonly isMoved: boolean }> {
    const { delayed, delayedMessages } = this.keys;
    const keys = [delayed, delayedMessages, this.keys.request(request), ...this.keys.waiting];
    const [moved, dueMs] = (await this.connection.script(
      'move',
      keys,
      [id, dueOf(due), requestMemoryMs],
      patience,
    )) as [number, number];
    return { isMoved: moved === 1, ...(dueMs >= 0 && { nextDueMs: dueMs }) };
  }

  /** cancel: drops a delayed message. @param request as for {@link move} @returns whether the message was still delayed */
  async cancel(id: string, request: string, patience: Patience): Promise<boolean> {
    const { delayed, delayedMessages } = this.keys;
    return (
      (await this.connection.script(
        'cancel',
        [delayed, delayedMessages, this.keys.request(request)],
        [id, requestMemoryMs],
        patience,
      )) === 1
    );
  }

  /**
   * revive: puts dead letters back into the lanes that they were taken from, as new messages.
   *
   * @param request id of this request. If the request is sent again, Redis replies the same
   * @returns how many of them were still dead
   */
  async revive(
    letters: readonly DeadLetterRef[],
    wire: 'hotqueue' | 'plain',
    request: string,
    patience: Patience,
  ): Promise<number> {
    const { dead, deadMessages, waiting } = this.keys;
    const args = [requestMemoryMs, wire === 'plain' ? 'a' : 'b', ...letters.flatMap(({ key, at }) => [key, at])];
    return (await this.connection.script(
      'revive',
      [dead, deadMessages, this.keys.request(request), ...waiting],
      args,
      patience,
    )) as number;
  }

  /** drop: deletes dead letters. @param request as for {@link revive} @returns how many of them were still dead */
  async drop(letters: readonly DeadLetterRef[], request: string, patience: Patience): Promise<number> {
    const { dead, deadMessages } = this.keys;
    const args = [requestMemoryMs, ...letters.flatMap(({ key, at }) => [key, at])];
    return (await this.connection.script(
      'drop',
      [dead, deadMessages, this.keys.request(request)],
      args,
      patience,
    )) as number;
  }

  /** sweep: repairs a part of the queue. The next call continues at the returned cursors. */
  async sweep(cursors: readonly [string, string], patience: Patience): Promise<SweepReply> {
    const { workers, registry, meta, delayed, delayedMessages, dead, deadMessages, waiting, earlier } = this.keys;
    const keys = [workers, registry, meta, delayed, delayedMessages, dead, deadMessages, ...waiting];
    keys.push(earlier.quarantine, earlier.requeued);
    const args = [...cursors, this.deadLetters.most, this.deadLetters.maxAgeMs];
    const [first, second, mended, ...lost] = (await this.connection.script('sweep', keys, args, patience)) as [
      string,
      string,
      number,
      ...string[],
    ];
    return { cursors: [first, second], mended, lost };
  }

  /** clear: drops all waiting and delayed messages. @param request as for {@link move} @returns how many were dropped */
  async clear(request: string, patience: Patience): Promise<number> {
    const { waiting, delayed, delayedMessages } = this.keys;
    const keys = [this.keys.request(request), ...waiting, delayed, delayedMessages];
    return (await this.connection.script('clear', keys, [requestMemoryMs], patience)) as number;
  }

  /** Pauses the queue: takes return no messages until this time or until {@link resume}. @param forMs without end if absent */
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

  /** Makes workers send a report each second, for `forMs`. */
  async watch(forMs: number, patience: Patience): Promise<void> {
    const until = (await this.#now(patience)) + forMs;
    await this.connection.call((client) => client.hset(this.keys.meta, 'watched', until), patience);
  }

  /** Stores a command for a worker. The worker receives it with its next heartbeat. */
  async command(worker: string, order: WorkerCommand, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.hset(this.keys.commands, worker, order), patience);
  }

  /** count: how many messages are in each state, at one moment. */
  async count(patience: Patience): Promise<StateCounts> {
    const { workers, delayed, dead, waiting: lists } = this.keys;
    for (let known: readonly string[] = []; ;) {
      const claims = known.map((worker) => this.keys.claims(worker));
      const keys = [workers, delayed, dead, ...lists, ...claims];
      const reply = (await this.connection.script('count', keys, known, patience)) as [
        number,
        number,
        number,
        number,
        ...string[],
      ];
      const [waiting, postponed, buried, active, ...registered] = reply;
      if (active >= 0) return { waiting, delayed: postponed, dead: buried, active, workers: registered.length };
      known = registered;
    }
  }

  /** How many messages are waiting. */
  async size(patience: Patience): Promise<number> {
    const lengths = await Promise.all(
      this.#readyLists().map((list) => this.connection.call((client) => client.llen(list), patience)),
    );
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** The next waiting messages, in the order in which they will be taken. */
  async peek(most: number, patience: Patience): Promise<string[]> {
    const heads = await Promise.all(
      this.#readyLists().map((list) => this.connection.call((client) => client.lrange(list, 0, most - 1), patience)),
    );
    return heads.flat().slice(0, most);
  }

  /** For normal priority, without a delay, a limit or chosen ids. Most puts are of this kind. */
  async #putPlainly(
    { producer, number, messages }: PutBatch & { readonly messages: readonly string[] },
    patience: Patience,
  ): Promise<PutReply> {
    const content = messages.length === 1 ? messages : [pack(messages), 'packed'];
    const reply = await this.connection.script(
      'put',
      [this.keys.base, this.keys.producer(producer)],
      [number, producerMemoryMs, ...content],
      patience,
    );
    return { accepted: reply === 1 ? messages.length : -1, duplicates: none };
  }

  async #putWith({ producer, number, own, limit, ...batch }: PutBatch, patience: Patience): Promise<PutReply> {
    const { delayed, delayedMessages, waiting } = this.keys;
    const marks = own?.ids.map((id) => this.keys.mark(id)) ?? [];
    const content = batch.delayed
      ? [
          pack(batch.delayed.map(({ lane, message }) => lane + message)),
          '',
          pack(batch.delayed.map(({ due }) => dueOf(due))),
          pack(batch.delayed.map(({ id }) => id)),
        ]
      : [pack(batch.messages), batch.lane ?? 'b'];
    const [dueMs, accepted, ...duplicates] = (await this.connection.script(
      'put-with',
      [this.keys.producer(producer), delayed, delayedMessages, ...waiting, ...marks],
      [number, producerMemoryMs, limit?.most ?? 0, limit?.calls.join(',') ?? '', own?.forMs ?? 0, ...content],
      patience,
    )) as [number, number, ...number[]];
    return { accepted, duplicates, ...(dueMs >= 0 && { nextDueMs: dueMs }) };
  }

  /** How many active messages a worker has. Also reads layout 1, which has one field for each message. */
  async activeOf(worker: string, patience: Patience): Promise<number> {
    const key = this.keys.claims(worker);
    const fields = await this.connection.call((client) => client.hkeys(key), patience);
    const ofLayout1 = fields.filter((field) => layout1Field.test(field)).length;
    const takes = fields.flatMap((field) => /^a(\d+)$/.exec(field)?.[1] ?? []);
    if (takes.length === 0) return ofLayout1;
    const states = await this.connection.call(
      (client) => client.hmget(key, ...takes.map((number) => `a${number}`)),
      patience,
    );
    return takes.reduce((sum, number, place) => {
      const state = states[place];
      if (!state) return sum; // the take was settled after its fields were listed
      const [acknowledged = 0, size = 0] = state.split(' ').map(Number);
      return sum + size - acknowledged - fields.filter((field) => field.startsWith(`e${number}.`)).length;
    }, ofLayout1);
  }

  /** Whether another worker of the same process holds a quarantined message, or held one when the process died. */
  async #heldSuspectElsewhere(worker: string, patience: Patience): Promise<boolean> {
    const process = await this.connection.call((client) => client.hget(this.keys.registry, worker), patience);
    if (!process) return false;
    const holders = await this.connection.call((client) => client.hkeys(this.keys.quarantineOf(process)), patience);
    return holders.some((holder) => holder !== worker);
  }

  /** The server's time, Unix ms. */
  async #now(patience: Patience): Promise<number> {
    const [seconds, micros] = (await this.connection.call((client) => client.time(), patience)).map(Number) as [
      number,
      number,
    ];
    return seconds * 1_000 + Math.floor(micros / 1_000);
  }

  #readyLists(): readonly string[] {
    const { requeued, inbox, high, base, low, quarantine } = this.keys;
    return [requeued, inbox, high, base, low, quarantine];
  }

  #backKeys(worker: string): readonly string[] {
    return [this.keys.claims(worker), this.keys.workers, ...this.keys.waiting];
  }

  #registrationKeys(): readonly string[] {
    const { registry, meta, heartbeats, commands, earlier } = this.keys;
    return [registry, meta, heartbeats, commands, earlier.registry];
  }

  #takeKeys(worker: string): readonly string[] {
    const { workers, meta, waiting, delayed } = this.keys;
    return [this.keys.claims(worker), workers, meta, ...waiting, delayed];
  }
}

function dueOf(due: Due): string {
  return 'at' in due ? String(due.at) : `+${due.afterMs}`;
}

function takeReply(worker: string, number: number, reply: unknown): TakeReply | 'lost' {
  type Reply = [
    status: number,
    dueMs: number,
    endsInMs: number,
    first: Buffer,
    isWatched: number,
    packed?: Buffer,
    acked?: Buffer,
    effects?: Buffer,
  ];
  const [status, dueMs, endsInMs, first, isWatched, packed, acked, effects] = reply as Reply;
  if (status < 0) return 'lost';
  const hints = {
    lease: { worker: first.toString(), endsInMs },
    isWatched: isWatched === 1,
    ...(dueMs >= 0 && { nextDueMs: dueMs }),
  };
  const take = packed && new Take(worker, number, packed, acked?.toString(), effects?.toString());
  return { status: status === 1 ? 'paused' : 'served', hints, ...(take && { take }) };
}

function settled(reply: unknown): SettleReply {
  return reply === 1 ? 'done' : reply === 0 ? 'already' : 'lost';
}
