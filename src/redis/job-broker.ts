// Longer than 250 lines: every transition and read of the records of jobs has its one caller here.
import { hasEnded, type JobStatus } from '../core/job.js';
import { madeAt } from '../wire/id.js';
import { pack, packUtf8 } from '../wire/pack.js';
import type { Connection, Patience } from './connection.js';
import type { Keys } from './keys.js';
import { QueueHistory } from './queue-history.js';
import type {
  BegunJob,
  BeginReply,
  JobSettleReply,
  KeptFor,
  Settlement,
  StoredEnd,
  StoredRecord,
} from './job-transitions.js';
import { tenSeconds } from './reading.js';

/** A result that is not larger than this is published together with the end of its job. */
const mostPublishedBytes = 8_192;
/** So many jobs begin in one call, so that Redis is not busy for long. */
const mostBegunAtOnce = 200;
/** So many ends are read in one call, so that Redis is not busy for long, also if each has a large result. */
const mostEndsAtOnce = 200;
/** How long Redis keeps its reply to a request: longer than the client repeats the request. */
const requestMemoryMs = 600_000;

/** The records of a queue's jobs in Redis: every transition of a record, and every read. */
export class JobBroker {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
    private readonly mostDeadLetters: number,
    private readonly history = QueueHistory.of(connection, keys),
  ) {}

  /**
   * begin: the jobs of tracked messages of a take are running. Many are sent in several calls at once.
   *
   * @param have.begun whether their handlers have begun
   */
  async begin(
    worker: string,
    name: string,
    number: number,
    jobs: readonly BegunJob[],
    have: KeptFor & { readonly begun?: boolean },
    patience: Patience,
  ): Promise<BeginReply[]> {
    if (jobs.length > mostBegunAtOnce) {
      const [some, others] = [jobs.slice(0, mostBegunAtOnce), jobs.slice(mostBegunAtOnce)];
      const begin = (part: readonly BegunJob[]) => this.begin(worker, name, number, part, have, patience);
      return (await Promise.all([begin(some), begin(others)])).flat();
    }
    const { meta, jobIndexes, jobClaims, jobsToCheck } = this.keys;
    const keys = [this.keys.claims(worker), meta, ...jobIndexes, jobClaims, jobsToCheck];
    const words: string[] = [];
    for (const { index, id, attempt, putAt, begunAt } of jobs) {
      keys.push(this.keys.job(id));
      words.push(String(index), id, String(attempt), String(putAt), String(begunAt));
    }
    const args = [worker, number, name, have.keepMs, have.keepFailedMs, have.begun ? 1 : 0, pack(words)];
    const reply = (await this.history.run('begin', keys, args, patience)) as string[];
    return reply.map((word) =>
      word === 'expired' || word === 'ended' || word === 'lost'
        ? { kind: word }
        : { kind: 'begun', ...(word !== '' && { replacement: word.slice(1) }) },
    );
  }

  /** settle: what happens to messages and to the records of their jobs, in one step. */
  async settle(
    worker: string,
    settlements: readonly Settlement[],
    keep: KeptFor,
    patience?: Patience,
  ): Promise<readonly JobSettleReply[]> {
    const { workers, delayed, delayedMessages, waiting, meta, dead, deadMessages, jobIndexes, blocked } = this.keys;
    const { jobClaims, jobsToCheck } = this.keys;
    const keys = [
      ...[this.keys.claims(worker), workers, delayed, delayedMessages, ...waiting, meta, dead, deadMessages],
      ...jobIndexes,
      ...[blocked, jobClaims, jobsToCheck],
      ...settlements.map(({ id }) => this.keys.job(id)),
    ];
    const all: (string | Buffer)[] = [];
    let hasBytes = false;
    for (const { take, index, id, isTracked, putAt, run, child = '', words } of settlements) {
      if (words[0] === 'become') keys.push(this.keys.parents(id));
      else if (child !== '') keys.push(this.keys.parents(child), this.keys.job(child));
      all.push(String(words.length + 7), String(take.number), String(index), id, isTracked ? '1' : '0');
      all.push(String(putAt), run, child);
      for (const word of words) {
        all.push(typeof word === 'number' ? String(word) : word);
        if (Buffer.isBuffer(word)) hasBytes = true;
      }
    }
    const packed = hasBytes ? packUtf8(all) : pack(all as string[]);
    const terms = [this.mostDeadLetters, mostPublishedBytes, keep.keepMs, keep.keepFailedMs];
    const args = [worker, ...terms, this.keys.jobNames, packed];
    const reply = (await this.history.run('settle', keys, args, patience)) as string[];
    return reply.map((word) =>
      word.startsWith('"') ? { children: JSON.parse(`[${word}]`) as string[] } : (word as JobSettleReply),
    );
  }

  /** note: progress of a running job, or a line of its log. @param call number of this call for the message: a repeated one adds no second line */
  async note(
    worker: string,
    { take, index, id }: Pick<Settlement, 'take' | 'index' | 'id'>,
    call: number,
    [kind, text]: readonly ['progress' | 'log', string],
    patience: Patience,
  ): Promise<'noted' | 'cancelled' | 'lost'> {
    const keys = [this.keys.claims(worker), this.keys.job(id)];
    const reply = await this.history.run('note', keys, [worker, take.number, index, call, kind, text], patience);
    return reply === 1 ? 'noted' : reply === 0 ? 'cancelled' : 'lost';
  }

  /**
   * cancel-job.
   *
   * @param request id of this request. If the request is sent again, Redis replies the same
   * @returns the status that the job had; `undefined` if there is no record
   */
  async cancel(id: string, request: string, patience: Patience = tenSeconds): Promise<JobStatus | undefined> {
    const { delayed, delayedMessages, meta, jobIndexes, jobClaims, jobsToCheck, cancellations } = this.keys;
    await this.mend(id, patience);
    const keys = [
      ...[this.keys.job(id), delayed, delayedMessages, meta, this.keys.request(request)],
      ...[...jobIndexes, jobClaims, jobsToCheck],
    ];
    const args = [id, cancellations, requestMemoryMs];
    const reply = (await this.history.run('cancel-job', keys, args, patience)) as JobStatus | '';
    return reply === '' ? undefined : reply;
  }

  /** mend-job: brings a record in line with where its message is. @returns its status; `undefined` if there is no record, and no worker has taken the message */
  async mend(id: string, patience: Patience = tenSeconds): Promise<JobStatus | undefined> {
    const record = this.keys.job(id);
    const { delayed, dead, deadMessages, meta, jobIndexes, jobClaims, jobsToCheck } = this.keys;
    const [claim = ''] = ((await this.connection.call((client) => client.hget(jobClaims, id), patience)) ?? '').split(
      ' ',
    );
    const worker = claim.replace(/\.\d+\.\d+$/, '');
    const keys = [
      ...[record, this.keys.claims(worker), delayed, deadMessages, meta],
      ...[...jobIndexes, dead, jobClaims, jobsToCheck],
    ];
    const reply = (await this.history.run('mend-job', keys, [id, claim, madeAt(id) ?? ''], patience)) as JobStatus | '';
    return reply === '' ? undefined : reply;
  }

  /** {@link mend} for those of these jobs whose records have one of these statuses. */
  async mendIf(ids: readonly string[], statuses: readonly JobStatus[], patience: Patience = tenSeconds): Promise<void> {
    if (ids.length === 0) return;
    const ends = await this.ends(ids, patience);
    const stale = ids.filter((_, at) => statuses.includes(ends[at]!.status as JobStatus));
    await Promise.all(stale.map((id) => this.mend(id, patience)));
  }

  /** {@link mend} for those of these jobs that are claimed, or were when their worker died. */
  async mendClaimed(ids: readonly string[], patience: Patience = tenSeconds): Promise<void> {
    if (ids.length === 0) return;
    const claims = await this.connection.call((client) => client.hmget(this.keys.jobClaims, ...ids), patience);
    await Promise.all(ids.filter((_, at) => claims[at] !== null).map((id) => this.mend(id, patience)));
  }

  /** {@link mend} for all jobs that are claimed and whose records do not say that they run, or were claimed when their worker died. */
  async mendAllClaimed(patience: Patience = tenSeconds): Promise<void> {
    const claims = await this.connection.call((client) => client.hkeys(this.keys.jobClaims), patience);
    const statuses = await this.ends(claims, patience);
    const stale = claims.filter((_, at) => statuses[at]!.status !== 'running');
    for (let from = 0; from < stale.length; from += mostEndsAtOnce)
      await Promise.all(stale.slice(from, from + mostEndsAtOnce).map((id) => this.mend(id, patience)));
  }

  /**
   * {@link mend} for some of the jobs that run, look as if they did, or must be checked before they begin.
   *
   * @param cursors the result of the call before; `['0', '0']` at first
   */
  async mendRunning(cursors: readonly [string, string], patience: Patience): Promise<[string, string]> {
    const { jobClaims, jobsToCheck } = this.keys;
    const index = this.keys.jobIndex('running');
    const [running, claims, checked] = await this.connection.call(
      (client) =>
        Promise.all([
          client.zscan(index, cursors[0], 'COUNT', 200),
          client.hscan(jobClaims, cursors[1], 'COUNT', 200),
          client.srandmember(jobsToCheck, 200),
        ]),
      patience,
    );
    const ids = [...running[1], ...claims[1]].filter((_, at) => at % 2 === 0); // each with its score or claim behind it
    await Promise.all([...new Set([...ids, ...checked])].map((id) => this.mend(id, patience)));
    return [running[0], claims[0]];
  }

  /** revive-jobs: jobs are waiting again whose dead letters were revived. */
  async revive(ids: readonly string[], patience: Patience = tenSeconds): Promise<void> {
    const { deadMessages, meta, jobIndexes } = this.keys;
    const indexes = (['failed', 'expired'] as const).map((status) => this.keys.jobIndex(status));
    if ((await this.connection.call((client) => client.exists(...indexes), patience)) === 0) return;
    // They may have another payload, or a unique key until they start.
    await this.connection.call((client) => client.sadd(this.keys.jobsToCheck, ...ids), patience);
    const keys = [deadMessages, meta, ...jobIndexes, ...ids.map((id) => this.keys.job(id))];
    await this.history.run('revive-jobs', keys, [...ids], patience);
  }

  /** clear-jobs: drops messages if they are still where they were found, and cancels their jobs. @returns how many were dropped */
  async clear(
    messages: readonly { readonly place: string; readonly id: string }[],
    request: string,
    patience: Patience,
  ): Promise<number> {
    const { waiting, delayed, delayedMessages, meta, jobIndexes } = this.keys;
    const keys = [
      ...[this.keys.request(request), ...waiting, delayed, delayedMessages, meta, ...jobIndexes],
      ...messages.map(({ id }) => this.keys.job(id)),
    ];
    const args = [requestMemoryMs, ...messages.flatMap(({ place, id }) => [place, id])];
    return (await this.history.run('clear-jobs', keys, args, patience)) as number;
  }

  /** The ids of the jobs that have these unique keys, `''` for none. Jobs that have ended without Redis knowing it do now. */
  async holders(uniques: readonly string[], patience: Patience): Promise<string[]> {
    if (uniques.every((unique) => unique === '')) return uniques.map(() => '');
    const hash = this.keys.unique;
    const read = await this.connection.call(
      (client) => client.hmget(hash, ...uniques.map((key) => key || ' ')),
      patience,
    );
    const holders = read.map((holder, index) => (uniques[index] === '' ? '' : (holder ?? '')));
    for (const holder of new Set(holders)) if (holder !== '') await this.mend(holder, patience);
    return holders;
  }

  /** From now on every step of the job is published, not only its end. @returns whether there is a record */
  async watch(id: string, patience: Patience = tenSeconds): Promise<boolean> {
    const key = this.keys.job(id);
    return this.connection.call(async (client) => {
      if ((await client.exists(key)) === 0) return false;
      const before = await client.hget(key, 'status');
      // Its worker must publish when it begins. The entry is not removed here, because a cancelled job needs it too: settle or mend-job does.
      if (before !== null && !hasEnded(before)) await client.sadd(this.keys.jobsToCheck, id);
      await client.hset(key, 'watched', 1);
      if ((await client.hexists(key, 'status')) === 1) return true;
      await client.del(key); // it expired in between
      return false;
    }, patience);
  }

  /** Whether there is a record. */
  async exists(id: string, patience: Patience = tenSeconds): Promise<boolean> {
    return (await this.connection.call((client) => client.exists(this.keys.job(id)), patience)) === 1;
  }

  /** The record of a job; `undefined` if there is none. */
  async record(id: string, patience: Patience = tenSeconds): Promise<StoredRecord | undefined> {
    const [record] = await this.records([id], patience);
    return record;
  }

  /** The records of several jobs. Those of delayed and retrying ones have `dueAt` too, from the index. */
  async records(ids: readonly string[], patience: Patience = tenSeconds): Promise<(StoredRecord | undefined)[]> {
    return this.connection.call(
      (client) =>
        Promise.all(
          ids.map(async (id) => {
            const record = await client.hgetall(this.keys.job(id));
            const status = record.status as JobStatus | undefined;
            if (status !== 'delayed' && status !== 'retrying') return status && record;
            const dueAt = await client.zscore(this.keys.jobIndex(status), id);
            return dueAt === null ? record : { ...record, dueAt };
          }),
        ),
      patience,
    );
  }

  /** Only whether a job has ended, and how. */
  async ends(ids: readonly string[], patience: Patience = tenSeconds): Promise<StoredEnd[]> {
    const parts = Array.from({ length: Math.ceil(ids.length / mostEndsAtOnce) }, (_, part) =>
      ids.slice(part * mostEndsAtOnce, (part + 1) * mostEndsAtOnce),
    );
    return (await Promise.all(parts.map((part) => this.#endsOf(part, patience)))).flat();
  }

  async #endsOf(ids: readonly string[], patience: Patience): Promise<StoredEnd[]> {
    const keys = ids.map((id) => this.keys.job(id));
    const reply = (await this.connection.script('ends', keys, [], patience)) as string[];
    return ids.map((_, at) => ({ status: reply[2 * at]!, result: reply[2 * at + 1]! || undefined }));
  }

  /** Ids of the jobs with a status, newest first, with the score that they have in the index. */
  async page(
    status: JobStatus,
    [lowest, highest]: readonly [string, string],
    limit: number,
    patience: Patience = tenSeconds,
  ): Promise<{ readonly id: string; readonly score: number }[]> {
    const index = this.keys.jobIndex(status);
    const read = await this.connection.call(
      (client) => client.zrevrangebyscore(index, highest, lowest, 'WITHSCORES', 'LIMIT', 0, limit),
      patience,
    );
    return Array.from({ length: read.length / 2 }, (_, at) => ({ id: read[2 * at]!, score: Number(read[2 * at + 1]) }));
  }

  /** How many jobs of an index have a score in a range. */
  async count(status: JobStatus, [lowest, highest]: readonly [string, string], patience = tenSeconds): Promise<number> {
    return this.connection.call((client) => client.zcount(this.keys.jobIndex(status), lowest, highest), patience);
  }

  /** Removes the ids of expired records from an index. */
  async forget(status: JobStatus, ids: readonly string[], patience: Patience = tenSeconds): Promise<void> {
    if (ids.length === 0 || !hasEnded(status)) return;
    await this.connection.call((client) => client.zrem(this.keys.jobIndex(status), ...ids), patience);
  }
}
