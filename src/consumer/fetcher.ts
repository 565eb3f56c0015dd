import type { QueueHints } from '../redis/transitions.js';
import type { TakeReply } from '../redis/take.js';
import type { IoredisClient } from '../redis/redis-client.js';
import type { MaintainedWorker, QueueContext } from '../redis/queue-context.js';
import type { Patience } from '../redis/connection.js';
import type { WakeupWait } from '../redis/wakeup.js';
import { emit } from '../core/events.js';
import { mostMessageBytes } from '../core/sizes.js';
import { Timer } from '../core/timer.js';
import type { Claim } from './claim.js';
import { activeInProcess } from './process.js';
import { Session, type SessionOptions } from './session.js';
import { warnWaiting } from './waiting.js';

/** A paused queue is checked this often: no wake-up comes when it is resumed. */
const pausedPollMs = 1_000;

export interface FetcherOptions extends SessionOptions {
  /** Whether to wait for a named server that has not answered yet. By default, the first take fails then. */
  readonly waitsForStart?: boolean;
  /** Gets what a pipelined take brought, as soon as it arrives; see {@link Fetcher.idle}. */
  readonly onPipelined?: OnPipelined;
}

type OnPipelined = (claims: Claim[]) => void;

/**
 * Takes messages for one worker and waits for more. At most one take is in flight. Its number advances only when it brought
 * something, so a take whose reply was lost is sent again and gets the same messages.
 */
export class Fetcher implements MaintainedWorker {
  readonly session: Session;
  #wakeup: WakeupWait | undefined;
  #taking: Promise<unknown> | undefined;
  #isIdle = false;
  #isPaused = false;
  /** A quarantined message was settled after the last take was sent, so the next take may bring another. */
  #mayTakeQuarantined = false;
  #poked: (() => void) | undefined;
  /** Number of a pipelined take whose reply was lost. */
  #lostTake: number | undefined;

  constructor(
    private readonly context: QueueContext,
    private readonly options: FetcherOptions,
  ) {
    this.session = new Session(context, options, () => {
      // A worker holds one quarantined message at a time, and those wake no waiting worker.
      this.#mayTakeQuarantined = true;
      this.poke();
    });
  }

  /**
   * Takes what is waiting.
   *
   * @param most messages, 1 or more
   * @returns none when nothing is waiting, or the queue is paused
   */
  async take(most: number): Promise<Claim[]> {
    // After a stall nothing could begin before the next heartbeat, so that one goes first. Without Redis, the take waits for it.
    if (this.session.worker && !this.session.isProven) await this.beat().catch(() => undefined);
    try {
      if (this.session.returned) await this.session.returned; // what is taken after that is older
      return await this.#take(most);
    } finally {
      this.#taking = undefined;
    }
  }

