import type { Broker, Settled } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { Take } from '../redis/take.js';
import type { Claim } from './claim.js';

/** A take whose state changed. */
interface Changed {
  readonly worker: string;
  readonly take: Take;
}

/** Sends acknowledgements together: those of one turn, then those that came while the last ones were on their way. */
export class Acks {
  #done: Claim[] = [];
  #changed: Changed[] = [];
  #sending: Promise<void> | undefined;
  /** Takes whose acknowledgement is on its way. */
  #sent: ReadonlySet<Take> = new Set();

  /** @param onOver called when Redis has dropped a take, because all of its messages are settled */
  constructor(
    private readonly broker: Broker,
    private readonly patience: Patience,
    private readonly onOver: (take: Take) => void,
  ) {}

  /** Acknowledges one message. `claim.onAcked` gets the result. */
  add(claim: Claim): void {
    const { take, worker } = claim;
    take.ack(claim.index);
    this.#done.push(claim);
    // Messages mostly end in the order in which they were taken, so comparing with the last take is enough.
    if (this.#changed.at(-1)?.take !== take) this.#changed.push({ worker, take });
    this.#sending ??= this.#sendAll();
  }

  /** Sends the state of a take whose messages are all settled, so that Redis drops it. */
  close(worker: string, take: Take): void {
    this.#changed.push({ worker, take });
    this.#sending ??= this.#sendAll();
  }

  /** Whether an acknowledgement of this take is on its way, or will be sent next. */
  isPending(take: Take): boolean {
    return this.#sent.has(take) || this.#changed.some((one) => one.take === take);
  }

  /** Whether an acknowledgement waits until Redis has answered an earlier one. */
  get hasUnsent(): boolean {
    return this.#changed.length > 0;
  }

  /** Resolves when Redis has answered all acknowledgements. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await new Promise((resolve) => process.nextTick(resolve)); // send everything that ends in this turn together
    while (this.#changed.length > 0) {
      const [done, changed] = [this.#done, this.#changed];
      this.#done = [];
      this.#changed = [];
      // After a lost lease there may be claims of two worker ids.
      for (const worker of new Set(changed.map((one) => one.worker))) await this.#send(worker, changed, done);
    }
    this.#sending = undefined;
  }

  async #send(worker: string, changed: readonly Changed[], done: readonly Claim[]): Promise<void> {
    const takes = new Set<Take>();
    for (const one of changed) if (one.worker === worker) takes.add(one.take);
    const over = [...takes].filter((take) => take.isOver); // read now: more may be settled when Redis answers
    this.#sent = takes;
    const outcome = await this.#outcomeOf(worker, [...takes]);
    this.#sent = new Set();
    if (!(outcome instanceof Error)) over.forEach(this.onOver);
    for (const claim of done) if (claim.worker === worker) claim.onAcked(outcome);
  }

  async #outcomeOf(worker: string, takes: readonly Take[]): Promise<Settled | Error> {
    try {
      return await this.broker.ack(worker, takes, this.patience);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
