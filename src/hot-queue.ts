import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { toMs, type Duration } from './contract/durations.js';
import type { Job } from './contract/job.js';
import { QueueClosedError } from './contract/errors.js';
import { consumingOptions, getOptions, putOptions, queueOptions, type BatchTakeOptions, type GetOptions, type PutOptions, type Putting, type QueueOptions, type TakeOptions } from './contract/queue-options.js';
import type { QueueEmitter } from './contract/events.js';
import { silent, stderrLogger } from './contract/logger.js';
import { newId } from './message/ids.js';
import { payloadType } from './message/payload.js';
import type { Message, PayloadClass } from './message/shapes.js';
import type { StandardSchemaV1 } from './message/standard-schema.js';
import { Broker } from './redis/broker.js';
import { Connection } from './redis/connection.js';
import { Keys } from './redis/keys.js';
import { run } from './run.js';
import type { Channel } from './runtime/channel.js';
import { consume, consumeBatches, type Consumer } from './runtime/consumer.js';
import type { Delivery } from './runtime/delivery.js';
import { Getter } from './runtime/getter.js';
import { Producer } from './runtime/producer.js';
import { ChannelPutter, type Jobs, type Putter } from './runtime/putter.js';
import { begin, taking as whileTaking } from './runtime/takers.js';
import { queueWorker } from './runtime/worker.js';
import type { Checked, QueueWorker } from './runtime/worker-types.js';
import { QueueUpkeep } from './upkeep/upkeep.js';
import { countsOf, type Counts } from './view/counts.js';
import { DeadLetters } from './view/dead-letters.js';
import { DelayedMessages } from './view/delayed-messages.js';
import { peek } from './view/peek.js';
import { QueueWorkers } from './view/workers.js';

const patience = { withinMs: 10_000 };

/**
 * A queue of `T`: put on one side, taken and checked on the other. Nothing connects until first use.
 *
 * `In` is what may be put: the shape of `T`, or a schema's input.
 */
export class HotQueue<T = unknown, In = Message<T>> implements Putter<T, In>, AsyncDisposable {
  readonly name: string;
  /** The Redis list of ready messages; the same as Python HotQueue's. */
  readonly key: string;
  /** `@queue.worker`, `@queue.worker(options)` on a method; `queue.worker(fn, options?)` around a function. */
  readonly worker: QueueWorker<T>;
  /** What happens, by the verb of each transition; never payloads. */
  readonly events: QueueEmitter = new EventEmitter();
  /** What was given up, with its bytes and the reason. */
  readonly dead: DeadLetters;
  /** What is not due yet: put with a delay, or waiting for another attempt. */
  readonly delayed: DelayedMessages;
  /** Who takes from it, and what each works on. */
  readonly workers: QueueWorkers;
  readonly #channel: Channel<T>;
  readonly #connection: Connection;
  readonly #producer: Producer;
  readonly #defaults: Putting;
  readonly #putter: ChannelPutter<T, In>;
  readonly #getter: Getter<T>;
  readonly #consumers = new Set<Consumer<unknown>>();
  #isClosed = false;

