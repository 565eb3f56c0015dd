import type { Taking } from '../contract/queue-options.js';
import type { Channel } from './channel.js';
import type { Delivery } from './delivery.js';
import { Supply, type Hold } from './supply.js';

/** Asking for the next acknowledges the last; leaving early (`break`, `return`, `throw`) gives the current one back. */
export interface Consumer<T> extends AsyncIterableIterator<T, void>, AsyncDisposable {
  [Symbol.asyncIterator](): Consumer<T>;
  return(): Promise<IteratorResult<T, void>>;
}

/**
 * Deliveries of a channel one after the other, each mapped by `give`. Nothing happens before the first is asked for.
 *
 * @param onEnd called when it has ended, perhaps twice
 */
export function consume<T, G>(channel: Channel<T>, options: Taking, give: (delivery: Delivery<T>) => G, onEnd: () => void): Consumer<G> {
  return consumerOf(options.signal, onEnd, (ended) => walk(new Supply(channel, { ended, waitMs: options.timeoutMs }), options, give, onEnd));
}

/** As {@link consume}, in arrays of up to `size`: what holds for the current message holds for the whole current array. */
export function consumeBatches<T, G>(channel: Channel<T>, options: Taking & { readonly batch: number }, give: (delivery: Delivery<T>) => G, onEnd: () => void): Consumer<G[]> {
  return consumerOf(options.signal, onEnd, (ended) => walkBatches(new Supply(channel, { ended, waitMs: options.timeoutMs }), options, give, onEnd));
}

function consumerOf<G>(signal: AbortSignal | undefined, onEnd: () => void, itemsUntil: (ended: AbortSignal) => AsyncGenerator<G, void, undefined>): Consumer<G> {
  const left = new AbortController();
  const items = itemsUntil(signal ? AbortSignal.any([signal, left.signal]) : left.signal);
  const consumer: Consumer<G> = {
    next: () => items.next(),
    // Aborting first: a `return` queues behind a `next` that waits, and would wait as long.
    return: () => {
      left.abort();
      onEnd(); // a generator that has not begun runs none of its code
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
      await supply.done(inHand); // the next one was asked for
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
