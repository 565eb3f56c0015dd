import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  chain,
  HotQueue,
  RedisRefusedError,
  start,
  type LogFields,
  type Logger,
  type QueueOptions,
  type Runner,
} from 'hotqueue';
import { Broker } from '../../src/redis/broker.js';
import { Connection } from '../../src/redis/connection.js';
import { Keys } from '../../src/redis/keys.js';
import { until } from '../support/facts.js';
import { aClient } from '../support/project.js';
import { aName } from '../support/queue.js';
import { realProgram, startRedis, type TestServer } from '../support/servers.js';

vi.setConfig({ testTimeout: 60_000 });

async function aServer(...settings: string[]): Promise<TestServer & { client: Redis; dir: string }> {
  const server = await startRedis(await realProgram(), settings);
  onTestFinished(server.stop);
  return { ...server, client: aClient(server.url), dir: path.dirname(server.url.slice('unix://'.length)) };
}

function queueAt(url: string, options: QueueOptions = {}): HotQueue {
  const queue = new HotQueue(aName(), { url, logger: false, ...options });
  onTestFinished(() => queue.close());
  return queue;
}

type Server = Awaited<ReturnType<typeof aServer>>;

/** A state of the server that passes: how it begins, and how it ends. */
interface State {
  readonly begin: (server: Server) => Promise<unknown>;
  readonly end: (server: Server) => Promise<unknown>;
}

const states: Readonly<Record<string, State>> = {
  MISCONF: {
    begin: async ({ client, dir }) => {
      mkdirSync(path.join(dir, 'dump.rdb')); // a snapshot cannot replace a folder
      await client.config('SET', 'save', '3600 1');
      await client.bgsave();
      await until(async () => (await client.info('persistence')).includes('rdb_last_bgsave_status:err'));
    },
    end: async ({ client, dir }) => {
      rmSync(path.join(dir, 'dump.rdb'), { recursive: true });
      await client.bgsave();
    },
  },
  BUSY: {
    begin: async ({ client, url }) => {
      await client.config('SET', 'lua-time-limit', '50');
      aClient(url)
        .eval('while true do end', 0)
        .catch(() => undefined);
      await until(
        () => client.ping().catch(String),
        (reply) => reply.includes('BUSY'),
      );
    },
    end: ({ client }) => client.script('KILL'),
  },
  LOADING: {
    begin: async ({ client, url }) => {
      await client.eval("for i = 1, 3000 do redis.call('SET', 'k' .. i, ('x'):rep(100)) end", 0);
      await client.config('SET', 'key-load-delay', '1000');
      aClient(url)
        .call('DEBUG', 'RELOAD')
        .catch(() => undefined);
      await until(
        () => client.ping().catch(String),
        (reply) => reply.includes('LOADING'),
      );
    },
    end: async ({ client }) => {
      await until(
        () => client.ping().catch(String),
        (reply) => reply === 'PONG',
      );
    },
  },
  READONLY: {
    begin: ({ client }) => client.replicaof('127.0.0.1', 1),
    end: ({ client }) => client.replicaof('NO', 'ONE'),
  },
  MASTERDOWN: {
    begin: async ({ client }) => {
      await client.config('SET', 'replica-serve-stale-data', 'no');
      await client.replicaof('127.0.0.1', 1);
    },
    end: ({ client }) => client.replicaof('NO', 'ONE'),
  },
  NOREPLICAS: {
    begin: ({ client }) => client.config('SET', 'min-replicas-to-write', 1),
    end: ({ client }) => client.config('SET', 'min-replicas-to-write', 0),
  },
};

const debugging = ['--enable-debug-command', 'yes', '--loading-process-events-interval-bytes', '1024'];
const each = Object.keys(states);

