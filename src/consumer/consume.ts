import { linkSignals } from '../core/linked-signal.js';
import type { ResolvedTakeOptions } from '../core/options/consume.js';
import type { QueueContext } from '../redis/queue-context.js';
import type { Claim } from './claim.js';
import type { Delivery } from './delivery.js';
import { defaultMaxBlockedMs } from './lease-keeper.js';
import { MessageSource } from './message-source.js';

/**
 * The iterator of `consume()` and `deliveries()`. Asking for the next message acknowledges the current one. Leaving early
 * (`break`, `return`, `throw`) gives the current one back.
 */
export interface Consumer<T> extends AsyncIterableIterator<T, void>, AsyncDisposable {
  [Symbol.asyncIterator](): Consumer<T>;
  /** Leaves the loop from outside: ends a wait, gives the current message back. */
  return(): Promise<IteratorResult<T, void>>;
}

/**
 * Deliveries of a queue one after the other, each mapped by `give`. Nothing connects before the first is asked for.
 *
 * @param onEnd called when it has ended, perhaps twice
 */
export function consume<T, G>(
  context: QueueContext<T>,
  options: ResolvedTakeOptions,
  give: (delivery: Delivery<T>) => G,
  onEnd: () => void,
): Consumer<G> {
  return consumerOf(context, options, onEnd, (source, onItemsEnd) => walk(source, options, give, onItemsEnd));
}

/** {@link consume} in arrays of up to `options.batch`. What holds for the current message holds for the whole current array. */
export function consumeBatches<T, G>(
  context: QueueContext<T>,
  options: ResolvedTakeOptions & { readonly batch: number },
  give: (delivery: Delivery<T>) => G,
  onEnd: () => void,
): Consumer<G[]> {
  return consumerOf(context, options, onEnd, (source, onItemsEnd) => walkBatches(source, options, give, onItemsEnd));
}

function consumerOf<T, G>(
  context: QueueContext<T>,
  { signal, idleTimeoutMs }: ResolvedTakeOptions,
  onEnd: () => void,
  itemsOf: (source: MessageSource<T>, onEnd: () => void) => AsyncGenerator<G, void, undefined>,
): Consumer<G> {
  const left = new AbortController();
  const linked = signal && linkSignals(signal, left.signal);
  const ended = linked?.signal ?? left.signal;
  const source = new MessageSource(context, { ended, waitMs: idleTimeoutMs }, defaultMaxBlockedMs);
  const items = itemsOf(source, () => {
    linked?.unlink();
    onEnd();
  });
  const consumer: Consumer<G> = {
    next: () => items.next(),
    // The abort comes first: a generator runs `return` only after a `next` that waits.
    return: () => {
      left.abort();
      linked?.unlink();
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
  source: MessageSource<T>,
  { limit = Infinity, onLeave = 'release' }: ResolvedTakeOptions,
  give: (delivery: Delivery<T>) => G,
  onEnd: () => void,
): AsyncGenerator<G, void, undefined> {
  let current: Claim<T> | undefined;
  try {
    for (let given = 0; given < limit; given++) {
      current = await source.one(limit - given);
      if (!current) return;
      yield give(current);
      await source.done(current); // the caller asked for the next
      current = undefined;
    }
  } finally {
    onEnd();
    await leave(source, current ? [current] : [], onLeave);
  }
}

async function* walkBatches<T, G>(
  source: MessageSource<T>,
  { limit = Infinity, batch, lingerMs = 0, onLeave = 'release' }: ResolvedTakeOptions & { readonly batch: number },
  give: (delivery: Delivery<T>) => G,
  onEnd: () => void,
): AsyncGenerator<G[], void, undefined> {
  let current: readonly Claim<T>[] = [];
  try {
    for (let given = 0; given < limit;) {
      current = (await source.several(Math.min(batch, limit - given), lingerMs)) ?? [];
      if (current.length === 0) return;
      given += current.length;
      yield current.map((claim) => give(claim));
      await source.allDone(current);
      current = [];
    }
  } finally {
    onEnd();
    await leave(source, current, onLeave);
  }
}

async function leave<T>(
  source: MessageSource<T>,
  current: readonly Claim<T>[],
  onLeave: 'release' | 'ack',
): Promise<void> {
  if (onLeave === 'ack') await source.allDone(current);
  await source.leave(current);
}
