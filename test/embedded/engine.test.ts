import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { isAlive } from '../../src/embedded/lock.js';
import { handshake } from '../../src/redis/handshake.js';
import { aClient } from '../support/project.js';
import { startTestEngine } from '../support/servers.js';

/** An engine for one test, with a client. */
async function anEngine() {
  const { url, stop } = await startTestEngine();
  onTestFinished(stop);
  return { url, path: url.replace('unix://', ''), client: aClient(url) };
}

const clientsOf = async (client: Redis): Promise<number> =>
  String(await client.client('LIST'))
    .split('\n')
    .filter(Boolean).length;

it.each([
  ['BLMOVE', ['queue', 'inbox', 'LEFT', 'RIGHT', '0']],
  ['BLPOP', ['queue', '0']],
  ['BRPOPLPUSH', ['queue', 'inbox', '0']],
])('gives no message to a blocked client that has disconnected (%s)', async (command, args) => {
  const { url, client } = await anEngine();
  const waiter = aClient(url);
  await waiter.ping();
  const waiting = waiter.call(command, ...args).catch(() => 'gone');
  for (let trips = 0; trips < 10; trips++) await client.ping(); // by now the engine has read the command of the blocked client
  waiter.disconnect();
  await waiting;
  await expect.poll(() => clientsOf(client)).toBe(1);
  await client.rpush('queue', 'message');
  expect(await client.lrange('queue', 0, -1)).toEqual(['message']);
  expect(await client.exists('inbox')).toBe(0);
});

it('wakes a blocked client, and replies null after its timeout', async () => {
  const { url, client } = await anEngine();
  const other = aClient(url);
  const waiting = other.blmove('queue', 'inbox', 'LEFT', 'RIGHT', 0);
  await client.rpush('queue', 'message');
  expect(await waiting).toBe('message');
  expect(await other.blmove('queue', 'inbox', 'LEFT', 'RIGHT', 0.01)).toBeNull();
  await client.rpush('queue', 'a', 'b');
  expect(await other.brpoplpush('queue', 'inbox', 1)).toBe('b');
  expect(await client.lrange('inbox', 0, -1)).toEqual(['b', 'message']);
});

it('executes the commands that a client sent before it disconnected', async () => {
  const { path, client } = await anEngine();
  const socket = connect({ path });
  socket.end('BLPOP nothing 0\r\nRPUSH queue a b\r\n');
  socket.resume();
  await once(socket, 'close');
  expect(await client.lrange('queue', 0, -1)).toEqual(['a', 'b']);
});

it('does not execute a transaction without EXEC', async () => {
  const { path, client } = await anEngine();
  const socket = connect({ path });
  socket.end('MULTI\r\nRPUSH queue a\r\n');
  socket.resume();
  await once(socket, 'close');
  expect(await client.exists('queue')).toBe(0);
});

it('executes all commands that the scripts of this library use', async () => {
  const { client } = await anEngine();
  const lua = `
    redis.call('RPUSH', KEYS[1], 'a', 'b', 'c')
    redis.call('LTRIM', KEYS[1], 1, -1)
    redis.call('LMOVE', KEYS[1], KEYS[1], 'LEFT', 'RIGHT')
    redis.call('HSET', KEYS[2], 'x', 1, 'y', 2)
    redis.call('HDEL', KEYS[2], 'x')
    redis.call('HSETNX', KEYS[2], 'y', 3)
    redis.call('ZADD', KEYS[3], 1, 'one', 2, 'two')
    redis.call('ZREM', KEYS[3], 'one')
    redis.call('SET', KEYS[4], 7, 'PX', 60000)
    return { redis.call('LRANGE', KEYS[1], 0, -1), redis.call('HGETALL', KEYS[2]), redis.call('HMGET', KEYS[2], 'y', 'z'),
             redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', 5, 'LIMIT', 0, 1), redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES'),
             redis.call('ZSCORE', KEYS[3], 'two'), #redis.call('TIME'), redis.call('PTTL', KEYS[4]) > 0 }`;
  const sha = (await client.script('LOAD', lua)) as string;
  const keys = ['list', 'hash', 'zset', 'string'];
  expect(await client.evalsha(sha, 4, ...keys)).toEqual([
    ['c', 'b'],
    ['y', '2'],
    ['2', null],
    ['two'],
    ['two', '2'],
    '2',
    2,
    1,
  ]);
  await expect(client.evalsha('0'.repeat(40), 0)).rejects.toThrow(/^NOSCRIPT/);
});

it('has sixteen databases, like Redis', async () => {
  const { client } = await anEngine();
  await client.select(15);
  expect(await client.set('key', 'value')).toBe('OK');
  await client.select(0);
  expect(await client.exists('key')).toBe(0);
});

it('reports its name and version, and ends on SHUTDOWN', async () => {
  const { path, client } = await anEngine();
  const installed = JSON.parse(readFileSync('node_modules/js-redis-server/package.json', 'utf8')) as {
    version: string;
  };
  const { name, version, pid = 0 } = await handshake({ path });
  expect([name, version]).toEqual(['js-redis-server', installed.version]);
  client.shutdown().catch(() => {});
  await expect.poll(() => isAlive(pid)).toBe(false);
});
