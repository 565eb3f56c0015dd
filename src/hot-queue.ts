// Longer than 250 lines: every public member is here with its documentation, and each has only a few lines of code.
import { inspect } from 'node:util';
import { toMs, type Duration } from './core/duration.js';
import { FlowNotFoundError, InvalidOptionError, QueueClosedError } from './core/errors.js';
import { a } from './core/options/schema.js';
import { describe } from './core/shown.js';
import { consumeOptions, getOptions, type GetOptions, type TakeOptions } from './core/options/consume.js';
import { drainedOptions, type DrainedOptions } from './core/options/drained.js';
import { putOptions, type PutOptions, type ResolvedPutOptions } from './core/options/put.js';
import { queueOptions, type QueueOptions } from './core/options/queue.js';
import { emit, type QueueEmitter } from './core/events.js';
import { queueEmitter } from './core/queue-emitter.js';
import { loggerOf } from './core/logger.js';
import { newId } from './wire/id.js';
import { payloadType, type PayloadSettings } from './payload/payload-type.js';
import type { PutInput, PayloadClass } from './payload/types.js';
import type { StandardSchemaV1 } from './payload/standard-schema.js';
import { Broker } from './redis/broker.js';
import { Connection } from './redis/connection.js';
import { untilDrained } from './redis/drained.js';
import { Keys } from './redis/keys.js';
import { run } from './run.js';
import type { PayloadDescription } from './payload/json-schema.js';
import type { QueueContext } from './redis/queue-context.js';
import { consume, consumeBatches, type Consumer } from './consumer/consume.js';
import type { Delivery } from './consumer/delivery.js';
import { Getter } from './consumer/get.js';
import { ignoreCancellations } from './consumer/tracked.js';
import { PutBatcher } from './producer/put-batcher.js';
import { QueuePublisher } from './producer/publisher.js';
import type { PutArguments, PutResult, Publisher } from './producer/put-types.js';
import { registerConsumer, whileConsuming as whileTaking } from './consumer/active-consumers.js';
import { queueWorker } from './worker/decorator.js';
import type { Checked, NeedsPayload, QueueWorker, Unneeded } from './worker/decorator-types.js';
import { maintainWithoutTaking, MaintenanceService } from './maintenance/service.js';
import { countsOf, type Counts } from './inspect/counts.js';
import { DeadLetters } from './inspect/dead-letters.js';
import { DelayedMessages } from './inspect/delayed.js';
import { metricsOf, type Metrics } from './inspect/metrics.js';
import { metricsOptions, type MetricsOptions } from './core/options/metrics.js';
import { peek, type PeekedMessage } from './inspect/peek.js';
import type { JobRef } from './jobs/job-ref.js';
import type { Job, JobHandle } from './jobs/job.js';
import { makeJob, TrackedJob } from './jobs/job-objects.js';
import { Jobs } from './jobs/jobs.js';
import { QueueJobs } from './jobs/queue-jobs.js';
import { registerQueue } from './jobs/outbox.js';
import { mostPayloadBytes } from './core/sizes.js';
import { defaultTracking, type ResolvedTracking } from './core/options/track.js';
import { Schedules } from './schedules/schedules.js';
import type { Flow } from './flows/flow.js';
import { FlowPuts } from './flows/flow-puts.js';
import { Task, type TaskSource } from './flows/task.js';
import { History } from './history/history.js';
import { QueueWorkers } from './inspect/workers.js';
import { tenSeconds } from './redis/reading.js';

/**
 * A queue of messages with payloads of type `T`. Programs put messages on it, and workers or loops take them.
 *
 * Payloads are validated at both ends. The queue connects to Redis on first use.
 *
 * @typeParam T the payload that a handler gets
 * @typeParam In the payload that may be put: the data of `T`, or the input of a schema
 * @typeParam R what its handlers return, for tracked messages
 *
 * @example
 * class ResizeImage { @IsString() path!: string; @IsInt() width!: number; }
 * const images = new HotQueue('images', { payload: ResizeImage });
 * await images.put({ path: 'a.jpg', width: 800 });
 * for await (const image of images.consume()) console.log(image.path);
 */