  /**
   * @param name 1 to 128 letters, digits and `_ . : -`
   * @param options see {@link QueueOptions}; without an address, a Redis is found or started (README, "Which Redis")
   * @throws InvalidNameError, InvalidOptionError
   */
  constructor(name: string, options: QueueOptions & { payload: PayloadClass<T> | StandardSchemaV1<In, T> });
  constructor(name: Checked<T>, options?: QueueOptions & { payload?: undefined });
  constructor(name: string, options?: QueueOptions & { payload?: unknown }) {
    const { payload, put, limit, deadLetters, prefix, settings, connection, wire, leaseMs, logger = stderrLogger } = queueOptions(name, options);
    const keys = new Keys(name, prefix);
    this.name = name;
    this.key = keys.base;
    this.#connection = Connection.share(connection);
    const broker = new Broker(this.#connection, keys, leaseMs, deadLetters);
    const log = logger === false ? silent : logger;
    this.#channel = {
      name,
      broker,
      wire,
      payload: payloadType<T>(payload as PayloadClass<T>, settings),
      payloadSettings: settings,
      events: this.events,
      logger: log,
      upkeep: new QueueUpkeep(broker, wire, log),
    };
    this.#defaults = put;
    this.#producer = new Producer(name, broker, limit, (news) => this.#channel.upkeep.owe(news));
    this.#putter = new ChannelPutter(this.#channel, this.#producer, put, this.#admit);
    this.#getter = new Getter(this.#channel);
    this.dead = new DeadLetters(this.#channel, this.#admit);
    this.delayed = new DelayedMessages(this.#channel);
    this.workers = new QueueWorkers(this.#channel);
    this.worker = queueWorker(this.#channel, run);
  }

  /** Stores in order; awaiting it means Redis has it. One message gives a {@link Job}, several an array of them. */
  put<N extends unknown[]>(...messages: { [K in keyof N]: In }): Promise<Jobs<T, N>> {
    return this.#putter.put<N>(...messages);
  }

  /** Stores anything iterable, in batches; always an array of jobs. */
  putAll(messages: Iterable<In> | AsyncIterable<In>): Promise<Job<T>[]> {
    return this.#putter.putAll(messages);
  }

  /** The same queue for messages with options of their own: `queue.with({ attempts: 5 }).put(…)`. */
  with(options: PutOptions): Putter<T, In> {
    return new ChannelPutter(this.#channel, this.#producer, putOptions(this.name, this.#channel.wire, options, this.#defaults), this.#admit);
  }

  /**
   * One payload, settled once handed over; `undefined` when there is none (`null` is a message like any other).
   *
   * @param options `block` to wait for one, at most for `timeout`; `signal` to stop waiting
   */
  async get(options?: GetOptions): Promise<T | undefined> {
    this.#admit();
    const { signal, ...getting } = getOptions(this.name, options);
    return whileTaking(signal, (ended) => this.#getter.get({ ...getting, ...(ended && { signal: ended }) }));
  }

  /**
   * Payloads one after the other, waiting for more. Asking for the next acknowledges the last; leaving early (`break`,
   * `return`, `throw`) gives the current one back. Ended by `limit`, `timeout`, `signal` or `close()`, never by a value.
   *
   * @param options with `batch`, it yields arrays of up to so many, acknowledged or given back as a whole
   */
  consume(options: BatchTakeOptions): Consumer<T[]>;
  consume(options?: TakeOptions): Consumer<T>;
  consume(options?: TakeOptions): Consumer<T> | Consumer<T[]> {
    return this.#consume(options, (delivery) => delivery.payload);
  }

  /** As {@link consume}, with the delivery around each payload; one that you settled yourself stays as you settled it. */
  deliveries(options: BatchTakeOptions): Consumer<Delivery<T>[]>;
  deliveries(options?: TakeOptions): Consumer<Delivery<T>>;
  deliveries(options?: TakeOptions): Consumer<Delivery<T>> | Consumer<Delivery<T>[]> {
    return this.#consume(options, (delivery) => delivery);
  }

  /** How many messages are ready: `LLEN` of {@link key}, and of the lists beside it. */
  async size(): Promise<number> {
    this.#admit();
    return this.#channel.broker.size(patience);
  }

  /** How many messages are ready, delayed, claimed and dead. */
  async counts(): Promise<Counts> {
    this.#admit();
    return countsOf(this.#channel);
  }

  /** The next messages, in the order in which they will be taken, left where they are. Invalid ones are passed over. */
  async peek(n = 1): Promise<Job<T>[]> {
    this.#admit();
    return peek(this.#channel, n);
  }

  /**
   * Drops what is ready or delayed, not what workers hold, nor what is dead. Redis goes on to know the callers' own ids.
   *
   * @returns how many messages that were
   */
  async clear(): Promise<number> {
    this.#admit();
    return this.#channel.broker.clear(newId(), patience);
  }

  /** Lets nobody take until {@link resume}, or for a while; what runs goes on, and what is put waits. */
  async pause({ for: duration }: { for?: Duration } = {}): Promise<void> {
    this.#admit();
    await this.#channel.broker.pause(duration === undefined ? undefined : toMs(duration, 'for'), patience);
  }

  /** Workers everywhere go on, within a second. */
  async resume(): Promise<void> {
    this.#admit();
    await this.#channel.broker.resume(patience);
  }

  async isPaused(): Promise<boolean> {
    this.#admit();
    return this.#channel.broker.isPaused(patience);
  }

  /** Stores what was put, ends what consumes, and lets the connection go. Workers are stopped by their runner. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#producer.drained();
    this.#channel.upkeep.close();
    await Promise.all([this.#getter.close(), ...[...this.#consumers].map((consumer) => consumer.return())]);
    await this.#connection.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    return `HotQueue<${this.name}> { payload: ${this.#channel.payload.name}${this.#isClosed ? ', closed' : ''} }`;
  }

  readonly #admit = (): void => {
    if (this.#isClosed) throw new QueueClosedError(this.name);
  };

  #consume<G>(options: TakeOptions | undefined, give: (delivery: Delivery<T>) => G): Consumer<G> | Consumer<G[]> {
    const { batch, ...taking } = consumingOptions(this.name, options);
    this.#admit();
    const end = begin({ kind: 'consumer', stop: () => consumer.return() });
    const onEnd = (): void => {
      end();
      this.#consumers.delete(consumer);
    };
    const consumer: Consumer<G> | Consumer<G[]> =
      batch === undefined ? consume(this.#channel, taking, give, onEnd) : consumeBatches(this.#channel, { ...taking, batch }, give, onEnd);
    this.#consumers.add(consumer);
    return consumer;
  }
}
