import { OutcomeUnknownError, RedisUnreachableError } from '../contract/errors.js';
import { newId } from '../message/ids.js';
import type { Broker } from '../redis/broker.js';

const mostMessages = 1_000;
const mostCharacters = 1_048_576;
/** How long a put goes on trying while Redis is away. */
const patienceMs = 30_000;

interface Pending {
  readonly messages: readonly string[];
  readonly ids: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Stores messages in the order in which they were put. One batch is in flight; what is put meanwhile forms the next.
 *
 * With more than one in flight, a batch that is refused and sent again under its number would find a later number
 * stored, and be answered "already". A number whose outcome is unknown is never used again for other messages.
 */
export class Producer {
  // Made on first use: a process that was forked or restored from a snapshot must not share it.
  #id: string | undefined;
  #number = 0;
  #pending: Pending[] = [];
  #sending: Promise<void> | undefined;

  constructor(
    private readonly name: string,
    private readonly broker: Broker,
  ) {}

  /** Resolves when Redis has all of the messages. @throws OutcomeUnknownError, RedisUnreachableError, RedisFullError */
  put(messages: readonly string[], ids: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ messages, ids, resolve, reject });
      this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
    });
  }

  /** Resolves when everything that was put is stored or refused. */
  async drained(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // puts of one turn travel together
    if (this.#number === 0) await this.#announce();
    while (this.#pending.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#send(batch);
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { ids, reject } of batch) reject(this.#explain(error, ids));
      }
    }
  }

  #nextBatch(): Pending[] {
    let messages = 0;
    let characters = 0;
    let calls = 0;
    for (const pending of this.#pending) {
      messages += pending.messages.length;
      for (const message of pending.messages) characters += message.length;
      if (calls > 0 && (messages > mostMessages || characters > mostCharacters)) break;
      calls += 1;
    }
    return this.#pending.splice(0, calls);
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    this.#id ??= newId();
    this.#number += 1;
    await this.broker.put(this.#id, this.#number, batch.flatMap(({ messages }) => messages), { withinMs: patienceMs });
  }

  async #announce(): Promise<void> {
    // Only tools look at the set of names: a queue that is not in it works all the same.
    await this.broker.announce(this.name, { withinMs: 0 }).catch(() => undefined);
  }

  #explain(error: unknown, ids: readonly string[]): unknown {
    const isUnknown = error instanceof RedisUnreachableError && error.mayHaveArrived;
    return isUnknown ? new OutcomeUnknownError(this.name, ids, { cause: error }) : error;
  }
}
