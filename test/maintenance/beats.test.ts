import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventEmitter } from 'node:events';
import { silent } from '../../src/core/logger.js';
import type { Broker } from '../../src/redis/broker.js';
import { MaintenanceService } from '../../src/maintenance/service.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const broker = { leaseMs: 900, hasDelayed: () => Promise.resolve(false) } as unknown as Broker;

/** Upkeep of one worker whose heartbeats get the given replies. `sentAfter` advances the time and returns the number of heartbeats so far. */
function beating(...answers: (() => Promise<undefined>)[]) {
  const beat = vi.fn(() => (answers.shift() ?? (() => Promise.resolve(undefined)))());
  const upkeep = new MaintenanceService({
    name: 'q',
    broker,
    wire: 'hotqueue',
    events: new EventEmitter(),
    logger: silent,
  });
  const worker = { poke: () => {}, fence: () => {}, beat };
  upkeep.add(worker);
  return {
    upkeep,
    worker,
    sentAfter: async (ms: number) => (await vi.advanceTimersByTimeAsync(ms), beat.mock.calls.length),
  };
}

it('sends three heartbeats in a lease', async () => {
  const { upkeep, worker, sentAfter } = beating();
  expect(await sentAfter(250)).toBe(0);
  expect(await sentAfter(100)).toBe(1);
  expect(await sentAfter(200)).toBe(1);
  expect(await sentAfter(400)).toBe(3);
  upkeep.remove(worker);
});

it('sends a failed heartbeat again with the next tick, not a third of a lease later', async () => {
  const { upkeep, worker, sentAfter } = beating(() => Promise.reject(new Error('away')));
  expect(await sentAfter(350)).toBe(1);
  expect(await sentAfter(100)).toBe(2);
  expect(await sentAfter(100)).toBe(2);
  upkeep.remove(worker);
});
