import { Redis } from 'ioredis';
import { Broker } from '../../../src/redis/broker.js';
import { Connection } from '../../../src/redis/connection.js';
import { Keys } from '../../../src/redis/keys.js';
import { startTestEngine } from '../../support/servers.js';
import type { Scenario } from '../scenario.js';
import { simulate } from '../simulation.js';
import type { World } from '../world.js';

/** With a mutation: play more runs, and do not shrink the first failure. */
const isHunting = process.env.CHAOS_MUTANT !== undefined;

async function against(world: World, url: string, runs: number): Promise<void> {
  const connection = Connection.share({ url });
  const client = new Redis({ path: url.slice('unix://'.length) });
  try {
    let number = 0;
    const fresh = (): Broker => new Broker(connection, new Keys(`sim${number++}`), 3_600_000);
    const figures = await simulate(fresh, client, { seed: world.seed, runs, steps: 120, shrinks: !isHunting });
    Object.assign(world.figures, figures);
  } catch (error) {
    world.claim(error instanceof Error ? `${error.message}\n${String(error.cause)}` : String(error), false);
  } finally {
    client.disconnect();
    await connection.leave();
  }
}

const real: Scenario = {
  id: 'SIM',
  name: 'random sequences of transitions, compared with the model, on Redis',
  withinMs: { short: 120_000, long: 900_000 },
  run: (world) => against(world, world.redis.url, world.isLong ? 3_000 : isHunting ? 1_000 : 250),
};

const onEngine: Scenario = {
  id: 'SIMJ',
  name: 'random sequences of transitions, compared with the model, on the JavaScript engine',
  withinMs: { short: 120_000, long: 900_000 },
  async run(world) {
    const engine = await startTestEngine();
    try {
      await against(world, engine.url, world.isLong ? 500 : 30);
    } finally {
      await engine.stop();
    }
  },
};

export const simulationScenarios: readonly Scenario[] = [real, onEngine];
