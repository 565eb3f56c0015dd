// Longer than 250 lines: every transition of a message has its one caller here.
import type { DeadLetterBounds } from '../core/options/queue-values.js';
import { mostMessageBytes, mostMovedBytes } from '../core/sizes.js';
import { pack } from '../wire/pack.js';
import type { Connection, Patience } from './connection.js';
import { FlowBroker } from './flow-broker.js';
import { JobBroker } from './job-broker.js';
import type { Keys } from './keys.js';
import type { IoredisClient } from './redis-client.js';
import { Registration } from './registration.js';
import { ScheduleBroker } from './schedule-broker.js';
import { releaseCalls } from './script-calls.js';
import { isUnknownScript, scripts, scriptsWithHistory } from './scripts.js';
import type { ExpectedJobs } from './job-transitions.js';
import { takeReply, type ClaimRef, type Take, type TakeReply } from './take.js';
import {
  dueText,
  tooLargeIn,
  type DeadLetterRef,
  type Due,
  type PutBatch,
  type PutReply,
  type QueueHints,
  type RetryPlan,
  type SettleReply,
  type SweepReply,
  type TooLarge,
  type TrackedPut,
} from './transitions.js';
import { WakeupWait } from './wakeup.js';

/** How long Redis keeps the last batch number of a put batcher: longer than any put retries. */
const producerMemoryMs = 600_000;
/** How long Redis keeps its reply to a request: longer than the client repeats the request. */
const requestMemoryMs = 600_000;
const mostTakenBytes = 1_048_576;

/**
 * One queue in Redis. It has a method for each transition of a message, in the order of its life. Each transition is safe to send
 * twice. Those of workers are in {@link Registration}, and everything that only reads is in its {@link Reader}.
 */
export class Broker extends Registration {
  /** The records of tracked messages. */
  readonly jobs: JobBroker;
  readonly schedules: ScheduleBroker;
  readonly flows: FlowBroker;

  constructor(
    connection: Connection,
    keys: Keys,
    leaseMs?: number,
    readonly deadLetters: DeadLetterBounds = { most: 100_000, maxAgeMs: 15_552_000_000 },
  ) {
    super(connection, keys, leaseMs);
    this.jobs = new JobBroker(connection, keys, deadLetters.most);
    this.schedules = new ScheduleBroker(connection, keys);
    this.flows = new FlowBroker(connection, keys);
  }

  /**
   * put, put-with: stores a batch of waiting or delayed messages. Most are waiting, with normal priority, and without a limit and
   * chosen ids: then the script is put.
   *
   * Redis stores each batch number of a put batcher once, and replies the same if the batch is sent again. A batch that is
   * older than the last one is not stored; no caller waits for its reply.
   */
  async put(batch: PutBatch, patience: Patience): Promise<PutReply> {
    if (batch.delayed || batch.hasTtl || batch.own || batch.limit || batch.tracked || (batch.lane ?? 'b') !== 'b')
      return this.#putWith(batch, patience);
    const { producer, number, messages } = batch;
    const content = messages.length === 1 ? messages : [pack(messages), 'packed'];
    const keys = [this.keys.base, this.keys.producers + producer];
    const reply = await this.history.run('put', keys, [number, producerMemoryMs, ...content], patience);
    return { accepted: reply === 1 ? messages.length : -1, duplicates: noDuplicates };
  }

  /**
   * Adds the queue to the set of names, in which tools find it. In a cluster this set is in another slot, so the put script
   * cannot do this.
   */
  async announce(name: string, patience: Patience): Promise<void> {
    await this.connection.call((client) => client.sadd(this.keys.names, name), patience);
  }

  /**
   * take: claims waiting messages, at most `most` or about 1 MiB. If the same number is sent again while the worker is registered, it
   * gets the same claims.
   *
   * @param expects if tracked messages may be among them: `take-tracked` notes their claims
   * @returns `'lost'` if this worker is no longer registered, or if Redis has answered a take with a higher number
   */
  take(
    worker: string,
    number: number,
    most: number,
    patience: Patience,
    expects?: ExpectedJobs,
  ): Promise<TakeReply | 'lost'> {
    return this.connection.call((client) => this.takeOn(client, worker, number, most, expects), patience);
  }

