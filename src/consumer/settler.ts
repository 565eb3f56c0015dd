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
    while (this.#changed.length > 0) {
      const [acked, changed] = [this.#acked, this.#changed];
      this.#acked = [];
      this.#changed = [];
      // After a lost lease there may be takes of two workers.
      for (const worker of new Set(changed.map((take) => take.worker))) await this.#send(worker, changed, acked);
    }
    this.#sending = undefined;
  }

  async #send(worker: string, changed: readonly Take[], acked: readonly Acknowledged[]): Promise<void> {
    const takes = new Set<Take>();
    for (const take of changed) if (take.worker === worker) takes.add(take);
    const over = [...takes].filter((take) => take.isOver); // as of now: more may be settled when Redis answers
    this.#sent = takes;
    const reply = await this.#replyTo(worker, [...takes]);
    this.#sent = new Set();
    if (!(reply instanceof Error)) over.forEach(this.onOver);
    for (const message of acked) if (message.take.worker === worker) message.onAckReply(reply);
  }

  async #replyTo(worker: string, takes: readonly Take[]): Promise<SettleReply | Error> {
    try {
      return await this.broker.ack(worker, takes, this.patience);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
