import { setTimeout as pause } from 'node:timers/promises';
import type { Load } from '../history.js';
import type { WorkersOptions, World } from '../world.js';

export interface Steady extends WorkersOptions {
  /** Least number of messages to put. */
  readonly count: number;
  readonly mostMs?: number;
  readonly mostBatch?: number;
  readonly does?: readonly (string | undefined)[];
  readonly drainMs?: number;
  /** Pause between two puts, in ms. */
  readonly everyMs?: number;
}

/** Runs a producer and two worker runners while `happens` injects faults. Then it waits until the queue is drained. */
export async function underLoad(
  world: World,
  steady: Steady,
  happens: (isEnough: () => boolean) => Promise<void>,
): Promise<void> {
  const {
    count,
    mostMs = 5,
    mostBatch = 10,
    does = [undefined],
    url = world.redis.url,
    queue: name = 'jobs',
    drainMs = 60_000,
    everyMs = 1,
    ...options
  } = steady;
  world.startWorkers({ url, queue: name, ...options });
  world.startWorkers({ url, queue: name, ...options });
  const producer = world.queue({ name, url });
  let put = 0;
  let isOver = false;
  const putting = (async () => {
    while (put < count || !isOver) {
      const size = world.dice.whole(1, mostBatch);
      const loads = Array.from({ length: size }, (): Load =>
        world.load(world.dice.whole(0, mostMs), world.dice.pick(does)),
      );
      await world.put(producer, ...loads);
      put += size;
      await pause(put < count ? everyMs : 20);
    }
  })();
  await happens(() => put >= count);
  isOver = true;
  await putting;
  await world.drained(drainMs);
}