  /** {@link take} for a worker without active messages. It is sent once, on the client that blocks in a wake-up wait. */
  async takeOn(
    client: IoredisClient,
    worker: string,
    number: number,
    most: number,
    expects: ExpectedJobs | undefined,
  ): Promise<TakeReply | 'lost'> {
    const { workers, meta, waiting, delayed, jobClaims, jobsToCheck } = this.keys;
    const keys = [this.keys.claims(worker), workers, meta, ...waiting, delayed];
    const name = expects ? 'take-tracked' : 'take';
    const call = this.history.prepared({
      name,
      keys: expects ? [...keys, jobClaims, jobsToCheck] : keys,
      args: [worker, number, most, mostTakenBytes, mostMessageBytes, ...(expects ? [expects.name] : [])],
    });
    const rest = [call.keys.length, ...call.keys, ...call.args];
    const { sha, lua } = (call.hasHistory ? scriptsWithHistory() : scripts)[name];
    const reply = await client.callBuffer('evalsha', sha, ...rest).catch((error: unknown) => {
      if (isUnknownScript(error)) return client.callBuffer('eval', lua, ...rest);
      throw error;
    });
    return takeReply(worker, number, reply);
  }

  /** bury-large: buries messages at the head of their list that no worker takes. @returns the id and size of each */
  async buryLarge(worker: string, patience: Patience, mostBytes = mostMessageBytes): Promise<readonly TooLarge[]> {
    const { waiting, dead, deadMessages, meta } = this.keys;
    const keys = [...waiting, dead, deadMessages, meta, ...this.keys.metrics(await this.reader.now(patience))];
    const reply = await this.history.run('bury-large', keys, [worker, mostBytes], patience);
    return tooLargeIn(reply);
  }

  /** A new {@link WakeupWait} for this queue. The caller closes it. */
  wakeup(): WakeupWait {
    return new WakeupWait(this.connection, this.keys);
  }

  /** ack: records which messages of these takes are done. Redis deletes a take when all its messages are settled. */
  async ack(worker: string, takes: readonly Pick<Take, 'settlement'>[], patience?: Patience): Promise<SettleReply> {
    const keys = [this.keys.claims(worker), this.keys.workers];
    const args = [worker];
    for (const { settlement } of takes) args.push(...settlement);
    return settleReply(await this.history.run('ack', keys, args, patience));
  }

  /** retry: returns a claimed message to the queue with a new header, at once or after a delay. */
  async retry(
    worker: string,
    { take, index }: ClaimRef,
    { id, lane, delayMs, message }: RetryPlan,
    patience?: Patience,
  ): Promise<SettleReply> {
    const { workers, delayed, delayedMessages, waiting, meta } = this.keys;
    const keys = [this.keys.claims(worker), workers, delayed, delayedMessages, ...waiting, meta];
    const args = [worker, take.number, index, lane, delayMs, id, message];
    return settleReply(await this.history.run('retry', keys, args, patience));
  }

  /** bury: moves a claimed message to the dead letters, byte for byte, with a record of the reason. */
  async bury(
    worker: string,
    { take, index }: ClaimRef,
    id: string,
    record: string,
    patience?: Patience,
  ): Promise<SettleReply> {
    const { workers, dead, deadMessages, meta } = this.keys;
    const args = [worker, take.number, index, id, record, take.message(index), this.deadLetters.most];
    const keys = [this.keys.claims(worker), workers, dead, deadMessages, meta];
    return settleReply(await this.history.run('bury', keys, args, patience));
  }

  /** release: returns messages unchanged to the head of the queue. Without messages, it only empties the inbox into base. */
  async release(worker: string, places: readonly ClaimRef[], patience?: Patience): Promise<SettleReply> {
    let [released, isLost] = [0, false];
    for (const call of releaseCalls(this.keys, worker, places)) {
      const reply = (await this.run(call, patience)) as number;
      if (reply < 0) isLost = true;
      else released += reply;
    }
    if (isLost && released === 0) return 'lost';
    return released === places.length ? 'done' : 'already';
  }

