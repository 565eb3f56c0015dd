import { RedisUnreachableError } from '../core/errors.js';
import { afterParents, lookMs } from '../jobs/after.js';
import type { Broker } from '../redis/broker.js';
import type { FlowJob } from '../redis/flow-transitions.js';
import { isAway } from '../redis/server-errors.js';
import { newId } from '../wire/id.js';

/** A call has at most so many jobs, and about so many characters, so that Redis is not busy for long. */
export const mostTogether = 200;
export const mostCharacters = 262_144;

/** A job with more parents than this has noted them by calls of their own, so that no call takes long. */
export const mostParents = 500;

/** Jobs that are put in one call: all of them, or none. */
interface FlowPut {
  readonly jobs: readonly FlowJob[];
  /** Since when it waits, monotonic ms. */
  readonly since: number;
  readonly characters: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** How long a put waits for Redis: together with the calls before its own, but for its own call at least so long. */
const patienceMs = 30_000;
const leastPatienceMs = 1_000;

/** Puts jobs of flows on one queue. Those of flows that are put in one turn of the event loop, or while a call is on its way, share a call. */
export class FlowPuts {
  #pending: FlowPut[] = [];
  #sending: Promise<void> | undefined;

  constructor(readonly broker: Broker) {}

  /** @throws what the call throws */
  put(jobs: readonly FlowJob[]): Promise<void> {
    const characters = jobs.reduce((sum, job) => sum + charactersOf(job), 0);
    return new Promise((resolve, reject) => {
      this.#pending.push({ jobs, since: performance.now(), characters, resolve, reject });
      this.#sending ??= this.#sendAll();
    });
  }

  /** Resolves when everything that was put is stored or refused. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await new Promise((resolve) => process.nextTick(resolve));
    while (this.#pending.length > 0) await this.#send(this.#next());
    this.#sending = undefined;
  }

  /** The oldest puts, as many as may share a call. */
  #next(): FlowPut[] {
    let [count, jobs, characters] = [0, 0, 0];
    for (const put of this.#pending) {
      jobs += put.jobs.length;
      characters += put.characters;
      if (count > 0 && (jobs > mostTogether || characters > mostCharacters)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #send(puts: readonly FlowPut[]): Promise<void> {
    const jobs = puts.length === 1 ? puts[0]!.jobs : puts.flatMap((put) => put.jobs);
    const leftMs = patienceMs - (performance.now() - puts[0]!.since);
    const patience = { withinMs: Math.max(leastPatienceMs, leftMs) };
    try {
      await this.broker.flows.put(newId(), jobs, { afterParents, lookMs, mostParents }, patience);
      for (const put of puts) put.resolve();
    } catch (error) {
      for (const put of puts) put.reject(error);
      this.#rejectOld(error);
    }
  }

  /** Redis is away: rejects what has waited as long as a put may. It was never sent. */
  #rejectOld(error: unknown): void {
    if (!isAway(error)) return;
    const firstYoung = this.#pending.findIndex(({ since }) => performance.now() - since < patienceMs);
    const old = this.#pending.splice(0, firstYoung < 0 ? this.#pending.length : firstYoung);
    const advice = `no job of this call was sent within ${patienceMs / 1_000} s. Check the server, then put again`;
    for (const put of old) put.reject(new RedisUnreachableError(error.address, advice, { cause: error }));
  }
}

/** A job's share of a call: its message, and the names of jobs. */
function charactersOf({ message, children, ends, after }: FlowJob): number {
  let sum = message.length + ends.length;
  for (const name of children) sum += name.length;
  for (const name of after?.parents ?? []) sum += name.length;
  return sum;
}
