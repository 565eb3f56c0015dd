// Longer than 250 lines: the ways of a put differ in a few lines each.
import { shown } from '../core/shown.js';
import { InvalidOptionError, NotAQueueError, NothingToPutError, NotSerializableError } from '../core/errors.js';
import { mostMessageBytes } from '../core/sizes.js';
import type { JobFields } from '../core/job.js';
import type { TraceContext } from '../core/trace-context.js';
import { UntrackedJob } from '../jobs/job-objects.js';
import type { Job } from '../jobs/job.js';
import type { Priority } from '../core/options/placement.js';
import type { ResolvedPutOptions } from '../core/options/put.js';
import { refuseOptionsAsMessage } from './options-as-message.js';
import type { JobRef } from '../jobs/job-ref.js';
import type { PlaceInFlow, PlaceTogether, PreparedStep, PutStep } from '../jobs/flow-start.js';
import type { FollowUp } from '../jobs/outbox.js';
import type { Encoded } from '../payload/payload-type.js';
import { processId } from '../redis/process-id.js';
import { dueText, type Due, type PutLane } from '../redis/transitions.js';
import type { QueueContext } from '../redis/queue-context.js';
import { putChannel, traced, type PutTrace } from '../telemetry/channels.js';
import { fieldsOf, headerLine, open, readyField } from '../wire/envelope.js';
import { newId } from '../wire/id.js';
import { withTrace } from '../wire/trace.js';
import type { PutBatcher } from './put-batcher.js';
import { allOf, portionsOf, tooLarge } from './portions.js';
import { putDependent, putHeld } from './put-dependent.js';
import type { Publisher, PutArguments, PutResult } from './put-types.js';
import { PutRequest, type PutTarget } from './put-request.js';
import { dueFrom, trackingOf, uniquesOf } from './tracking.js';

const batchSize = 1_000;
const lanes: Record<Priority, PutLane> = { high: 'h', normal: 'b', low: 'l' };
const defaultUniqueForMs = 86_400_000;
/** As long as each id that the library makes. */
const anId = newId(0);
/** What a message has in its header before its first attempt. */
const untried = { id: '', attempts: 0, crashes: 0 };

/** Encodes messages for one queue and one set of put options, and hands them to the batcher. */
export class QueuePublisher<T, In, R = unknown> implements Publisher<T, In, R> {
  readonly #batchSize: number;
  readonly #target: PutTarget;
  /** What follows the id in the header, where it is the same for every message. */
  readonly #rest: string | undefined;
  readonly #mayBeDelayed: boolean;
  /** The end of the last header with a time. Steps that are put in the same millisecond share it. */
  #last: { readonly readyAt: number | undefined; readonly rest: string } | undefined;
  /** The options that are the same for every message, as its header has them. */
  readonly #fields: string;