export class HotQueue<T = unknown, In = PutInput<T>, R = unknown> implements Publisher<T, In, R>, AsyncDisposable {
  /** The name that the constructor was given. */
  readonly name: string;
  /** Key of the Redis list of waiting messages. Python's HotQueue uses the same key. */
  readonly key: string;
  /**
   * Declares a worker: `@queue.worker` or `@queue.worker(options)` on a method, or `queue.worker(fn, options?)` around a
   * function. A declaration connects to nothing. Start it with `run` or `start`.
   *
   * @throws InvalidWorkerError, InvalidOptionError when the worker is declared
   *
   * @example
   * const resize = images.worker(async (image) => sharp(image.path).resize(image.width), { concurrency: 4 });
   * await run(resize);
   */
  readonly worker: QueueWorker<T, R>;
  /**
   * Events of the transitions that this object makes, see {@link QueueEvents}. Events never contain payloads.
   *
   * @example
   * queue.events.on('retry', ({ id, attempt, error }) => console.warn(`message ${id} failed attempt ${attempt}`, error));
   */
  readonly events: QueueEmitter;
  /**
   * The dead letters: messages that were buried, with their bytes and the reason.
   *
   * @example
   * for (const { key, reason } of await queue.dead.list()) console.log(key, reason);
   * await queue.dead.reviveAll();
   */
  readonly dead: DeadLetters;
  /**
   * The delayed messages: put with a delay, or failed and to be retried later.
   *
   * @example
   * const job = await queue.with({ delay: '1h' }).put(message);
   * await queue.delayed.cancel(job.id);
   */
  readonly delayed: DelayedMessages;
  /**
   * The workers and loops that take from this queue, in all processes.
   *
   * @example
   * for (const { name, host, pid } of await queue.workers.list()) console.log(name, host, pid);
   */
  readonly workers: QueueWorkers;
  /**
   * The jobs of tracked messages: pages of those with one status, and how many have each.
   *
   * @example
   * const { jobs } = await pages.jobs.list({ status: 'failed' });
   */
  readonly jobs: Jobs<T, R>;
  /**
   * The schedules: they put messages at the times of a cron expression or at equal intervals.
   *
   * @example
   * await reports.schedules.set('nightly', { cron: '0 3 * * *', timeZone: 'Europe/Berlin', payload: { kind: 'daily' } });
   */
  readonly schedules: Schedules<In, R>;
  /**
   * What happened to each message, if the queue has the option `history`.
   *
   * @example
   * for (const { at, verb, worker } of await orders.history.read({ id: job.id })) console.log(new Date(at), verb, worker);
   */
  readonly history: History;
  readonly #context: QueueContext<T>;
  readonly #records: QueueJobs;
  /** Of queues whose jobs are in a flow with a job of this one. */
  readonly #otherRecords = new Map<string, QueueJobs>();
  readonly #connection: Connection;
  readonly #batcher: PutBatcher;
  readonly #defaults: ResolvedPutOptions;
  readonly #publisher: QueuePublisher<T, In, R>;
  readonly #getter: Getter<T>;
  readonly #consumers = new Set<Consumer<unknown>>();
  #taskSource: TaskSource | undefined;
  /** For tasks without options. */
  #steps: QueuePublisher<T, In, R> | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /**
   * Creates a queue for any JSON value. Does not connect.
   *
   * @param name 1 to 128 letters, digits and `_ . : -`. Queues with the same name and `prefix` in one Redis database are the
   *   same queue
   * @throws InvalidNameError, InvalidOptionError
   *
   * @example
   * const emails = new HotQueue('emails', { payload: SendEmail, attempts: 5, url: 'redis://cache:6379' });
   * const numbers = new HotQueue('numbers', { payload: Number });
   */
  constructor(name: Checked<T>);
  /**
   * Creates a queue. Does not connect.
   *
   * @param name 1 to 128 letters, digits and `_ . : -`. Queues with the same name and `prefix` in one Redis database are the
   *   same queue
   * @param options see {@link QueueOptions}. `payload`: a class with class-validator rules, `String`, `Number`, `Boolean`,
   *   or a Standard Schema (zod, valibot, arktype); without it, the queue takes any JSON value. `result`: the same for what the
   *   handlers return; it is checked when a handler returns and when it is read, and messages are tracked unless `track` is false
   * @throws InvalidNameError, InvalidOptionError
   *
   * @example
   * const emails = new HotQueue('emails', { payload: SendEmail, attempts: 5, url: 'redis://cache:6379' });
   * const numbers = new HotQueue('numbers', { payload: Number });
   */
  constructor(
    name: string,
    options:
      | (QueueOptions & {
          payload?: PayloadClass<T> | StandardSchemaV1<In, T> | undefined;
          result?: PayloadClass<R> | StandardSchemaV1<unknown, R> | undefined;
        } & NeedsPayload<T>)
      | Unneeded<T>,
  );
  constructor(name: string, options?: QueueOptions & { payload?: unknown }) {
    const { payload, result, put, limit, deadLetters, history, prefix, settings, connection, wire, leaseMs, logger } =
      queueOptions(name, options);
    const keys = new Keys(name, prefix);
    this.name = name;
    this.key = keys.base;
    this.#connection = Connection.share(connection);
    const broker = new Broker(this.#connection, keys, leaseMs, deadLetters);
    if (history !== undefined) broker.history.want(history);
    const log = loggerOf(name, logger);
    const events = queueEmitter(name, log);
    this.events = events;
    const payloadSettings: PayloadSettings = {
      ...settings,
      onNotCompiled: ({ name: cls, reason }) =>
        log.debug(
          { queue: name, class: cls },
          `class-validator checks payload class ${cls}, it is not compiled: ${reason}`,
        ),
    };
    this.#context = {
      name,
      broker,
      wire,
      payload: payloadType<T>(payload as PayloadClass<T>, payloadSettings),
      payloadSettings,
      events,
      logger: log,
      maintenance: new MaintenanceService({ name, broker, wire, events, logger: log }),
      retryDefaults: put,
      results: resultsOf(result, put.track || defaultTracking),
      makeJob: (...of) => makeJob(this.#records, ...of),
      declareSchedule: (worker, schedule, its) => this.schedules.declare(worker, schedule, its),
      runners: new Set(),
      admit: this.#admit,
      admitRunner: () => {
        if (this.#closing) throw new QueueClosedError(name);
      },
    };
    this.#records = new QueueJobs(this.#context);
    this.jobs = new Jobs(this.#context, this.#records);
    this.#defaults = put;
    this.#batcher = new PutBatcher(name, broker, limit, (hints) => this.#context.maintenance.ensurePromoted(hints));
    this.#publisher = new QueuePublisher(this.#context, this.#batcher, put);
    this.#getter = new Getter(this.#context);
    this.dead = new DeadLetters(this.#context);
    this.delayed = new DelayedMessages(this.#context);
    this.workers = new QueueWorkers(this.#context);
    this.worker = queueWorker<T, R>(this.#context, run);
    this.history = new History(this.#context);
    this.schedules = new Schedules(
      this.#context,
      (message, its) => this.#publisherOf(its).prepare(message as In, 'schedule'),
      () => maintainWithoutTaking(this.#context.maintenance),
    );
    registerQueue(this, async (message, options) => {
      const prepared = await this.#publisherOf(options).prepare(message as In, 'next');
      return { ...prepared, connection: this.#connection };
    });
  }

  /**
   * Stores messages in order. When the promise resolves, Redis has them: all of one call, or none.
   *
   * Every argument is a message. Options go to {@link with}, an array to {@link putAll}: `put(...array)` resolves to a job for
   * one element, to an array of jobs for several, and rejects for none.
   *
   * @returns one {@link Job} for one message, an array of jobs for several
   * @throws NothingToPutError, InvalidPayloadError, NotSerializableError, QueueClosedError before anything is sent
   * @throws InvalidOptionError before anything is sent, on an untyped queue, if the last of several messages has only names of
   *   put options: `put(message, { delay: '10s' })`
   * @throws QueueFullError, RedisFullError, BufferFullError, RedisUnreachableError if nothing was stored
   * @throws OutcomeUnknownError if Redis stopped answering: the messages may or may not be stored
   *
   * @example
   * const job = await emails.put({ to: 'ada@example.com' });
   * const [first, second] = await emails.put({ to: 'b@example.com' }, { to: 'c@example.com' });
   */
  put<N extends unknown[]>(...messages: PutArguments<In, N>): Promise<PutResult<T, N, R>> {
    return this.#publisher.put<N>(...messages);
  }

  /**
   * Stores the messages of an iterable or async iterable, in batches of up to 1,000. All messages of a batch are stored, or
   * none. If a batch fails, earlier batches stay stored.
   *
   * @returns the jobs, in order; an empty array for no messages
   * @throws the errors of {@link put}
   *
   * @example
   * const jobs = await emails.putAll(users.map(({ email }) => ({ to: email })));
   */
  putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T, R>[]> {
    return this.#publisher.putAll(messages);
  }

  /**
   * An object with `put` and `putAll` that put on this queue with the given options. It can be kept and used again.
   *
   * @param options see {@link PutOptions}; an option that is absent has the value of the queue
   * @throws InvalidOptionError
   *
   * @example
   * await emails.with({ attempts: 5, delay: '10m', priority: 'high' }).put({ to: 'ada@example.com' });
   */
  with(options: PutOptions): Publisher<T, In, R> {
    return this.#publisherOf(options);
  }

  /**
   * A message that is not put yet: a step of {@link chain} or {@link group}.
   *
   * @param payload checked when it is put; without it, the payload is the result of the step before
   * @param options as for {@link with}
   * @throws InvalidOptionError
   *
   * @example
   * await chain(downloads.task({ url }), resizes.task());
   */
  task(payload?: In, options: PutOptions = noOptions): Task<R> {
    // Refuses also what is no object, before it is spread.
    if (options !== noOptions) putOptions(this.name, this.#context.wire, options, this.#defaults);
    const isTracked = options.track !== undefined || this.#defaults.track;
    const tracked: PutOptions = isTracked ? options : { ...options, track: true };
    const steps = options === noOptions ? (this.#steps ??= this.#publisherOf(tracked)) : this.#publisherOf(tracked);
    return new Task<R>((this.#taskSource ??= this.#makeTaskSource()), steps, payload, tracked);
  }

  /**
   * A handle of a tracked job by its id, in any process. It asks Redis only when one of its methods is called.
   *
   * @param id `job.id` of a job that was put with `track`
   * @throws InvalidOptionError if the id is no text
   *
   * @example
   * const record = await pages.job(id).fetch();
   */
  job(id: string): JobHandle<T, R> {
    if (typeof id !== 'string' || id === '')
      throw new InvalidOptionError('id', `invalid id ${describe(id)}: expected the id of a job, such as job.id`);
    return new TrackedJob(this.#records, id, this.name) as JobHandle<T, R>;
  }

  /**
   * The flow of a job, in any process: all jobs that wait for it, for which it waits, or that end the same flow, and so on.
   *
   * The result of the flow is that of the job for which no other one waits; if there are several, an array of their results. Results of
   * jobs of other queues are not checked. Jobs whose records have expired are missing, or have no status.
   *
   * @param id of any of its jobs on this queue, such as `flow.id`
   * @typeParam F the result of the flow
   * @throws FlowNotFoundError if Redis has no record of the job, or the job is in no flow; FlowTooLargeError for more than 50,000 jobs;
   *   InvalidOptionError; RedisUnreachableError
   *
   * @example
   * const flow = await reports.flow(id);
   * console.log(await flow.status(), await flow.result());
   */
  async flow<F = unknown>(id: string): Promise<Flow<F>> {
    this.job(id);
    this.#admit();
    const { connection, keys } = this.#context.broker;
    const own = { prefix: keys.names, queue: this.name, id };
    const { readFlow, flowFrom } = await import('./flows/read-flow.js');
    const stored = await readFlow(connection, own);
    if (stored.ends === undefined) throw new FlowNotFoundError(this.name, id, stored.steps.size > 0);
    return flowFrom(stored, (ref) => new TrackedJob(this.#recordsOf(ref), ref.id, ref.queue)) as Flow<F>;
  }

  /**
   * Takes one message and acknowledges it. A crash after that loses the message; use {@link consume} to acknowledge after
   * the work.
   *
   * @param options `block`: wait for a message, for at most `timeout` (default: no limit); `signal`: stop waiting
   * @returns the payload, or `undefined` if there is no message (`null` is a payload)
   * @throws QueueClosedError, InvalidOptionError, RedisUnreachableError, IncompatibleWorkersError
   *
   * @example
   * const email = await emails.get({ block: true, timeout: '5s' });
   * if (email !== undefined) await send(email);
   */
  async get(options?: GetOptions): Promise<T | undefined> {
    this.#admit();
    const { signal, ...getting } = getOptions(this.name, options);
    return whileTaking(signal, (ended) => this.#getter.get({ ...getting, ...(ended && { signal: ended }) }));
  }

  /**
   * A loop over payloads, for `for await`. It waits for more messages when there are none.
   *
   * When the loop asks for the next message, the current one is acknowledged. When the loop is left early (`break`,
   * `return`, `throw`), the current message goes back to the head of the queue. Invalid messages are buried and skipped. The
   * loop ends with `limit`, `idleTimeout`, `signal` or `close()`.
   *
   * @param options with `batch`, the loop yields arrays of up to that many payloads. A whole array is acknowledged or
   *   released
   * @throws QueueClosedError, InvalidOptionError; in the loop also RedisUnreachableError, IncompatibleWorkersError
   *
   * @example
   * for await (const email of emails.consume({ idleTimeout: '10s' })) await send(email);
   * for await (const some of emails.consume({ batch: 100, linger: '50ms' })) await sendAll(some);
   */
  consume<B extends number | undefined = undefined>(
    options?: TakeOptions<B>,
  ): Consumer<[B] extends [number] ? T[] : T> {
    return this.#consume(options, (delivery) => delivery.payload) as Consumer<[B] extends [number] ? T[] : T>;
  }

  /**
   * As {@link consume}, but yields a {@link Delivery} for each message, with its id, its attempt, and methods to settle it.
   * The loop does not acknowledge a message that you have settled.
   *
   * @param options with `batch`, the loop yields arrays of up to that many deliveries
   * @throws as {@link consume}
   *
   * @example
   * for await (const delivery of emails.deliveries()) {
   *   if (delivery.payload.to === '') await delivery.bury('no address');
   *   else await send(delivery.payload);
   * }
   */
  deliveries<B extends number | undefined = undefined>(
    options?: TakeOptions<B>,
  ): Consumer<[B] extends [number] ? Delivery<T>[] : Delivery<T>> {
    return this.#consume(options, (delivery) => delivery) as Consumer<
      [B] extends [number] ? Delivery<T>[] : Delivery<T>
    >;
  }

  /**
   * Number of waiting messages: the sum of `LLEN` of {@link key} and of the other lists of the queue. Delayed, active and
   * dead messages are not counted.
   *
   * @throws QueueClosedError, RedisUnreachableError
   *
   * @example
   * if ((await emails.size()) > 10_000) console.warn('too few workers');
   */
  async size(): Promise<number> {
    this.#admit();
    return this.#context.broker.reader.size();
  }

  /** What is known of its payloads, for the form of the dashboard. @internal */
  async describePayload(): Promise<PayloadDescription> {
    const { describePayload } = await import('./payload/json-schema.js'); // only dashboards need it
    return describePayload(this.#context.payload);
  }

  /**
   * Resolves when the queue has no message left: none is waiting, delayed and due, or active in any process. Waiting messages of a
   * paused queue do not count.
   *
   * @param options `delayed`: also waits for messages that are not due yet; `signal`: ends the wait
   * @throws QueueClosedError, InvalidOptionError; the reason of `signal`
   *
   * @example
   * await emails.putAll(all);
   * await emails.drained({ signal: AbortSignal.timeout(60_000) }); // workers have handled them
   */
  async drained(options?: DrainedOptions): Promise<void> {
    this.#admit();
    await untilDrained([this.#context.broker], drainedOptions(options));
  }

  /**
   * Numbers of waiting, delayed, active and dead messages, of workers, and of attempts that ended, see {@link Counts}.
   *
   * @throws QueueClosedError, RedisUnreachableError
   *
   * @example
   * const { waiting, delayed, active, dead } = await emails.counts();
   */
  async counts(): Promise<Counts> {
    this.#admit();
    return countsOf(this.#context);
  }

  /**
   * What happened to the messages of this queue, in all processes: numbers, rates and percentiles of run and wait times.
   *
   * Workers count always, and add their counts with their heartbeats, every 10 s by default. Redis keeps them by minute for 25 hours,
   * and by hour for 32 days. What a worker did between its last heartbeat and its death is missing.
   *
   * @param options `since`: how far back, default `'1h'`; `step`: length of each point
   * @throws QueueClosedError, InvalidOptionError, RedisUnreachableError
   *
   * @example
   * const { total, oldestMs } = await emails.metrics({ since: '10m' });
   * console.log(total.perSecond.handled, total.run.p95Ms, oldestMs);
   */
  async metrics(options?: MetricsOptions): Promise<Metrics> {
    this.#admit();
    return metricsOf(this.#context, metricsOptions(options));
  }

  /**
   * The next `n` waiting messages, in the order in which workers will take them. They stay in the queue. Invalid messages
   * are left out.
   *
   * @param n number of messages, from 1 to 100,000; 1 by default
   * @returns the messages as `put` returned them; `putAt` is absent if a message does not say when it was put
   * @throws InvalidOptionError, QueueClosedError, RedisUnreachableError
   *
   * @example
   * const [next] = await emails.peek();
   * console.log(next?.payload);
   */
  async peek(n = 1): Promise<PeekedMessage<T>[]> {
    this.#admit();
    return peek(this.#context, a.whole(1, 100_000)(n, 'n'));
  }

  /**
   * Deletes all waiting and delayed messages. Active and dead messages stay. Redis still knows the ids of puts with the `id`
   * option.
   *
   * @returns number of deleted messages
   * @throws QueueClosedError, RedisUnreachableError
   *
   * @example
   * console.log(`${await emails.clear()} messages deleted`);
   */
  async clear(): Promise<number> {
    this.#admit();
    const count = await this.#context.broker.clear(newId(), tenSeconds);
    if (count > 0) emit(this.events, 'clear', { queue: this.name, count });
    return count;
  }

  /**
   * Stops all workers and loops, in all processes, from taking messages, until {@link resume}. Active handlers continue.
   * Messages can still be put.
   *
   * @param options `for`: the queue resumes after this time. Default: it does not resume by itself
   * @throws QueueClosedError, InvalidOptionError, RedisUnreachableError
   *
   * @example
   * await emails.pause({ for: '10m' });
   */
  async pause({ for: duration }: { for?: Duration } = {}): Promise<void> {
    this.#admit();
    const forMs = duration === undefined ? undefined : toMs(duration, 'for');
    await this.#context.broker.pause(forMs, tenSeconds);
    emit(this.events, 'pause', { queue: this.name, ...(forMs !== undefined && { forMs }) });
  }

  /**
   * Ends a pause. All workers take messages again within one second.
   *
   * @throws QueueClosedError, RedisUnreachableError
   *
   * @example
   * await emails.resume();
   */
  async resume(): Promise<void> {
    this.#admit();
    await this.#context.broker.resume(tenSeconds);
    emit(this.events, 'resume', { queue: this.name });
  }

  /**
   * Whether the queue is paused.
   *
   * @throws QueueClosedError, RedisUnreachableError
   *
   * @example
   * if (await emails.isPaused()) await emails.resume();
   */
  async isPaused(): Promise<boolean> {
    this.#admit();
    return this.#context.broker.reader.isPaused();
  }

  /**
   * Closes the queue. A second call waits for the first.
   *
   * 1. Stops every runner in this process that has a worker of this `HotQueue`, with all workers of that runner, also those of
   *    other queues. Running handlers may finish within the `shutdownTimeout` of `run` (25 s by default, and with `start`), and
   *    may still put. Then the runner ends without an error.
   * 2. Refuses new calls, and waits until all puts are stored or have failed.
   * 3. Ends loops and waiting `get` calls.
   * 4. Closes the connection when no other queue shares it.
   *
   * Do not await it in a handler of this queue: it would wait for that handler, until its `shutdownTimeout`.
   *
   * @example
   * await using emails = new HotQueue('emails'); // or: await emails.close() at the end
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const { runners } = this.#context;
    // Before anything is refused: a handler that finishes may put, and must acknowledge.
    if (runners.size > 0) await Promise.allSettled([...runners].map((runner) => runner.stop()));
    this.#isClosed = true;
    await Promise.all([this.#batcher.drained(), this.#taskSource?.flowPuts.drained()]);
    this.schedules.close();
    this.history.close();
    this.#context.maintenance.close();
    for (const records of [this.#records, ...this.#otherRecords.values()]) records.close();
    ignoreCancellations(this.#context);
    await Promise.all([this.#getter.close(), ...[...this.#consumers].map((consumer) => consumer.return())]);
    await this.#connection.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    return `HotQueue<${this.name}> { payload: ${this.#context.payload.name}${this.#isClosed ? ', closed' : ''} }`;
  }

  /** Answers about the jobs of any queue on this Redis. */
  #recordsOf({ prefix, queue }: JobRef): QueueJobs {
    const keys = new Keys(queue, prefix);
    if (keys.base === this.key) return this.#records;
    const known = this.#otherRecords.get(keys.base);
    if (known) return known;
    const payload = payloadType<T>(undefined, this.#context.payloadSettings);
    const results = resultsOf(undefined, this.#context.results.tracking);
    const broker = new Broker(this.#connection, keys);
    const records = new QueueJobs({ ...this.#context, name: queue, broker, payload, results });
    this.#otherRecords.set(keys.base, records);
    return records;
  }

  #makeTaskSource(): TaskSource {
    const { broker, events } = this.#context;
    const { connection, keys } = broker;
    return {
      ...{ queue: this.name, prefix: keys.names, connection, flowPuts: new FlowPuts(broker) },
      publisher: (its) => this.#publisherOf(its),
      onStored: (id) => {
        if (events.listenerCount('put') === 0) return;
        // In a microtask: what a listener throws is not the error of the put.
        queueMicrotask(() => events.emit('put', { queue: this.name, ids: [id] }));
      },
    };
  }

  #publisherOf(options: PutOptions | undefined): QueuePublisher<T, In, R> {
    if (options === undefined) return this.#publisher;
    return new QueuePublisher(
      this.#context,
      this.#batcher,
      putOptions(this.name, this.#context.wire, options, this.#defaults),
    );
  }

  readonly #admit = (): void => {
    if (this.#isClosed) throw new QueueClosedError(this.name);
  };

  #consume<G>(
    options: TakeOptions<number | undefined> | undefined,
    give: (delivery: Delivery<T>) => G,
  ): Consumer<G> | Consumer<G[]> {
    const { batch, ...taking } = consumeOptions(this.name, options);
    this.#admit();
    const end = registerConsumer({ kind: 'consumer', stop: () => consumer.return() });
    const onEnd = (): void => {
      end();
      this.#consumers.delete(consumer);
    };
    const consumer: Consumer<G> | Consumer<G[]> =
      batch === undefined
        ? consume(this.#context, taking, give, onEnd)
        : consumeBatches(this.#context, { ...taking, batch }, give, onEnd);
    this.#consumers.add(consumer);
    return consumer;
  }
}

const noOptions: PutOptions = {};

/** The type of what handlers return. It is stored as JSON. @throws InvalidOptionError as for a payload class */
function resultsOf(result: unknown, tracking: ResolvedTracking): QueueContext['results'] {
  const settings: PayloadSettings = { maxBytes: mostPayloadBytes };
  try {
    return { type: payloadType(result as PayloadClass<unknown>, settings), tracking };
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    throw new InvalidOptionError('result', error.message.replaceAll('payload', 'result'), { cause: error });
  }
}
