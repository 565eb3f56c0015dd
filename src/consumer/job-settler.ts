import { deliverNotices, type EndNotice } from '../jobs/notices.js';
import type { Broker } from '../redis/broker.js';
import type { Patience } from '../redis/connection.js';
import type { JobSettleReply, KeptFor, Settlement } from '../redis/job-transitions.js';

/** A message that is settled together with the record of its job. */
export interface SettledJob extends Settlement {
  readonly worker: string;
  /** Receives the reply of Redis, or the error if Redis did not answer in time. */
  onReply(reply: JobSettleReply | Error): void;
}

const mostSettlements = 200;
const mostBytes = 1_048_576;

/** Settles tracked messages in batches: those of one turn of the event loop together, and those that come while a batch is on its way. */
export class JobSettler {
  #pending: SettledJob[] = [];
  #sending: Promise<void> | undefined;
  #notices: EndNotice[] = [];
  #notifying: Promise<void> | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly keep: KeptFor,
    private readonly patience: Patience,
  ) {}

  add(job: SettledJob): void {
    this.#pending.push(job);
    this.#sending ??= this.#sendAll();
  }

  /**
   * Notifies those that wait for a job that it has ended, together with the other notices of this turn. Resolves when they are notified; what fails,
   * maintenance does.
   */
  notify(notice: EndNotice): Promise<void> {
    this.#notices.push(notice);
    return (this.#notifying ??= this.#notifyAll());
  }

  /** Whether something waits to be sent behind the batch that is on its way. */
  get hasUnsent(): boolean {
    return this.#pending.length > 0;
  }

  /** Resolves when Redis has answered everything. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await new Promise((resolve) => process.nextTick(resolve)); // so that messages that end in this turn share a batch
    while (this.#pending.length > 0) await this.#sendBatch();
    this.#sending = undefined;
  }

  async #notifyAll(): Promise<void> {
    await Promise.resolve(); // so that the notices of one batch are sent together
    while (this.#notices.length > 0) {
      const notices = this.#nextNotices();
      await deliverNotices(this.broker, notices, this.patience).catch(() => undefined); // they are in the outbox
    }
    this.#notifying = undefined;
  }

  #nextNotices(): EndNotice[] {
    let [count, characters] = [0, 0];
    for (const { end } of this.#notices) {
      if (count >= mostSettlements || characters >= mostBytes) break;
      characters += end.result.length + end.failure.length;
      count += 1;
    }
    return this.#notices.splice(0, count);
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#nextBatch();
    const replies = await this.broker.jobs.settle(batch[0]!.worker, batch, this.keep, this.patience).catch(asError);
    for (const [index, job] of batch.entries()) job.onReply(replies instanceof Error ? replies : replies[index]!);
  }

  /** The oldest of one worker. After a lost lease there may be messages of two. */
  #nextBatch(): SettledJob[] {
    const { worker } = this.#pending[0]!;
    let [count, bytes] = [0, 0];
    for (const job of this.#pending) {
      if (job.worker !== worker || count >= mostSettlements || bytes >= mostBytes) break;
      for (const word of job.words) bytes += typeof word === 'number' ? 8 : word.length;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