  /** promote: moves due messages from delayed to waiting, at most 1,000 or about 1 MiB in one call. */
  async promote(patience?: Patience): Promise<QueueHints & { readonly promoted: number }> {
    const keys = [this.keys.delayed, this.keys.delayedMessages, ...this.keys.waiting, this.keys.meta];
    const args = [1_000, mostMovedBytes];
    const [promoted, due] = (await this.history.run('promote', keys, args, patience)) as [number, number];
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
    const { delayed, delayedMessages, waiting, meta } = this.keys;
    const keys = [delayed, delayedMessages, this.keys.request(request), ...waiting, meta];
    const args = [id, dueText(due), requestMemoryMs];
    const [moved, dueMs] = (await this.history.run('move', keys, args, patience)) as [number, number];
    return { isMoved: moved === 1, ...(dueMs >= 0 && { nextDueMs: dueMs }) };
  }

  /** cancel: drops a delayed message. @param request as for {@link move} @returns whether the message was still delayed */
  async cancel(id: string, request: string, patience: Patience): Promise<boolean> {
    const keys = [this.keys.delayed, this.keys.delayedMessages, this.keys.request(request)];
    return (await this.history.run('cancel', keys, [id, requestMemoryMs], patience)) === 1;
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
    let revived = 0;
    for (let from = 0; from < letters.length;) {
      const left = letters.slice(from).flatMap(({ key, at }) => [key, at]);
      const args = [requestMemoryMs, wire === 'plain' ? 'a' : 'b', mostMovedBytes, ...left];
      const keys = [dead, deadMessages, this.keys.request(from === 0 ? request : `${request}:${from}`), ...waiting];
      const [count, tried] = (await this.history.run('revive', keys, args, patience)) as [number, number];
      revived += count;
      from += tried;
    }
    return revived;
  }

  /** drop: deletes dead letters. @param request as for {@link revive} @returns how many of them were still dead */
  async drop(letters: readonly DeadLetterRef[], request: string, patience: Patience): Promise<number> {
    const { dead, deadMessages } = this.keys;
    const args = [requestMemoryMs, ...letters.flatMap(({ key, at }) => [key, at])];
    const keys = [dead, deadMessages, this.keys.request(request)];
    return (await this.history.run('drop', keys, args, patience)) as number;
  }

  /** sweep: repairs a part of the queue. The next call continues at the returned cursors. */
  async sweep(cursors: readonly [string, string], patience: Patience): Promise<SweepReply> {
    const { workers, registry, meta, delayed, delayedMessages, dead, deadMessages, waiting, earlier } = this.keys;
    const messages = [delayed, delayedMessages, dead, deadMessages, ...waiting];
    const keys = [workers, registry, meta, ...messages, earlier.quarantine, earlier.requeued];
    const args = [...cursors, this.deadLetters.most, this.deadLetters.maxAgeMs];
    type Reply = [string, string, number, ...string[]];
    const [first, second, mended, ...lost] = (await this.history.run('sweep', keys, args, patience)) as Reply;
    return { cursors: [first, second], mended, lost };
  }

  /** clear: drops all waiting and delayed messages. @param request as for {@link move} @returns how many were dropped */
  async clear(request: string, patience: Patience): Promise<number> {
    const { waiting, delayed, delayedMessages } = this.keys;
    const indexes = (['waiting', 'delayed', 'retrying', 'running'] as const).map((status) =>
      this.keys.jobIndex(status),
    );
    const keys = [this.keys.request(request), ...waiting, delayed, delayedMessages, ...indexes, this.keys.jobsToCheck];
    const dropped = (await this.history.run('clear', keys, [requestMemoryMs], patience)) as number;
    return dropped >= 0 ? dropped : this.#clearJobs(request, patience);
  }

  /** Pauses the queue: takes return no messages until this time or until {@link resume}. @param forMs without end if absent */
  async pause(forMs: number | undefined, patience: Patience): Promise<void> {
    const until = forMs === undefined ? 'on' : (await this.reader.now(patience)) + forMs;
    await this.connection.call((client) => client.hset(this.keys.meta, 'paused', until), patience);
  }

  async resume(patience: Patience): Promise<void> {
    await this.connection.call((client) => client.hdel(this.keys.meta, 'paused'), patience);
  }

