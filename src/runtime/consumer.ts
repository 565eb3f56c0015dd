import type { Taking } from '../contract/queue-options.js';
import type { Channel } from './channel.js';
import type { Delivery } from './delivery.js';
import { Supply, type Hold } from './supply.js';

/**
 * A loop over messages, as `queue.consume()` and `queue.deliveries()` return it.
 *
 * Asking for the next message acknowledges the last one. Leaving early (`break`, `return`, `throw`) gives the current one
 * back; with `onLeave: 'ack'` it is acknowledged.
 *
 * @example
 * ```ts
 * for await (const email of emails.consume({ limit: 10 })) {
 *   console.log(email.to);
 * }
 * ```
 */
export interface Consumer<T> extends AsyncIterableIterator<T, void>, AsyncDisposable {
  [Symbol.asyncIterator](): Consumer<T>;
  /** Ends the loop, even while it waits for a message. */
  return(): Promise<IteratorResult<T, void>>;
}

/**
 * Deliveries of a queue, one after the other, each mapped by `give`. Nothing happens before the first call of `next`.
 *
 * @param onEnd called when the loop has ended, perhaps twice
 */
export function consume<T, G>(channel: Channel<T>, options: Taking, give: (delivery: Delivery<T>) => G, onEnd: () => void): Consumer<G> {
  return consumerOf(options.signal, onEnd, (ended) => walk(new Supply(channel, { ended, waitMs: options.timeoutMs }), options, give, onEnd));
}

/** {@link consume} in arrays of up to `options.batch` messages. All messages of the current array are settled together. */
export function consumeBatches<T, G>(channel: Channel<T>, options: Taking & { readonly batch: number }, give: (delivery: Delivery<T>) => G, onEnd: () => void): Consumer<G[]> {
  return consumerOf(options.signal, onEnd, (ended) => walkBatches(new Supply(channel, { ended, waitMs: options.timeoutMs }), options, give, onEnd));
}

function consumerOf<G>(signal: AbortSignal | undefined, onEnd: () => void, itemsUntil: (ended: AbortSignal) => AsyncGenerator<G, void, undefined>): Consumer<G> {
  const left = new AbortController();
  const items = itemsUntil(signal ? AbortSignal.any([signal, left.signal]) : left.signal);
  const consumer: Consumer<G> = {
    next: () => items.next(),
    // Abort first: `return` of a generator queues behind a `next` that waits, and would wait as long.
    return: () => {
      left.abort();
      onEnd(); // a generator that has not started runs none of its code
      return items.return();
    },
    throw: (error) => {
      left.abort();
      return items.throw(error);
    },
    [Symbol.asyncIterator]: () => consumer,
    [Symbol.asyncDispose]: async () => void (await consumer.return()),
  };
  return consumer;
}

async function* walk<T, G>(
  supply: Supply<T>,
  { limit = Infinity, onLeave = 'release' }: Taking,
  give: (delivery: Delivery<T>) => G,
  onEnd: () => void,
): AsyncGenerator<G, void, undefined> {
  let inHand: Hold<T> | undefined;
  try {
    for (let given = 0; given < limit; given++) {
      inHand = await supply.one(limit - given);
      if (!inHand) return;
      yield give(inHand.delivery);
      await supply.done(inHand); // the loop asked for the next one
      inHand = undefined;
    }
  } finally {
    onEnd();
    await leave(supply, inHand ? [inHand] : [], onLeave);
  }
}

async function* walkBatches<T, G>(
  supply: Supply<T>,
  { limit = Infinity, batch, lingerMs = 0, onLeave = 'release' }: Taking & { readonly batch: number },
  give: (delivery: Delivery<T>) => G,
  onEnd: () => void,
): AsyncGenerator<G[], void, undefined> {
  let inHand: readonly Hold<T>[] = [];
  try {
    for (let given = 0; given < limit; ) {
      inHand = (await supply.several(Math.min(batch, limit - given), lingerMs)) ?? [];
      if (inHand.length === 0) return;
      given += inHand.length;
      yield inHand.map(({ delivery }) => give(delivery));
      await supply.allDone(inHand);
      inHand = [];
    }
  } finally {
    onEnd();
    await leave(supply, inHand, onLeave);
  }
}

async function leave<T>(supply: Supply<T>, inHand: readonly Hold<T>[], onLeave: 'release' | 'ack'): Promise<void> {
  if (onLeave === 'ack') await supply.allDone(inHand);
  await supply.leave(inHand);
}
