import type { Broker } from '../redis/broker.js';
import type { SettleReply } from '../redis/transitions.js';
import type { Patience } from '../redis/connection.js';
import type { Take } from '../redis/take.js';

/** An acknowledged message of a take. */
export interface Acknowledged {
  readonly take: Take;
  readonly index: number;
  /** Receives the reply of Redis, or the error if Redis did not answer in time. */
  onAckReply(reply: SettleReply | Error): void;
}

/** Sends acknowledgements in batches: those of one turn of the event loop together, and those that come while a batch is on its way. */
export class Settler {
  #acked: Acknowledged[] = [];
  /** Takes whose state has changed since it was last sent. */
  #changed: Take[] = [];
  /** Takes in the batch that is on its way. */
  #sent: ReadonlySet<Take> = new Set();
  #sending: Promise<void> | undefined;

  /** @param onOver called when Redis has dropped a take, because all of its messages are settled */
  constructor(
    private readonly broker: Broker,
    private readonly patience: Patience,
    private readonly onOver: (take: Take) => void,
  ) {}

  /** Acknowledges one message. Its `onAckReply` gets the reply. */
  add(message: Acknowledged): void {
    const { take } = message;
    take.ack(message.index);
    this.#acked.push(message);
    // Messages mostly end in the order in which they were taken, so a look at the last take finds it.
    if (this.#changed.at(-1) !== take) this.#changed.push(take);
    this.#sending ??= this.#sendAll();
  }

  /** Sends the state of a take whose messages are all settled, so that Redis drops it. */
  close(take: Take): void {
    this.#changed.push(take);
    this.#sending ??= this.#sendAll();
  }

  /** Whether the state of this take is on its way, or about to be sent. */
  isPending(take: Take): boolean {
    return this.#sent.has(take) || this.#changed.includes(take);
  }

  /** Whether something waits to be sent behind the batch that is on its way. */
  get hasUnsent(): boolean {
    return this.#changed.length > 0;
  }

  /** Resolves when Redis has answered everything. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await new Promise((resolve) => process.nextTick(resolve)); // so that messages that end in this turn share a batch
    while (this.#changed.length > 0) await this.#sendBatch();
    this.#sending = undefined;
  }

  /** Sends what waits. After a lost lease there may be takes of two workers: those of the second are the next batch. */
  async #sendBatch(): Promise<void> {
    const [acked, changed] = [this.#acked, this.#changed];
    const { worker } = changed[0]!;
    this.#acked = [];
    this.#changed = [];
    const takes = new Set<Take>();
    const over: Take[] = []; // as of now: more may be settled when Redis answers
    for (const take of changed) {
      if (take.worker !== worker) this.#changed.push(take);
      else if (!takes.has(take) && take.isOver) over.push(take);
      if (take.worker === worker) takes.add(take);
    }
    if (this.#changed.length > 0) this.#acked = acked.filter(({ take }) => take.worker !== worker);
    this.#sent = takes;
    const reply = await this.broker.ack(worker, [...takes], this.patience).catch(asError);
    this.#sent = new Set();
    if (!(reply instanceof Error)) for (const take of over) this.onOver(take);
    for (const message of acked) if (message.take.worker === worker) message.onAckReply(reply);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
