import type { Taking } from '../contract/queue-options.js';
import { admit, decide, policyFor, settle } from './attempt.js';
import type { Channel } from './channel.js';
import type { Claim } from './claim.js';
import { Delivery } from './delivery.js';
import { Fetcher } from './fetcher.js';
import { defaultPolicy } from './retry-policy.js';

/** Asking for the next acknowledges the last; leaving early (`break`, `return`, `throw`) gives the current one back. */
export interface Consumer<T> extends AsyncIterableIterator<T, void>, AsyncDisposable {
  [Symbol.asyncIterator](): Consumer<T>;
  return(): Promise<IteratorResult<T, void>>;
}

/** What ends a consumer, and what it does with the message in hand. */
export interface Consuming extends Taking {
  /** False: end as soon as nothing is ready. */
  readonly block?: boolean;
}

const settlePatienceMs = 30_000;

/**
 * Deliveries of a channel one after the other, each mapped by `give`. Nothing happens before the first is asked for.
 *
 * @param onEnd called when it has ended, perhaps twice
 */
export function consume<T, G>(channel: Channel<T>, options: Consuming, give: (delivery: Delivery<T>) => G, onEnd: () => void): Consumer<G> {
  const left = new AbortController();
  const ended = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const deliveries = walk(channel, options, ended, give, onEnd);
  const consumer: Consumer<G> = {
    next: () => deliveries.next(),
    // Aborting first: a `return` queues behind a `next` that waits, and would wait as long.
    return: () => {
      left.abort();
      onEnd(); // a generator that has not begun runs none of its code
      return deliveries.return();
    },
    throw: (error) => {
      left.abort();
      return deliveries.throw(error);
    },
    [Symbol.asyncIterator]: () => consumer,
    [Symbol.asyncDispose]: async () => void (await consumer.return()),
  };
  return consumer;
}

async function* walk<T, G>(
  channel: Channel<T>,
  { limit = Infinity, timeoutMs, onLeave = 'release', block = true }: Consuming,
  ended: AbortSignal,
  give: (delivery: Delivery<T>) => G,
  onEnd: () => void,
): AsyncGenerator<G, void, undefined> {
  const fetcher = new Fetcher(channel, { taking: ended, settling: { withinMs: settlePatienceMs }, mayHoldBack: false });
  const waitMs = block ? timeoutMs : 0;
  try {
    for (let given = 0; given < limit; given++) {
      const found = await next(channel, fetcher, ended, waitMs);
      if (!found) return;
      const { claim, delivery } = found;
      claim.tell('take');
      let isDone = false;
      try {
        yield give(delivery);
        isDone = true; // the next one was asked for
      } finally {
        if (!claim.settledBy) await finish(claim, isDone || onLeave === 'ack');
      }
    }
  } finally {
    onEnd();
    await fetcher.leave();
  }
}

async function finish(claim: Claim, isDone: boolean): Promise<void> {
  if (isDone) await settle(claim, { verb: 'ack' });
  else await claim.release().catch(() => undefined); // leaving gives it back as well
}

/** The next valid delivery; what is not valid, or came too late, is buried on the way. `undefined` when ended, or nothing came in time. */
async function next<T>(channel: Channel<T>, fetcher: Fetcher, ended: AbortSignal, waitMs: number | undefined) {
  let idleSince = Date.now();
  while (!ended.aborted) {
    const claim = await takeOne(fetcher, ended);
    if (claim) {
      const delivery = await checked(channel, claim);
      if (delivery) return { claim, delivery };
      idleSince = Date.now();
      continue;
    }
    const leftMs = waitMs === undefined ? Infinity : idleSince + waitMs - Date.now();
    if (leftMs <= 0) return undefined;
    await fetcher.idle(ended, leftMs);
  }
  return undefined;
}

async function takeOne(fetcher: Fetcher, ended: AbortSignal): Promise<Claim | undefined> {
  try {
    return (await fetcher.take(1))[0];
  } catch (error) {
    if (ended.aborted) return undefined;
    throw error;
  }
}

async function checked<T>(channel: Channel<T>, claim: Claim): Promise<Delivery<T> | undefined> {
  const policy = policyFor(claim, defaultPolicy);
  const delivery = await admit(claim, channel.payload, policy);
  if (delivery instanceof Delivery) return delivery;
  await settle(claim, decide(delivery, claim.attempt, policy));
  return undefined;
}
