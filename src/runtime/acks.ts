import type { Broker, Settled } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { Take } from '../redis/take.js';
import type { Claim } from './claim.js';

/** A take with news for Redis. */
interface Changed {
  readonly worker: string;
  readonly take: Take;
}

/** Acknowledges together what was done in one turn, and what was done while the last acknowledgement was on its way. */
export class Acks {
  #done: Claim[] = [];
  #changed: Changed[] = [];
  #sending: Promise<void> | undefined;
  /** Takes whose acknowledgement is on its way. */
  #sent: ReadonlySet<Take> = new Set();

  /** @param onOver called when Redis has dropped a take, as all of its messages are settled */
  constructor(
    private readonly broker: Broker,
    private readonly patience: Patience,
    private readonly onOver: (take: Take) => void,
  ) {}

  /** Acknowledges one message. Its claim hears the outcome by `onAcked`. */
  add(claim: Claim): void {
    const { take, worker } = claim;
    take.ack(claim.index);
    this.#done.push(claim);
    // Messages are mostly done in the order in which they were taken, so looking at the last take finds it.
    if (this.#changed.at(-1)?.take !== take) this.#changed.push({ worker, take });
    this.#sending ??= this.#sendAll();
  }

  /** Tells Redis again of a take whose messages are all settled. */
  close(worker: string, take: Take): void {
    this.#changed.push({ worker, take });
    this.#sending ??= this.#sendAll();
  }

  /** Whether an acknowledgement of this take is on its way, or about to be. */
  isPending(take: Take): boolean {
    return this.#sent.has(take) || this.#changed.some((one) => one.take === take);
  }

  /** Whether something is still to be sent, behind what is on its way. */
  get hasUnsent(): boolean {
    return this.#changed.length > 0;
  }

  /** Resolves when Redis has answered everything. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await new Promise((resolve) => process.nextTick(resolve)); // what ends in this turn travels together
    while (this.#changed.length > 0) {
      const [done, changed] = [this.#done, this.#changed];
      this.#done = [];
      this.#changed = [];
      // After a lost lease there may be claims of two workers.
      for (const worker of new Set(changed.map((one) => one.worker))) await this.#send(worker, changed, done);
    }
    this.#sending = undefined;
  }

  async #send(worker: string, changed: readonly Changed[], done: readonly Claim[]): Promise<void> {
    const takes = new Set<Take>();
    for (const one of changed) if (one.worker === worker) takes.add(one.take);
    const over = [...takes].filter((take) => take.isOver); // as they are now: more may be settled when Redis answers
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