describe('a state of the server that passes by itself', () => {
  it.each(each)('%s: workers go on after it, and run each message once', async (name) => {
    const server = await aServer(...debugging);
    const queue = queueAt(server.url);
    const seen: unknown[] = [];
    const runner = start(
      queue.worker(
        async (item) => {
          seen.push(item);
          await pause(20);
        },
        { concurrency: 2 },
      ),
    );
    const items = Array.from({ length: 60 }, (_, index) => index);
    await queue.put(...items);
    await until(() => seen.length > 5);
    await states[name]!.begin(server);
    await pause(1_000);
    await states[name]!.end(server);
    await until(() => seen.length >= items.length);
    await runner.stop(); // resolves: no error has ended it
    expect(seen).toEqual(items);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0, dead: 0 });
  });

  it.each(each)('%s: puts wait for its end, also the first ones of a process', async (name) => {
    const server = await aServer(...debugging);
    const known = queueAt(server.url);
    await known.put('before');
    await states[name]!.begin(server);
    const fresh = queueAt(`${server.url}?db=5`); // another connection, and a database to select
    const puts = Promise.all([known.put('a'), known.with({ priority: 'high', id: 'own' }).put('b'), fresh.put('c')]);
    puts.catch(() => undefined);
    await pause(500);
    await states[name]!.end(server);
    await puts;
    expect([await known.size(), await fresh.size()]).toEqual([3, 1]);
    expect(await server.client.llen(fresh.key)).toBe(0); // not in database 0
  });

  it.each(each)(
    '%s: a call that is out of patience says which state it is, and that nothing was stored',
    async (name) => {
      const server = await aServer(...debugging);
      const connection = Connection.share({ url: server.url });
      onTestFinished(() => connection.leave());
      const brokers = Array.from({ length: 10 }, () => new Broker(connection, new Keys(aName())));
      await connection.call((client) => client.time());
      await states[name]!.begin(server);
      const puts = brokers.map((broker) =>
        broker.put({ producer: 'p', number: 1, messages: ['#a 0 0\n1'] }, { withinMs: 300 }),
      );
      for (const outcome of await Promise.allSettled(puts)) {
        expect(outcome).toMatchObject({
          reason: { code: 'REDIS_REFUSED', reply: name, isPermanent: false, mayHaveArrived: false },
        });
      }
      await states[name]!.end(server);
      const stored = brokers.map((broker) => connection.call((client) => client.llen(broker.keys.base)));
      expect((await Promise.all(stored)).every((length) => length === 0)).toBe(true);
    },
  );

  it('REDIS_FULL: a put is refused at once, workers go on', async () => {
    const server = await aServer('--maxmemory-policy', 'noeviction');
    const queue = queueAt(server.url);
    await queue.put(...Array.from({ length: 30 }, (_, index) => index));
    await server.client.config('SET', 'maxmemory', 1);
    await expect(queue.put('more')).rejects.toMatchObject({ code: 'REDIS_FULL' });
    let seen = 0;
    const runner = start(queue.worker(async () => void (seen += 1)));
    await until(() => seen === 30);
    await runner.stop();
  });

  it('REDIS_FULL: a flow is refused as a whole; jobs start whose parents have ended', async () => {
    const server = await aServer('--maxmemory-policy', 'noeviction');
    const queue = queueAt(server.url);
    const parent = await queue.with({ delay: '1h', track: true }).put('parent');
    const child = await queue.with({ after: parent }).put('child');
    const connection = Connection.share({ url: server.url });
    onTestFinished(() => connection.leave());
    const { flows } = new Broker(connection, new Keys(queue.name));
    const end = { status: 'done', result: '', failure: '' } as const;
    const ends = [{ id: child.id, ends: new Map([[`hotqueue ${queue.name} ${parent.id}`, end]]) }];
    const tell = () => flows.parentsEnded(ends, [], { withinMs: 0 });
    await server.client.config('SET', 'maxmemory', 1);
    await expect(chain(queue.task(1), queue.task())).rejects.toMatchObject({ code: 'REDIS_FULL' });
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 2 });
    expect(await tell()).toEqual(['due']);
    expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 1 });
  });

  it.each([
    ['NOPERM', ['ACL', 'SETUSER', 'default', '-evalsha', '-eval'], 'ACL SETUSER'],
    ['WRONGTYPE', [], 'another program'],
  ])('%s is no such state: workers end with an error that says what to do', async (reply, command, advice) => {
    const server = await aServer();
    const queue = queueAt(server.url);
    await queue.size();
    if (command.length > 0) await server.client.call(...(command as [string, ...string[]]));
    else await server.client.set(queue.key, 'a string');
    const runner = start(queue.worker(async () => undefined));
    await expect(runner.finished).rejects.toThrow(RedisRefusedError);
    await expect(runner.finished).rejects.toMatchObject({ reply, isPermanent: true });
    await expect(runner.finished).rejects.toThrow(advice);
  });
});

