import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach } from 'vitest';
import { HotQueue, type PayloadClass, type QueueOptions } from 'hotqueue';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { redisUrl } from './server.js';

const opened: { close(): Promise<void> }[] = [];
let client: Redis | undefined;

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});
afterAll(() => client?.disconnect());

/** A unique queue name. */
export const aName = (): string => `test-${randomUUID()}`;

/** A new queue on the tests' server, closed after the test. It logs nothing by default. */
export function aQueue(options?: QueueOptions & { payload?: undefined; name?: string }): HotQueue;
export function aQueue<T>(options: QueueOptions & { payload: PayloadClass<T>; name?: string }): HotQueue<T>;
export function aQueue({
  name = aName(),
  ...options
}: QueueOptions & { payload?: unknown; name?: string } = {}): unknown {
  const queue = new HotQueue(name, { url: redisUrl(), logger: false, ...options } as QueueOptions & {
    payload?: undefined;
  });
  opened.push(queue);
  return queue;
}

/** A broker on a new queue, for tests of the transitions. */
export function aBroker(name = aName(), leaseMs?: number): Broker {
  const connection = Connection.share({ url: redisUrl() });
  opened.push({ close: () => connection.leave() });
  return new Broker(connection, new Keys(name), leaseMs);
}

/** An ioredis client on the tests' server, to read and change Redis directly. */
export function redis(): Redis {
  client ??= new Redis(redisUrl());
  return client;
}
