import {
  InvalidOptionError,
  JobCancelledError,
  LeaseLostError,
  NotAQueueError,
  NotTrackedError,
} from '../core/errors.js';
import type { JobFields, JobStatus } from '../core/job.js';
import type { PutOptions } from '../core/options/put.js';
import { afterParents, lookMs } from '../jobs/after.js';
import { refText, type JobRef } from '../jobs/job-ref.js';
import { awaitContinuation } from '../jobs/continuation.js';
import { placeOfJob } from '../jobs/job-objects.js';
import { parentOf, type ParentOfJob } from '../jobs/parent.js';
import { deliver, prepareFor } from '../jobs/outbox.js';
import { payloadType, type Encoded } from '../payload/payload-type.js';
import type { Patience } from '../redis/connection.js';
import type { ParentEnd, StoredParent } from '../redis/flow-transitions.js';
import type { JobSettleReply } from '../redis/job-transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { MessageOptions } from '../wire/envelope.js';
import { errorRecord } from '../wire/error-record.js';
import type { JobSettler, SettledJob } from './job-settler.js';
import { tenSeconds } from '../redis/reading.js';

/** A claim, as far as its job needs it. */
export interface JobClaim {
  readonly context: QueueContext;
  readonly queue: string;
  readonly id: string;
  readonly worker: string;
  readonly take: { readonly number: number };
  readonly index: number;
  readonly attempt: number;
  readonly putAt: number;
  readonly options: Pick<MessageOptions, 'child'>;
  /** When its attempt began, Unix ms, by the time of the queue. */
  readonly begunAt: number;
  readonly lane: string;
  /** The message as it is stored again if its job has the result of another one. */
  readonly continued: Buffer;
}

/** The session of a claim, as far as its job needs it. */
export interface JobHolder {
  readonly jobSettler: JobSettler;
  /** Name of the worker. */
  readonly name: string;
  /** How long a settlement may wait for Redis. */
  readonly settling: Patience;
  /** The handler of this message has begun: its record says so from now on. */
  noteBegun(claim: JobClaim): Promise<void>;
  /** Leaving waits for this. */
  follow(work: Promise<void>): void;
}

/** A reply, once the jobs that wait for this one are being notified. */
type JobReply = Extract<JobSettleReply, string>;
type OnReply = (reply: JobReply | Error) => void;

/** How a job ends, by the words that settle it, see `settle.lua`. */
function endIn([verb, ...words]: SettledJob['words']): ParentEnd {
  if (verb === 'done') return { status: 'done', result: words[0] as string, failure: '' };
  return { status: words[2] as JobStatus, result: '', failure: words[3] as string };
}

/** Most characters of a line in the log of a job. */
const longestLine = 4_096;
const progressType = payloadType(undefined, { maxBytes: 65_536 });

/** What a claim has beside the message: the record of its job, and the messages that are put when it is done. Most claims have neither. */
export class ClaimJob {
  /** The text of another payload that a later put gave to this job. */
  replacement: string | undefined;
  /** Whether `begin` has noted this attempt in its record. */
  hasBegun = false;
  /** Redis has reported that it expired, before its handler began. */
  hasExpired = false;
  /** Entries of the outbox, with their names. */
  readonly #followUps: string[] = [];
  #notes = 0;
  /** Shared by calls that come together, so that they stay in order. */
  #begun: Promise<void> | undefined;
  #continuation: JobRef | undefined;

  constructor(
    private readonly claim: JobClaim,
    private readonly session: JobHolder,
    /** Whether the job has a record. */
    readonly isTracked: boolean,
  ) {}

  /** Settles the message together with the record. @param onReply gets the reply, or the error if Redis did not answer in time */
  settle(words: SettledJob['words'], onReply: OnReply): void {
    const { take, index, id, worker, putAt } = this.claim;
    const { child } = this.claim.options;
    const { isTracked } = this;
    const { jobSettler } = this.session;
    const run = this.hasBegun || !isTracked ? '' : `${this.claim.begunAt} ${this.claim.attempt} ${this.session.name}`;
    const onReplyOrNotice = (reply: JobSettleReply | Error): void => {
      if (typeof reply === 'string' || reply instanceof Error) return onReply(reply);
      this.session.follow(jobSettler.notify({ id, end: endIn(words), children: reply.children }));
      onReply('done');
    };
    jobSettler.add({ take, index, id, worker, isTracked, putAt, run, child, words, onReply: onReplyOrNotice });
  }

  /** Whether another job goes on in its place. */
  get isContinued(): boolean {
    return this.#continuation !== undefined;
  }