  /**
   * Resolves when something may be waiting, when {@link poke} is called, or after `timeoutMs`.
   *
   * @param most messages that a pipelined take may bring; 0 for no pipelined take
   */
  async idle(timeoutMs = Infinity, most = 0): Promise<void> {
    if (this.#mayTakeQuarantined) return;
    this.#isIdle = true;
    let timer: Timer | undefined;
    const poked = new Promise<void>((resolve) => (this.#poked = resolve));
    const waitMs = Math.min(timeoutMs, this.#isPaused ? pausedPollMs : Infinity);
    if (waitMs < Infinity) timer = new Timer(waitMs, () => this.poke());
    try {
      // A wait on a paused queue would move its messages into the inbox, one by one.
      await (this.#isPaused ? poked : Promise.race([this.#wait(most), poked]));
    } finally {
      this.#isIdle = false;
      this.#poked = undefined;
      timer?.stop();
    }
  }

  /** Ends {@link idle}. */
  poke(): void {
    this.#poked?.();
  }

  beat(): Promise<QueueHints | undefined> {
    // Otherwise the next take asks for it again. A quiet worker sends none.
    if (this.#lostTake === this.session.nextTakeNumber && !this.#taking) this.session.abandonTake();
    this.#lostTake = undefined;
    return this.session.beat();
  }

  fence(): void {
    this.session.fence();
  }

  /** Resolves when no take is in flight; never rejects. What that take brings is younger than everything held before. */
  get settled(): Promise<unknown> | undefined {
    return this.#taking?.catch(() => undefined);
  }

  /** Gives back everything that is still held, and ends the registration. */
  async leave(): Promise<void> {
    this.context.maintenance.remove(this);
    // The wait ends first: Redis would go on to serve it, and its message would wait for another worker's next take.
    await this.#wakeup?.close();
    await this.session.leave();
  }

  async #take(most: number): Promise<Claim[]> {
    const { broker } = this.context;
    for (;;) {
      const isNew = this.session.worker === undefined;
      const worker = this.session.worker ?? (await this.#join());
      this.#mayTakeQuarantined = false;
      const { nextTakeNumber, expects } = this.session;
      const reply = await (this.#taking = broker.take(worker, nextTakeNumber, most, this.#patience, expects));
      this.#taking = undefined;
      if (reply === 'lost') {
        this.session.loseLease();
        continue;
      }
      const claims = await this.session.hold(reply);
      this.#observe(reply);
      // A program that ends soon would never see a timer of its recoverer fire.
      if (reply.isTooLarge) {
        await this.#buryLarge(worker);
        continue;
      }
      const mayRecover = reply.hints.lease?.endsInMs === 0 && (isNew || claims.length === 0);
      const isRecovered = mayRecover && (await this.context.maintenance.recoverEnded());
      if (!isRecovered || claims.length > 0) return claims;
    }
  }

  async #join(): Promise<string> {
    const { connection, reader } = this.context.broker;
    if (!connection.isAnswering) await reader.now(this.#patience);
    const worker = await this.session.join();
    this.context.maintenance.add(this);
    // Tools find queues in the set of names, also a queue that has workers and no message yet.
    void this.context.broker.announce(this.context.name, { withinMs: 0 }).catch(() => undefined);
    return worker;
  }

  get #patience(): Patience {
    const { taking: signal, waitsForStart = false } = this.options;
    return { signal, waitsForStart, onWait: (wait) => warnWaiting(this.context, wait) };
  }

  #observe({ status, hints }: TakeReply): void {
    this.#isPaused = status === 'paused';
    this.context.maintenance.observe(hints);
  }

  async #buryLarge(worker: string): Promise<void> {
    const { name: queue, logger, events, broker } = this.context;
    for (const { id, bytes } of await broker.buryLarge(worker, { signal: this.options.taking })) {
      const reason = `too large: ${bytes} bytes`;
      logger.error(
        { queue, event: 'bury', id, worker, reason },
        `message ${id} of queue "${queue}" was buried (${reason}): a worker takes at most ${mostMessageBytes} bytes. Store large data elsewhere, and put its address`,
      );
      emit(events, 'bury', { queue, id, attempt: 1, worker, tookMs: 0, waitedMs: 0, reason, error: undefined });
    }
  }

  async #wait(most: number): Promise<void> {
    this.#wakeup ??= this.context.broker.wakeup();
    // Only a worker with an unexpired lease, in a process with nothing to do and no other worker. What a pipelined take brings to a
    // busy process would wait, though workers of other processes are free, and a handler of another worker may begin at any moment
    // and block the event loop.
    const { worker, isProven } = this.session;
    const { onPipelined } = this.options;
    const { messages, workers } = activeInProcess;
    const mayPipeline = most > 0 && worker !== undefined && isProven && messages === 0 && workers === 1;
    const isMoved = await this.#wakeup.wait(
      mayPipeline && onPipelined ? (client) => this.#takePipelined(client, worker, most, onPipelined) : undefined,
    );
    // This worker became busy meanwhile: the message that was moved to the inbox goes back, where waiting workers see it.
    if (isMoved && !this.#isIdle && this.session.worker)
      await this.context.broker.release(this.session.worker, []).catch(() => undefined);
  }

  /**
   * The next take, sent together with the wait before it on the same connection. Redis runs it when the wait ends, so a message
   * reaches an idle worker in two steps instead of four.
   *
   * It has the number of the next ordinary take. Redis answers the one that arrives first, and gives the other the same reply. When the
   * ordinary one was answered first, or the lease is lost, this one is dropped: the next take finds out.
   */
  async #takePipelined(client: IoredisClient, worker: string, most: number, give: OnPipelined): Promise<void> {
    const { session } = this;
    const number = session.nextTakeNumber;
    const { broker } = this.context;
    const reply = await broker.takeOn(client, worker, number, most, session.expects).catch(() => {
      this.#lostTake = number;
      return 'lost' as const;
    });
    // Without one in flight, not even a microtask may pass: a take that began in it would bring the same messages again.
    if (this.#taking) await this.settled;
    if (reply === 'lost' || worker !== session.worker) return;
    if (session.nextTakeNumber > number && !session.isGivenBack(number)) return;
    const claims = await session.hold(reply);
    if (this.#isIdle) give(claims);
    else await session.giveBack(claims); // busy meanwhile: another worker may be free
    this.#observe(reply);
  }
}
