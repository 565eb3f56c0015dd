import { describe, expect, it } from 'vitest';
import { Broker } from '../../src/redis/broker.js';
import { aBroker, redis } from '../support/queue.js';
import { simulate } from './simulation.js';

/** So long that no lease ends by itself. */
const leaseMs = 3_600_000;

describe('random transitions in random order, some sent twice and some sent late', () => {
  it('leave Redis in the state of the model, and lose no message', async () => {
    const fresh = (): Broker => {
      const { connection, keys } = aBroker();
      return new Broker(connection, keys, leaseMs);
    };
    const { steps, ghosts, resends } = await simulate(fresh, redis(), { seed: 1, runs: 40, steps: 60 });
    expect(steps).toBeGreaterThan(500);
    expect(Math.min(ghosts, resends)).toBeGreaterThan(20);
  }, 120_000);
});
