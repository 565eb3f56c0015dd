import { afterParents, lookMs } from '../jobs/after.js';
import type { Broker } from '../redis/broker.js';
import type { FlowJob } from '../redis/flow-transitions.js';
import { newId } from '../wire/id.js';

/** A call has at most so many jobs, and about so many characters, so that Redis is not busy for long. */
export const mostTogether = 200;
export const mostCharacters = 262_144;

/** A job with more parents than this has noted them by calls of their own, so that no call takes long. */
export const mostParents = 500;

/** Jobs that are put in one call: all of them, or none. */
interface FlowPut {
  readonly jobs: readonly FlowJob[];
  resolve(): void;
  reject(error: unknown): void;
}

const patience = { withinMs: 30_000 };

/** Puts jobs of flows on one queue. Those of flows that are put in one turn of the event loop, or while a call is on its way, share a call. */
export class FlowPuts {
  #pending: FlowPut[] = [];
  #isSending = false;

  constructor(readonly broker: Broker) {}

  /** @throws what the call throws */
  put(jobs: readonly FlowJob[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ jobs, resolve, reject });
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    await new Promise((resolve) => process.nextTick(resolve));
    while (this.#pending.length > 0) await this.#send(this.#next());
    this.#isSending = false;
  }

  /** The oldest puts, as many as may share a call. */
  #next(): FlowPut[] {
    let [count, jobs, characters] = [0, 0, 0];
    for (const put of this.#pending) {
      jobs += put.jobs.length;
      for (const { message } of put.jobs) characters += message.length;
      if (count > 0 && (jobs > mostTogether || characters > mostCharacters)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #send(puts: readonly FlowPut[]): Promise<void> {
    const jobs = puts.length === 1 ? puts[0]!.jobs : puts.flatMap((put) => put.jobs);
    try {
      await this.broker.flows.put(newId(), jobs, { afterParents, lookMs, mostParents }, patience);
      for (const put of puts) put.resolve();
    } catch (error) {
      for (const put of puts) put.reject(error);
    }
  }
}