  /** clear-jobs: {@link clear} for a queue with tracked messages, portion by portion. */
  async #clearJobs(request: string, patience: Patience): Promise<number> {
    const { waiting, delayed } = await this.reader.count(patience);
    let dropped = 0;
    // Others may put meanwhile: what is newer than this call stays.
    for (let portion = 1, left = waiting + delayed; left > 0; portion++) {
      const found = (await this.reader.firsts(Math.min(left, 200), patience)).slice(0, left);
      if (found.length === 0) break;
      left -= found.length;
      // Those that a dead worker has given back: they still look as if they ran.
      await this.jobs.mendClaimed(
        found.map(({ id }) => id).filter((id) => id !== ''),
        patience,
      );
      dropped += await this.jobs.clear(found, `${request}:${portion}`, patience);
    }
    return dropped;
  }

  /** For a delay, a limit, another priority than normal, chosen ids, or tracked messages. */
  async #putWith(batch: PutBatch, patience: Patience): Promise<PutReply> {
    const { producer, number, own, limit, tracked } = batch;
    const { delayed, delayedMessages, waiting, meta, jobClaims, jobsToCheck } = this.keys;
    const marks = own?.ids.map((id) => this.keys.mark(id)) ?? [];
    const ids = tracked?.ids ?? own?.ids;
    const content = batch.delayed
      ? [
          pack(batch.delayed.map(({ lane, message }) => lane + message)),
          '',
          pack(batch.delayed.map(({ due }) => dueText(due))),
          pack(batch.delayed.map(({ id }) => id)),
        ]
      : [pack(batch.messages), batch.lane ?? 'b', '', ids ? pack(ids) : ''];
    const terms = [number, producerMemoryMs, limit?.most ?? 0, limit?.calls.join(',') ?? '', own?.forMs ?? 0];
    const hasUnique = tracked?.uniques.some((unique) => unique !== '') === true;
    for (;;) {
      const holders = tracked ? await this.jobs.holders(tracked.uniques, patience) : [];
      const records = tracked?.ids.map((id) => this.keys.job(id)) ?? [];
      const held = hasUnique ? records.map((own, at) => (holders[at] ? this.keys.job(holders[at]) : own)) : [];
      const reply = await this.history.run(
        'put-with',
        [
          ...[this.keys.producers + producer, delayed, delayedMessages, ...waiting, meta, ...marks],
          ...(tracked ? [...this.keys.jobIndexes, ...records, ...held, jobClaims, jobsToCheck] : []),
        ],
        [...terms, ...content, batch.hasTtl ? 1 : 0, marks.length, ...(tracked ? trackingWords(tracked, holders) : [])],
        patience,
      );
      const [dueMs, accepted, duplicates] = reply as [number, number, string];
      if (accepted === -2) continue; // another job has taken or left a unique key meanwhile
      return { accepted, duplicates: duplicatesIn(duplicates), ...(dueMs >= 0 && { nextDueMs: dueMs }) };
    }
  }
}

const noDuplicates: PutReply['duplicates'] = new Map();

/** Words of `put-with.lua` for tracked messages. */
function trackingWords(
  { keepMs, keepFailedMs, by, storesPayload, processId, uniques, untilStarted, replaces }: TrackedPut,
  holders: readonly string[],
): (string | number | Buffer)[] {
  const flags = [untilStarted ? 1 : 0, replaces ? 1 : 0, processId];
  const keys = uniques.some((unique) => unique !== '') ? [pack(uniques), pack(holders)] : ['', ''];
  return [keepMs, keepFailedMs, by, storesPayload ? 1 : 0, ...keys, ...flags];
}

/** Reads duplicates, such as `0 4=<id>`. */
function duplicatesIn(text: string): PutReply['duplicates'] {
  if (text === '') return noDuplicates;
  return new Map(
    text.split(' ').map((word) => {
      const [index, id] = word.split('=') as [string, string?];
      return [Number(index), id];
    }),
  );
}

/** Reads the reply of `ack.lua`, `retry.lua` and `bury.lua`. */
function settleReply(reply: unknown): SettleReply {
  return reply === 1 ? 'done' : reply === 0 ? 'already' : 'lost';
}
