import { Cluster, Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { HotQueue, start } from 'hotqueue';
import { portableAddress } from '../../src/redis/portable-address.js';
import { latch, until } from '../support/facts.js';
import { aName } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

const lazyConnect = true;
const sentinels = [{ host: '127.0.0.1', port: 26_379 }];

describe('the address of a client, as another thread gets it,', () => {
  it.each([
    [
      'a url',
      new Redis('redis://ada:secret@cache:6380/2', { lazyConnect }),
      { host: 'cache', port: 6380, db: 2, username: 'ada', password: 'secret' },
    ],
    ['a socket', new Redis({ path: '/tmp/redis.sock', lazyConnect }), { path: '/tmp/redis.sock' }],
    [
      'TLS',
      new Redis('rediss://cache', { lazyConnect, tls: { ca: 'pem', servername: 'x' } }),
      { tls: { ca: 'pem', servername: 'x' } },
    ],
    [
      'Sentinel',
      new Redis({ sentinels, name: 'main', sentinelPassword: 'secret', lazyConnect }),
      { sentinels, name: 'main', sentinelPassword: 'secret' },
    ],
    [
      'functions that say when to connect again',
      new Redis({ lazyConnect, retryStrategy: () => 5, reconnectOnError: () => true }),
      { host: 'localhost' },
    ],
  ])('of %s keeps what leads to the server', (_what, client, options) => {
    const address = portableAddress(client)!;
    expect(address.options).toMatchObject(options);
    expect(structuredClone(address)).toEqual(address);
    expect(address.nodes).toBeUndefined();
  });

  it('of a cluster keeps its nodes and the options of its nodes', () => {
    const nodes = [{ host: 'a', port: 7000 }];
    const cluster = new Cluster(nodes, {
      lazyConnect,
      natMap: { 'b:1': { host: 'c', port: 2 } },
      redisOptions: { password: 'x', reconnectOnError: () => 1 },
    });
    expect(portableAddress(cluster)).toMatchObject({
      nodes,
      options: { natMap: { 'b:1': { host: 'c', port: 2 } }, redisOptions: { password: 'x' } },
    });
  });

  it.each([
    ['checkServerIdentity', new Redis({ lazyConnect, tls: { checkServerIdentity: () => undefined } })],
    ['natMap', new Redis({ lazyConnect, sentinels, name: 'main', natMap: () => null })],
    [
      'dnsLookup',
      new Cluster([{ host: 'a', port: 1 }], { lazyConnect, dnsLookup: (address, callback) => callback(null, address) }),
    ],
    [
      'a node',
      new Cluster([{ host: 'a', port: 1 }], {
        lazyConnect,
        redisOptions: { tls: { checkServerIdentity: () => undefined } },
      }),
    ],
  ])('is absent if a function leads to the server: %s', (_what, client) => {
    expect(portableAddress(client)).toBeUndefined();
  });
});

it('a worker whose connection cannot be posted to a thread works, and says so in a debug line', async () => {
  const lines: string[] = [];
  const quiet = (): void => undefined;
  const debug = (_fields: unknown, line: string): void => void lines.push(line);
  const connection = new Redis(redisUrl(), { lazyConnect, natMap: () => null });
  const queue = new HotQueue(aName(), { connection, logger: { debug, info: quiet, warn: quiet, error: quiet } });
  const handled = latch<unknown>();
  const runner = start(queue.worker((item) => handled.open(item)));
  await queue.put('a');
  expect(await handled).toBe('a');
  await until(() => lines.length > 0);
  await runner.stop();
  await queue.close();
  expect(lines).toEqual([expect.stringMatching(/no thread renews the lease while a handler blocks the event loop/)]);
});