it.each([-3_600_000, 3_600_000])('a clock that jumps by %d ms changes no patience', async (jumpMs) => {
  const server = await aServer();
  const connection = Connection.share({ url: server.url });
  onTestFinished(() => connection.leave());
  const broker = new Broker(connection, new Keys(aName()));
  await broker.reader.size();
  await server.client.replicaof('127.0.0.1', 1);
  const putAt = performance.now();
  const putting = broker.put({ producer: 'p', number: 1, messages: ['#a 0 0\n1'] }, { withinMs: 1_500 });
  const real = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => real() + jumpMs);
  onTestFinished(() => void vi.restoreAllMocks());
  await expect(putting).rejects.toMatchObject({ reply: 'READONLY' });
  const tookMs = performance.now() - putAt;
  expect([tookMs >= 1_400, tookMs < 20_000]).toEqual([true, true]);
});

it.each<[string, string[], string[]]>([
  ['is renamed', ['--rename-command', 'INFO', 'secret-info'], []],
  ['is forbidden', [], ['ACL', 'SETUSER', 'default', '-info']],
])('INFO may be unavailable: it %s', async (_, settings, command) => {
  const server = await aServer(...settings);
  if (command.length > 0) await server.client.call(...(command as [string, ...string[]]));
  const queue = queueAt(server.url);
  await queue.put('a');
  const own = new HotQueue(aName(), { connection: aClient(server.url), logger: false });
  onTestFinished(() => own.close());
  await own.put('b');
  expect([await queue.get(), await own.get()]).toEqual(['a', 'b']);
});

it('the permissions in docs/production.md suffice for a user', async () => {
  const server = await aServer();
  const rules = /An ACL user needs `([^`]+)`/.exec(readFileSync('docs/production.md', 'utf8'))![1]!.split(' ');
  await server.client.call('ACL', 'SETUSER', 'app', 'on', '>pw', ...rules);
  const queue = queueAt(server.url, { username: 'app', password: 'pw' });
  await queue.put('retry', 'bury');
  await queue.with({ delay: 5, id: 'own' }).put('later');
  const seen: unknown[] = [];
  const runner = start(
    queue.worker(
      async (item, job) => {
        if (item === 'bury') return job.bury('unwanted');
        if (job.attempt === 1 && item === 'retry') throw new Error('once');
        seen.push(item);
      },
      { backoff: 1 },
    ),
  );
  await until(() => seen.length === 2);
  expect((await queue.workers.list()).length).toBe(1);
  await runner.stop();
  expect(await queue.dead.reviveAll()).toBe(1);
  expect(await queue.peek()).toHaveLength(1);
  expect(await queue.clear()).toBe(1);
});

describe('a Redis that starts later than its workers', () => {
  it('is waited for with waitForRedis, and a line says so', async () => {
    const server = await aServer();
    const socket = path.join(server.dir, 'later');
    const lines: [LogFields, string][] = [];
    const warn = (fields: LogFields, sentence: string): void => void lines.push([fields, sentence]);
    const logger: Logger = { debug: warn, info: warn, warn, error: warn };
    const queue = queueAt(`unix://${socket}`, { logger });
    const seen: unknown[] = [];
    const runner = start(
      queue.worker(async (item) => void seen.push(item)),
      { waitForRedis: true },
    );
    await until(() => lines.length > 0);
    expect(lines[0]![0]).toMatchObject({
      queue: queue.name,
      code: 'REDIS_UNREACHABLE',
      waitingMs: expect.any(Number) as number,
    });
    expect(lines[0]![1]).toMatch(/^waiting for Redis for \d+ s: no Redis answers at unix:/);
    symlinkSync(path.join(server.dir, 'sock'), socket);
    await queue.put('a');
    await until(() => seen.length === 1);
    await runner.stop();
    expect(lines).toHaveLength(1);
  });

  it('fails the workers without it, and always if it refuses the password', async () => {
    const server = await aServer('--requirepass', 'right');
    const absent = queueAt(`unix://${path.join(server.dir, 'never')}`);
    await expect(start(absent.worker(async () => undefined)).finished).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
    });
    const wrong = queueAt(server.url, { password: 'wrong' });
    const runner = start(
      wrong.worker(async () => undefined),
      { waitForRedis: true },
    );
    await expect(runner.finished).rejects.toMatchObject({ code: 'REDIS_REFUSED', reply: 'WRONGPASS' });
  });

  it('does not keep a runner from its stop', async () => {
    const queue = queueAt('redis://127.0.0.1:1');
    const runner = start(
      queue.worker(async () => undefined),
      { waitForRedis: true },
    );
    await pause(300);
    const before = performance.now();
    await runner.stop({ shutdownTimeout: 500 });
    expect(performance.now() - before).toBeLessThan(20_000);
  });
});

