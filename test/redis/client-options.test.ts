import { readdirSync, readFileSync } from 'node:fs';
import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import ts from 'typescript';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HotQueue, start } from 'hotqueue';
import { clusterOptionUses, redisOptionUses, usedCommands } from '../../src/redis/client-options.js';
import { until } from '../support/facts.js';
import { aName, redis } from '../support/queue.js';
import { redisUrl } from '../support/server.js';

const built = new URL('../../node_modules/ioredis/built/', import.meta.url).pathname;

/** Names of the properties of an exported type of ioredis. */
function optionsOf(file: string, type: string): string[] {
  const program = ts.createProgram([built + file], { skipLibCheck: true, noEmit: true });
  const checker = program.getTypeChecker();
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(built + file)!)!);
  const symbol = exported.find(({ name }) => name === type)!;
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).map(({ name }) => name);
}

describe('a given client of ioredis', () => {
  it('has no option that this library does not know', () => {
    const known = (uses: object): string[] => Object.keys(uses).sort();
    expect(optionsOf('redis/RedisOptions.d.ts', 'RedisOptions').sort()).toEqual(known(redisOptionUses));
    expect(optionsOf('cluster/ClusterOptions.d.ts', 'ClusterOptions').sort()).toEqual(known(clusterOptionUses));
  });

  /** For each option that is ours, a value with which the client would behave differently. */
  const harmful: Partial<Record<keyof RedisOptions, unknown>> = {
    preferredSlaves: () => null,
    sentinelRetryStrategy: () => 1,
    sentinelReconnectStrategy: () => 1,
    sentinelCommandTimeout: 1,
    connectTimeout: 1e9,
    disconnectTimeout: 1e9,
    commandTimeout: 1,
    blockingTimeout: 1,
    blockingTimeoutGrace: 1,
    socketTimeout: 50,
    retryStrategy: null,
    reconnectOnError: () => true,
    maxRetriesPerRequest: null,
    maxLoadingRetryTime: 1e9,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    offlineQueue: false,
    commandQueue: false,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: ['evalsha'],
    lazyConnect: true,
    monitor: true,
    readOnly: true,
    replyMapping: 'resp3',
    stringNumbers: true,
    showFriendlyErrorStack: true,
    scripts: {
      evalsha: { lua: 'return {}', numberOfKeys: 0 },
      blmove: { lua: 'return false', numberOfKeys: 0 },
      hmget: { lua: 'return {}', numberOfKeys: 0 },
    },
    himportFieldsets: [],
  };

  it('is tried with each option that this library overrides', () => {
    const ours = Object.entries(redisOptionUses).filter(([, use]) => use === 'ours');
    expect(Object.keys(harmful).sort()).toEqual(ours.map(([name]) => name).sort());
  });

  it.each(Object.entries(harmful))('with %s: puts, takes, retries, counts and stops', async (option, value) => {
    const connection = new Redis(redisUrl(), { lazyConnect: true, [option]: value });
    connection.on('error', () => {});
    onTestFinished(() => connection.disconnect());
    const queue = new HotQueue(aName(), { connection, logger: false, lease: 1_000 });
    const seen: unknown[] = [];
    const runner = start(
      queue.worker(
        async (item, job) => {
          if (item === 'twice' && job.attempt === 1) throw new Error('once');
          seen.push(item);
        },
        { backoff: 1 },
      ),
    );
    await until(async () => (await queue.counts()).workers === 1); // it waits for a message by now, or in a moment
    await queue.put('one', 'twice');
    await queue.with({ delay: 1 }).put('later');
    await until(() => seen.length === 3);
    await until(async () => (await queue.counts()).active === 0);
    expect(await queue.size()).toBe(0);
    expect((await queue.workers.list()).map(({ done }) => typeof done)).toEqual(['number']);
    await runner.stop();
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, active: 0, done: 3, failed: 1 });
    await queue.close();
  });

  it('keeps its database and user', async () => {
    const connection = new Redis(redisUrl(), { lazyConnect: true, db: 3, connectionName: 'mine' });
    onTestFinished(() => connection.disconnect());
    await using queue = new HotQueue(aName(), { connection, logger: false });
    await queue.put('a');
    const clients = String(await redis().client('LIST'));
    expect(clients).toMatch(/name=mine .*db=3/);
    await queue.get();
  });

  it.each([
    ['keyPrefix', new Redis({ lazyConnect: true, keyPrefix: 'app:' })],
    ['role', new Redis({ lazyConnect: true, role: 'slave', sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'm' })],
    ['keyPrefix', new Cluster([{ port: 1 }], { lazyConnect: true, keyPrefix: 'app:' })],
    ['keyPrefix', new Cluster([{ port: 1 }], { lazyConnect: true, redisOptions: { keyPrefix: 'app:' } })],
  ])('with %s is refused by name', (option, connection) => {
    expect(() => new HotQueue('x', { connection })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(() => new HotQueue('x', { connection })).toThrow(option);
  });

  it.each(['evalsha', 'hgetall', 'zrange', 'zrem', 'subscribe'])(
    'a reply transformer for %s is refused by name',
    async (name) => {
      const { reply } = (Command as unknown as { _transformer: { reply: Record<string, unknown> } })._transformer;
      const before = reply[name];
      onTestFinished(() => void (before === undefined ? delete reply[name] : (reply[name] = before)));
      Command.setReplyTransformer(name, () => 'changed');
      const queue = new HotQueue(aName(), { url: `${redisUrl()}?db=5`, logger: false });
      await expect(queue.put('a')).rejects.toThrow(`ioredis transformer for the command "${name}"`);
      await queue.close();
    },
  );

  it('the commands that are looked at are those that the sources send', () => {
    const notCommands = new Set(['call', 'connect', 'disconnect', 'multi', 'nodes', 'on', 'once', 'quit', 'duplicate']);
    const src = new URL('../../src/', import.meta.url);
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('embedded'),
    );
    const sent = files.flatMap((file) => {
      const text = readFileSync(new URL(file, src), 'utf8');
      const calls = text.matchAll(
        /\bclient\s*\??\.\s*([a-z]+)\(|\.multi\(\)\.([a-z]+)\([^)]*\)\.([a-z]+)\(|client\.call\('([A-Z]+)'/g,
      );
      return [...calls].flatMap(([, ...names]) => names.filter((name) => name !== undefined));
    });
    const commands = new Set(sent.map((name) => name.toLowerCase()).filter((name) => !notCommands.has(name)));
    expect(commands.size).toBeGreaterThan(30);
    expect([...commands].filter((name) => !usedCommands.includes(name))).toEqual([]);
  });
});