  constructor(
    private readonly context: QueueContext<T>,
    private readonly batcher: PutBatcher,
    private readonly options: ResolvedPutOptions,
    /** The trace context that the messages carry. */
    private readonly trace?: TraceContext,
  ) {
    const { id, ttlMs, priority = 'normal', uniqueForMs = defaultUniqueForMs } = options;
    this.#target = {
      context,
      lane: lanes[priority],
      uniqueForMs: id === undefined ? undefined : uniqueForMs,
      hasTtl: ttlMs !== undefined,
      tracking: trackingOf(options),
    };
    this.#fields = fieldsOf(this.#target.tracking ? { ...options, tracked: 1 } : options, ttlMs);
    this.#mayBeDelayed = options.at !== undefined || options.delayMs !== undefined;
    // A header with a time in it is made for each put.
    this.#rest = id === undefined && !this.#mayBeDelayed && !options.after ? this.#restOf(this.#fields) : undefined;
    this.#batchSize = Math.min(batchSize, batcher.limit?.maxLength ?? batchSize);
  }

  put<N extends unknown[]>(...messages: PutArguments<In, N>): Promise<PutResult<T, N, R>> {
    const as = messages.length === 1 ? 'one' : 'several';
    const all = messages as readonly unknown[] as readonly In[];
    const storing = putChannel.hasSubscribers ? this.#storeTraced(all, as) : this.#store(all, as);
    return storing as Promise<PutResult<T, N, R>>;
  }

  async putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T, R>[]> {
    this.#refuseSharedId();
    refuseNoList(messages);
    const jobs: Job<T, R>[] = [];
    let batch: In[] = [];
    for await (const message of messages) {
      if (batch.push(message) < this.#batchSize) continue;
      jobs.push(...((await this.#storeTraced(batch, 'list')) as Job<T, R>[]));
      batch = [];
    }
    return batch.length === 0 ? jobs : jobs.concat((await this.#storeTraced(batch, 'list')) as Job<T, R>[]);
  }

  /** Checks and encodes a message that is put when another one is done, or by a schedule; see `jobs/outbox.ts`. */
  prepare(payload: In, operation: 'next' | 'schedule'): Promise<{ job: JobFields<T>; followUp: FollowUp }> {
    return this.#traced(operation, 1, (publisher) => publisher.#prepare(payload));
  }

  async #prepare(payload: In): Promise<{ job: JobFields<T>; followUp: FollowUp }> {
    this.context.admit();
    const { wire, payload: type, broker, name } = this.context;
    if (wire === 'plain') throw new NotAQueueError(name, "its wire is 'plain': such a message has no id");
    const encoded = await type.encode(payload);
    const putAt = Date.now();
    const job = this.#jobOf(encoded, putAt);
    const rest = this.#rest ?? this.#restWith(putAt);
    const { lane, hasTtl, uniqueForMs, tracking } = this.#target;
    const [unique = ''] = tracking ? uniquesOf(this.options.unique, encoded) : [];
    const followUp: FollowUp = {
      ...{ queue: name, prefix: broker.keys.names, id: job.id, message: this.#seal(job.id, rest, encoded.text) },
      ...{ lane, hasTtl, uniqueForMs, due: dueFrom(this.options), tracking: tracking && { ...tracking, unique } },
    };
    return { job, followUp };
  }

  /**
   * Puts the message of a step of a flow.
   *
   * @param payload `undefined`: the results of its parents, which a worker checks
   */
  putStep(payload: In | undefined, place: PlaceInFlow): Promise<PutStep> {
    return this.#traced('step', 1, (publisher) => publisher.#putStep(payload, place));
  }

  /** Whether a step may be put together with others: no other job may take its place, and it is due when it is put, or behind others. */
  canTravel(isFirst: boolean): boolean {
    const { id, unique, ttlMs } = this.options;
    const isOwn = id !== undefined || unique !== undefined;
    const isLater = ttlMs !== undefined || this.#mayBeDelayed;
    return this.#target.tracking !== undefined && !this.batcher.limit && !isOwn && !(isFirst && isLater);
  }

  /** The message of a step that travels with others. */
  prepareStep(payload: In | undefined, place: PlaceTogether): PreparedStep | Promise<PreparedStep> {
    if (!putChannel.hasSubscribers) return this.#prepareStep(payload, place);
    return new Promise((resolve, reject) => {
      this.#traced('step', 1, async (publisher) => {
        const step = await publisher.#prepareStep(payload, place);
        resolve(step);
        await place.stored;
      }).catch(reject);
    });
  }

  #prepareStep(payload: In | undefined, place: PlaceTogether): PreparedStep | Promise<PreparedStep> {
    this.context.admit();
    const encoded = this.#encodedStep(payload);
    return encoded instanceof Promise
      ? encoded.then((checked) => this.#preparedStep(checked, place))
      : this.#preparedStep(encoded, place);
  }

  #preparedStep(encoded: Encoded<T>, { isFirst, isEnd }: PlaceTogether): PreparedStep {
    const putAt = Date.now();
    const job = this.#jobOf(encoded, putAt, isEnd ? 'ours, unsent' : 'watched');
    const due = dueFrom(this.options);
    return {
      job: job as Job,
      message: this.#seal(job.id, isFirst && this.#rest ? this.#rest : this.#restWith(putAt, !isFirst), encoded.text),
      lane: this.#target.lane,
      due: due ? dueText(due) : '',
      tracking: this.#target.tracking!,
      processId: isEnd ? processId() : '',
    };
  }

  /** @param payload `undefined`: the results of the jobs before it */
  #encodedStep(payload: In | undefined): Encoded<T> | Promise<Encoded<T>> {
    return payload === undefined
      ? ({ payload: undefined, text: 'null' } as Encoded<T>)
      : this.context.payload.encode(payload);
  }

  async #putStep(payload: In | undefined, place: PlaceInFlow): Promise<PutStep> {
    this.context.admit();
    const encoded = await this.#encodedStep(payload);
    if ('start' in place) return this.#hold(encoded, place.start);
    return { job: (await this.#sendOneAfter(encoded, payload === undefined ? place.input : 'own')) as Job };
  }

  #storeTraced(messages: readonly In[], as: 'one' | 'several' | 'list'): Promise<JobFields<T> | JobFields<T>[]> {
    return this.#traced('put', messages.length, (publisher) => publisher.#store(messages, as));
  }

  /** Publishes the events of an operation, if someone has subscribed. Its messages carry the trace context that a subscriber has set. */
  #traced<P>(
    operation: PutTrace['operation'],
    count: number,
    work: (publisher: QueuePublisher<T, In, R>) => Promise<P>,
  ): Promise<P> {
    if (!putChannel.hasSubscribers) return work(this);
    const { name: queue, broker } = this.context;
    const carrier: TraceContext = {};
    const trace: PutTrace = {
      get redis() {
        return broker.connection.label; // known when the server has answered for the first time
      },
      queue,
      operation,
      count,
      carrier,
    };
    const carrying = (): QueuePublisher<T, In, R> =>
      new QueuePublisher(this.context, this.batcher, this.options, carrier);
    return traced(putChannel, trace, () => work(carrier.traceparent === undefined ? this : carrying()));
  }

  /** All messages are checked before the first is sent. One promise for the whole way: promises dominate the cost of a put. */
  #store(messages: readonly In[], as: 'one' | 'several' | 'list'): Promise<JobFields<T> | JobFields<T>[]> {
    return new Promise((resolve, reject) => {
      this.context.admit();
      if (messages.length !== 1) this.#refuseCount(messages.length);
      // A typed queue refuses options by its own rules, and `id` may be a field of its class.
      if (as === 'several' && this.context.payload.source === undefined) refuseOptionsAsMessage(messages);
      const { payload } = this.context;
      const stored = resolve as (jobs: JobFields | JobFields[]) => void;
      const encoded =
        as === 'one' ? payload.encode(messages[0]) : allOf(messages.map((message) => payload.encode(message)));
      const send = as === 'list' ? this.#sendPortions : this.#send;
      if (encoded instanceof Promise) encoded.then((checked) => send.call(this, checked, stored, reject)).catch(reject);
      else send.call(this, encoded, stored, reject);
    });
  }

  /** {@link #send} for messages that need not be stored together: large ones would make a batch that Redis refuses. */
  #sendPortions(
    encoded: Encoded<T> | readonly Encoded<T>[],
    stored: (jobs: JobFields[]) => void,
    reject: (error: unknown) => void,
  ): void {
    const portions = portionsOf(encoded as readonly Encoded<T>[]);
    if (portions.length === 1)
      return this.#send(portions[0]!, stored as (jobs: JobFields | JobFields[]) => void, reject);
    this.#sendInTurn(portions).then(stored, reject);
  }

  async #sendInTurn(portions: readonly (readonly Encoded<T>[])[]): Promise<JobFields[]> {
    const jobs: JobFields[] = [];
    for (const portion of portions)
      jobs.push(
        ...(await new Promise<JobFields[]>((done, fail) =>
          this.#send(portion, (sent) => done(sent as JobFields[]), fail),
        )),
      );
    return jobs;
  }

  #send(
    encoded: Encoded<T> | readonly Encoded<T>[],
    stored: (jobs: JobFields | JobFields[]) => void,
    reject: (error: unknown) => void,
  ): void {
    if (this.options.after) return void this.#sendAfter(encoded).then(stored, reject);
    const putAt = Date.now();
    const due = this.#mayBeDelayed ? dueFrom(this.options) : undefined;
    const rest = this.#rest ?? this.#restWith(putAt);
    const uniques = this.#target.tracking && uniquesOf(this.options.unique, encoded);
    if ('text' in encoded) {
      const job = this.#jobOf(encoded, putAt);
      return this.batcher.put(
        new PutRequest(this.#target, job, this.#seal(job.id, rest, encoded.text), due, stored, reject, uniques),
      );
    }
    const jobs = encoded.map((one) => this.#jobOf(one, putAt));
    const messages = encoded.map(({ text }, index) => this.#seal(jobs[index]!.id, rest, text));
    if (messages.reduce((sum, { length }) => sum + length, 0) > mostMessageBytes) return reject(tooLarge());
    this.batcher.put(new PutRequest(this.#target, jobs, messages, due, stored, reject, uniques));
  }

  /** {@link #send} for messages that wait for the ends of jobs. */
  async #sendAfter(encoded: Encoded<T> | readonly Encoded<T>[]): Promise<JobFields<T> | JobFields<T>[]> {
    if ('text' in encoded) return this.#sendOneAfter(encoded);
    const jobs: JobFields<T>[] = [];
    for (const one of encoded) jobs.push(await this.#sendOneAfter(one));
    return jobs;
  }

  async #sendOneAfter(encoded: Encoded<T>, input = 'own'): Promise<JobFields<T>> {
    const { job, message } = this.#oneOf(encoded);
    const isStored = await putDependent(this.#target, this.options, job.id, message, input);
    // As for every put, only a job with an id of the caller says whether Redis had it already.
    return this.options.id === undefined ? job : (this.context.makeJob(job, true, !isStored) as JobFields<T>);
  }

  #hold(encoded: Encoded<T>, start: JobRef): Promise<PutStep> {
    const { job, message } = this.#oneOf(encoded);
    const send = (target: PutTarget, due: Due): Promise<Job> =>
      new Promise((resolve, reject) => {
        const uniques = uniquesOf(this.options.unique, encoded);
        this.batcher.put(new PutRequest(target, job, message, due, resolve as () => void, reject, uniques));
      });
    return putHeld(this.#target, this.options, job.id, start, send);
  }

  /** A job, and its message. */
  #oneOf(encoded: Encoded<T>): { readonly job: JobFields<T>; readonly message: string } {
    const putAt = Date.now();
    const job = this.#jobOf(encoded, putAt);
    return { job, message: this.#seal(job.id, this.#rest ?? this.#restWith(putAt), encoded.text) };
  }

  /** What follows the id in the header, where it has the time of the put or the due time. The ids of the library contain the time of the put. */
  #restWith(putAt: number, isBehind = this.options.after !== undefined): string {
    const { id, at, delayMs = 0 } = this.options;
    const readyAt = at ?? (delayMs > 0 || isBehind ? putAt + delayMs : undefined);
    if (id !== undefined) return this.#restOf(fieldsOf({ putAt }) + this.#fields, readyAt);
    if (!this.#last || this.#last.readyAt !== readyAt)
      this.#last = { readyAt, rest: this.#restOf(this.#fields, readyAt) };
    return this.#last.rest;
  }

  /** What follows the id of a message that was never tried. */
  #restOf(fields: string, readyAt?: number): string {
    const all = readyAt === undefined ? fields : fields + readyField(readyAt);
    return headerLine({ ...untried, fields: withTrace(all, this.options.id ?? anId, this.trace) }).slice(1);
  }

  #jobOf({ payload }: Encoded<T>, putAt: number, end: 'ours, unsent' | 'watched' = 'ours, unsent'): JobFields<T> {
    const fields = { id: this.options.id ?? newId(putAt), queue: this.context.name, payload, putAt };
    if (!this.#target.tracking) return new UntrackedJob<T>(fields);
    return this.context.makeJob(fields, true, undefined, end) as JobFields<T>;
  }

  /** For none, and for several that would share one id. */
  #refuseCount(messages: number): void {
    if (messages === 0) throw new NothingToPutError(this.context.name);
    this.#refuseSharedId();
  }

  #refuseSharedId(): void {
    const { id, unique } = this.options;
    if (typeof unique === 'string')
      throw new InvalidOptionError(
        'unique',
        `invalid unique ${JSON.stringify(unique)}: several messages cannot share one unique key. Put them one by one, or use a function of the payload`,
      );
    if (id === undefined) return;
    throw new InvalidOptionError(
      'id',
      `invalid id ${JSON.stringify(id)}: several messages cannot share one id. Put them one by one, each with its own: with({ id: … })`,
    );
  }

  #seal(id: string, rest: string, text: string): string {
    if (this.context.wire !== 'plain') return `#${id}${rest}${text}`;
    if (open(text).header)
      throw new NotSerializableError(
        '',
        'text that begins like a header of hotqueue',
        "its first line would be lost. Use wire: 'hotqueue'",
      );
    return text;
  }
}

/** A text is a list of its letters, but no caller means that. */
function refuseNoList(messages: unknown): void {
  const { [Symbol.iterator]: each, [Symbol.asyncIterator]: eachLater } = Object(messages) as Partial<
    Iterable<unknown> & AsyncIterable<unknown>
  >;
  if (typeof messages !== 'string' && (typeof each === 'function' || typeof eachLater === 'function')) return;
  throw new InvalidOptionError(
    'messages',
    `invalid messages ${shown(messages)}: expected a list of messages, such as an array. For one message, use put()`,
  );
}
