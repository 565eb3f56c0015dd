import type { Broker, Settled } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import { tokensOf } from '../redis/held.js';
import type { Claim } from './claim.js';

const mostAtOnce = 1_000;

/** Acknowledges together what was done in one turn, and what was done while the last acknowledgement was on its way. */
export class Acks {
  #done: Claim[] = [];
  #sending: Promise<void> | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly patience: Patience,
  ) {}

  /** Each claim is told by `onAcked` what came of it. */
  add(claim: Claim): void {
    this.#done.push(claim);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when all are told. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // the rest of this turn
    while (this.#done.length > 0) {
      const claims = this.#nextBatch();
      const outcome = await this.#send(claims);
      for (const claim of claims) claim.onAcked(outcome);
    }
    this.#sending = undefined;
  }

  /** Those of one worker: after a lost lease there may be claims of two. */
  #nextBatch(): Claim[] {
    const { worker } = this.#done[0]!;
    let count = 1;
    while (count < this.#done.length && count < mostAtOnce && this.#done[count]!.worker === worker) count += 1;
    if (count < this.#done.length) return this.#done.splice(0, count);
    const all = this.#done;
    this.#done = [];
    return all;
  }

  async #send(claims: readonly Claim[]): Promise<Settled | Error> {
    try {
      return await this.broker.ack(claims[0]!.worker, tokensOf(claims.map(({ held }) => held)), this.patience);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