describe('two servers in one process', () => {
  const ways: Record<string, (one: HotQueue, other: HotQueue, seen: unknown[]) => Pick<Runner, 'stop'>> = {
    'one runner': (one, other, seen) =>
      start([one.worker(async () => undefined), other.worker(async (item) => void seen.push(item))]),
    'order strict': (one, other, seen) =>
      start([one.worker(async () => undefined), other.worker(async (item) => void seen.push(item))], {
        order: 'strict',
      }),
    'order fair': (one, other, seen) =>
      start([one.worker(async () => undefined), other.worker(async (item) => void seen.push(item))], { order: 'fair' }),
    'two runners': (one, other, seen) => {
      const runners = [
        start(one.worker(async () => undefined)),
        start(other.worker(async (item) => void seen.push(item))),
      ];
      return {
        stop: async () => void (await Promise.all(runners.map((runner) => runner.stop({ shutdownTimeout: 500 })))),
      };
    },
    loops: (one, other, seen) => {
      const loops = [one.consume(), other.consume()];
      const run = async (loop: (typeof loops)[number]): Promise<void> => {
        for await (const item of loop) seen.push(item);
      };
      loops.forEach((loop) => void run(loop).catch(() => undefined));
      return { stop: async () => undefined };
    },
  };

  it.each(
    Object.keys(ways).flatMap((way) => [
      [way, 'dies'],
      [way, 'freezes'],
    ]),
  )('%s: if one server %s, the messages of the other are handled as before', async (way, what) => {
    const [one, other] = [await aServer(), await aServer()];
    const pid = Number(/process_id:(\d+)/.exec(await one.client.info('server'))![1]);
    const [first, second] = [queueAt(one.url), queueAt(other.url)];
    const seen: unknown[] = [];
    const workers = ways[way]!(first, second, seen);
    for (const queue of [first, second]) await until(async () => (await queue.counts()).workers === 1);
    process.kill(pid, what === 'dies' ? 'SIGKILL' : 'SIGSTOP');
    onTestFinished(() => void (what === 'freezes' && process.kill(pid, 'SIGCONT')));
    await pause(500);
    let longest = 0;
    for (let item = 1; item <= 5; item++) {
      const putAt = performance.now();
      await second.put(item);
      await until(() => seen.length === item);
      longest = Math.max(longest, performance.now() - putAt);
      await pause(300);
    }
    expect(longest).toBeLessThan(5_000); // one block
    if (what === 'freezes') process.kill(pid, 'SIGCONT');
    await workers.stop({ shutdownTimeout: 500 }).catch(() => undefined); // the dead server cannot confirm it
  });
});
