/** The password of a queue is in nothing that a program prints or logs. */
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { HotQueue, start, type QueueOptions } from 'hotqueue';
import { labelOf } from '../../src/redis/named-address.js';

const secret = 'sEcret77';
const client = new Redis({ port: 1, password: secret, sentinelPassword: secret, lazyConnect: true });
afterAll(() => client.disconnect());
const nowhere: Record<string, QueueOptions> = {
  'in the url': { url: `redis://ada:${secret}@127.0.0.1:1` },
  'in the url, as the user': { url: `redis://${secret}@127.0.0.1:1` },
  'in the query of the url': { url: `redis://127.0.0.1:1?password=${secret}` },
  'as an option': { url: 'redis://127.0.0.1:1', password: secret },
  'in a given client': { connection: client },
};

describe.each(Object.entries(nowhere))('a password %s', (_where, options) => {
  it('is in no text of what belongs to the queue', async () => {
    const lines: unknown[] = [];
    const log = (...line: unknown[]): unknown => lines.push(line);
    const queue = new HotQueue('x', { ...options, logger: { debug: log, info: log, warn: log, error: log } });
    const work = queue.worker(() => undefined);
    const runner = start(work);
    const error = await (options.connection ? undefined : queue.put(1).catch((refusal: unknown) => refusal));
    const things = {
      ...{
        queue,
        work,
        runner,
        error,
        lines,
        task: queue.task(1),
        publisher: queue.with({ delay: 1 }),
        job: queue.job('x'),
      },
      ...{ events: queue.events, dead: queue.dead, delayed: queue.delayed, jobs: queue.jobs, workers: queue.workers },
      ...{ schedules: queue.schedules, history: queue.history, loop: queue.consume() },
    };
    for (const [name, thing] of Object.entries(things)) {
      for (const depth of [2, 30])
        expect([name, inspect(thing, { depth, showHidden: true })]).not.toEqual([
          name,
          expect.stringContaining(secret),
        ]);
      expect([name, jsonOf(thing)]).not.toEqual([name, expect.stringContaining(secret)]);
    }
    await runner.stop({ shutdownTimeout: 0 }).catch(() => undefined);
    await queue.close();
  });
});

it.each([
  [{ username: 'ada', password: 'x' }, 'redis://ada:***@cache:6379'],
  [{ password: 'x' }, 'redis://:***@cache:6379'],
  [{ username: 'ada' }, 'redis://***@cache:6379'],
])('the label of %j is %s', (given, label) => {
  expect(labelOf({ host: 'cache', port: 6379, ...given })).toBe(label);
});

/** As a logger writes it; `''` for what no logger can write. */
function jsonOf(thing: unknown): string {
  try {
    return JSON.stringify(thing) ?? '';
  } catch {
    return '';
  }
}
