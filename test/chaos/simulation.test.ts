import { describe, expect, it } from 'vitest';
import { Broker } from '../../src/redis/broker.js';
import { aBroker, redis } from '../support/queue.js';
import { simulate } from './simulation.js';

/** No lease ends by itself. */
const leaseMs = 3_600_000;

describe('whatever transitions are sent, in whatever order, some of them twice and some of them long after', () => {
  it('Redis holds what the model says, and every message is somewhere', async () => {
    const fresh = (): Broker => {
      const { connection, keys } = aBroker();
      return new Broker(connection, keys, leaseMs);
    };
    const { steps, ghosts, resends } = await simulate(fresh, redis(), { seed: 1, runs: 40, steps: 60 });
    expect(steps).toBeGreaterThan(500);
    expect(Math.min(ghosts, resends)).toBeGreaterThan(20);
  }, 120_000);
});
