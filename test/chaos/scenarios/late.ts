import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from '../proxy.js';
import type { Scenario } from '../scenario.js';
import type { World } from '../world.js';

/** What a message asks of its handler, so that its worker sends the command. */
const asks: Record<string, string> = { retry: 'fail:1', bury: 'bury', release: 'release:1', ack: 'ack' };

const leaseMs = 2_000;
const verbs = ['put', 'put-with', 'join', 'take', 'ack', 'retry', 'bury', 'release', 'leave', 'promote'] as const;

/**
 * Lets some commands of one script arrive after the client has sent them again, up to two leases later, while workers come and go.
 * A repeated command must change nothing, also when its worker has left meanwhile.
 */
async function delayed(world: World, verb: (typeof verbs)[number], wanted: number): Promise<void> {
  const proxy = await world.proxy();
  const queue = `late-${verb}`;
  proxy.rule = ({ name, reply }: Command) =>
    name === verb && !reply && proxy.faults() < wanted && world.dice.chance(0.5)
      ? { kind: 'late', afterMs: world.dice.whole(10, 2 * leaseMs) }
      : undefined;
  const producer = world.queue({ name: queue, url: proxy.url });
  while (proxy.faults() < wanted) {
    const { runner } = world.startWorkers({ url: proxy.url, queue, leaseMs, concurrency: 3 });
    for (let round = 0; round < 5; round++) {
      const loads = Array.from({ length: world.dice.whole(1, 4) }, () =>
        world.load(world.dice.whole(0, 50), world.dice.chance(0.7) ? asks[verb] : undefined),
      );
      if (verb === 'put-with' || verb === 'promote')
        await world.putLater(producer, { afterMs: world.dice.whole(1, 300) }, ...loads);
      else await world.put(producer, ...loads);
      await pause(world.dice.whole(0, 60));
    }
    await runner.stop({ shutdownTimeout: 20_000 }); // several calls in a row may be late, and each loses the connection
  }
  world.figures[`late ${verb}`] = proxy.faults();
  await world.until(() => proxy.late === 0, 3 * leaseMs);
  world.startWorkers({ queue, leaseMs, concurrency: 3 });
}

const late: Scenario = {
  id: 'LATE',
  name: 'commands arrive after they were sent again, and after their worker has left',
  withinMs: { short: 180_000, long: 900_000 },
  async run(world) {
    world.allowed = { noRecovery: true };
    const wanted = world.isLong ? 60 : 12;
    await Promise.all(verbs.map((verb) => delayed(world, verb, wanted)));
    await pause(leaseMs * 1.5); // a worker that a late command has registered loses its lease in this time
    await world.drained();
  },
};

export const lateScenarios: readonly Scenario[] = [late];