  /** The result of this job will be that of another one. @throws NotTrackedError, NotAQueueError if it is on another Redis */
  continueWith(job: unknown): void {
    const { queue, id, context } = this.claim;
    if (!this.isTracked) throw new NotTrackedError(queue, id, 'continueWith()');
    const { ref, connection } = placeOfJob(job, 'job');
    if (connection !== context.broker.connection)
      throw new NotAQueueError(ref.queue, `its job ${ref.id} is on another Redis than queue "${context.name}"`);
    if (ref.id === id && ref.queue === queue && ref.prefix === context.broker.keys.names)
      throw new InvalidOptionError(
        'job',
        `job ${id} of queue "${queue}" cannot continue with itself: give another job`,
      );
    this.#continuation = ref;
  }

  /** How the job ended that continues this one; `undefined` if it has not ended. */
  async continuation(): Promise<StoredParent | undefined> {
    const { context, id } = this.claim;
    return (await context.broker.flows.parents(id, tenSeconds)).findLast(({ how }) => how !== '');
  }

  /** {@link settle} as done. What must be put because of it is stored in the same step. @param result its text */
  acknowledge(result: string, onReply: OnReply): void {
    if (this.#continuation) return this.#become(this.#continuation, onReply);
    this.settle(['done', result, ...this.#followUps], (reply) => {
      onReply(reply);
      if (reply === 'done') this.#deliver(); // otherwise maintenance delivers what is in the outbox
    });
  }

  retry(lane: string, delayMs: number, message: Buffer, error: unknown): Promise<JobReply> {
    return this.#settled(['retry', lane, delayMs, message, this.#failure(error)]);
  }

  bury(record: string, message: Buffer, reason: string, error: unknown): Promise<JobReply> {
    const status = reason === 'expired' ? 'expired' : 'failed';
    return this.#settled(['bury', record, message, status, this.#failure(error ?? new Error(reason))]);
  }

  /** @throws NotSerializableError; InvalidPayloadError if it is larger than 64 KiB */
  async progress(value: unknown): Promise<void> {
    await this.#note('progress', (progressType.encode(value) as Encoded<unknown>).text);
  }

  async log(line: string): Promise<void> {
    await this.#note('log', String(line).slice(0, longestLine));
  }

  /** How the jobs have ended for which this one waited. */
  async parents(): Promise<ParentOfJob[]> {
    const { context, id } = this.claim;
    return (await context.broker.flows.parents(id, tenSeconds)).map(parentOf);
  }

  /** Puts a message when this one is done. */
  async next(queue: object, payload: unknown, options?: PutOptions): Promise<JobFields> {
    const { id, attempt, context } = this.claim;
    const { job, followUp, connection } = await prepareFor(queue)(payload, options);
    if (connection !== context.broker.connection)
      throw new NotAQueueError(followUp.queue, `it is on another Redis than queue "${context.name}"`);
    this.#followUps.push(`${id}.${attempt}.${this.#followUps.length / 2}`, JSON.stringify(followUp));
    return job;
  }

  #become(continuation: JobRef, onReply: OnReply): void {
    const { context, queue, id, lane, continued } = this.claim;
    const child = { queue, prefix: context.broker.keys.names, id };
    const words = ['become', lane, continued, afterParents, refText(continuation), lookMs, ...this.#followUps];
    this.settle(words, (reply) => {
      onReply(reply);
      if (reply === 'done') this.#deliver();
      if (reply !== 'done' && reply !== 'already') return;
      const waiting = awaitContinuation(context.broker, child, continuation, this.session.settling);
      this.session.follow(waiting.catch(() => undefined)); // maintenance does it later
    });
  }

  async #note(kind: 'progress' | 'log', text: string): Promise<void> {
    const { queue, id, worker, context } = this.claim;
    if (!this.isTracked) throw new NotTrackedError(queue, id, `${kind}()`);
    if (!this.hasBegun)
      await (this.#begun ??= this.session.noteBegun(this.claim).finally(() => (this.#begun = undefined)));
    const reply = await context.broker.jobs.note(worker, this.claim, (this.#notes += 1), [kind, text], tenSeconds);
    if (reply === 'cancelled') throw new JobCancelledError(queue, id);
    if (reply === 'lost') throw new LeaseLostError(queue, id);
  }

  #settled(words: SettledJob['words']): Promise<JobReply> {
    return new Promise((resolve, reject) => {
      this.settle(words, (reply) => (reply instanceof Error ? reject(reply) : resolve(reply)));
    });
  }

  /** What is not delivered here, because Redis is away or the process ends, another process delivers later. */
  #deliver(): void {
    for (let at = 0; at < this.#followUps.length; at += 2) {
      const [name, entry] = [this.#followUps[at]!, this.#followUps[at + 1]!];
      this.session.follow(deliver(this.claim.context.broker, name, entry, this.session.settling));
    }
  }

  /** A failure of an attempt, as the record has it. */
  #failure(error: unknown): string {
    return JSON.stringify({ attempt: this.claim.attempt, at: Date.now(), error: errorRecord(error) });
  }
}
