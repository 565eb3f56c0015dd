import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HotQueue } from 'hotqueue';
import { failureKindOf, replyCodeOf, typedError, type FailureKind } from '../../src/redis/server-errors.js';
import { aName } from '../support/queue.js';
import { realProgram, startRedis } from '../support/servers.js';

const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

const kinds: readonly [message: string, kind: FailureKind, code: string][] = [
  ['MISCONF Redis is configured to save RDB snapshots, but is unable to persist on disk.', 'refused', 'MISCONF'],
  ['MISCONF Errors writing to the AOF file: No space left on device', 'refused', 'MISCONF'],
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'refused', 'BUSY'],
  ['LOADING Redis is loading the dataset in memory', 'refused', 'LOADING'],
  ['CLUSTERDOWN The cluster is down', 'refused', 'CLUSTERDOWN'],
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'refused', 'TRYAGAIN'],
  ['NOREPLICAS Not enough good replicas to write.', 'refused', 'NOREPLICAS'],
  ['MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to no.', 'refused', 'MASTERDOWN'],
  ["READONLY You can't write against a read only replica.", 'refused', 'READONLY'],
  ["READONLY You can't write against a read only replica. script: 9f, on @user_script:7.", 'refused', 'READONLY'],
  ['UNBLOCKED force unblock from blocking operation, instance state changed', 'refused', 'UNBLOCKED'],
  ['NEWSTATE a reply of a Redis of tomorrow', 'refused', 'NEWSTATE'],
  ['ERR max number of clients reached', 'refused', 'ERR'],
  ['ERR upstream failure', 'refused', 'ERR'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'full', 'OOM'],
  [
    "ERR Error running script (call to f_6b): @user_script:5: @user_script: 5: -OOM command not allowed when used memory > 'maxmemory'.",
    'full',
    'OOM',
  ],
  [
    'ERR Error running script (call to f_6b): @user_script:5: -MISCONF Redis is configured to save',
    'refused',
    'MISCONF',
  ],
  ['NOAUTH Authentication required.', 'permanent', 'NOAUTH'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'permanent', 'WRONGPASS'],
  ["NOPERM User default has no permissions to run the 'evalsha' command", 'permanent', 'NOPERM'],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'permanent', 'WRONGTYPE'],
  ['MOVED 3999 127.0.0.1:6381', 'permanent', 'MOVED'],
  ['ERR DB index is out of range', 'permanent', 'ERR'],
  ["ERR unknown command 'evalsha'", 'permanent', 'ERR'],
];

it.each(kinds)('%s', (message, kind, code) => {
  expect([failureKindOf(reply(message)), replyCodeOf(reply(message))]).toEqual([kind, code]);
  expect(typedError(reply(message), 'here', false)).toMatchObject(
    kind === 'full'
      ? { code: 'REDIS_FULL' }
      : { code: 'REDIS_REFUSED', reply: code, isPermanent: kind === 'permanent' },
  );
});

it.each([
  'Connection is closed.',
  'connect ECONNREFUSED',
  'Socket timeout',
  'All sentinels are unreachable',
  'new words',
])('%s: the connection broke, which passes', (message) => expect(failureKindOf(new Error(message))).toBe('unanswered'));

it('the last node of a cluster decides about an error of the whole cluster', () => {
  const all = (last: Error): Error =>
    Object.assign(new Error('Failed to refresh slots cache.'), { name: 'ClusterAllFailedError', lastNodeError: last });
  expect(failureKindOf(all(reply('WRONGPASS invalid username-password pair')))).toBe('permanent');
  expect(failureKindOf(all(new Error('Connection is closed.')))).toBe('unanswered');
});

describe('an error that leaves the library', () => {
  const secrets = /s3cret|the-payload/;

  /** Everything that a program could print of an error, its causes included. */
  const printed = (error: unknown): string =>
    inspect(error, { depth: 20, showHidden: true, getters: true }) + String((error as Error).stack);

  it('contains neither a password nor a payload, and is one of ours', async () => {
    const server = await startRedis(await realProgram(), ['--requirepass', 'right']);
    onTestFinished(server.stop);
    const admin = new Redis(server.url, { password: 'right' });
    onTestFinished(() => admin.disconnect());
    const caught: unknown[] = [];
    const failing = async (work: Promise<unknown>): Promise<void> => {
      caught.push(
        await work.then(
          () => expect.fail('it should fail'),
          (error: unknown) => error,
        ),
      );
    };
    const given = new Redis(server.url, { lazyConnect: true, password: 's3cret' });
    given.on('error', () => {});
    const queues = [
      new HotQueue(aName(), { url: server.url, password: 's3cret', logger: false }),
      new HotQueue(aName(), { url: server.url, username: 'app', password: 's3cret', logger: false }),
      new HotQueue(aName(), { connection: given, logger: false }),
    ];
    for (const queue of queues) {
      await failing(queue.put('the-payload'));
      await failing(queue.size());
      await failing(queue.get());
    }
    const queue = new HotQueue(aName(), { url: server.url, password: 'right', logger: false });
    await queue.put('first');
    for (const commands of [
      ['-evalsha', '-eval', '-hget'],
      ['+@all', '-rpush', '-sadd'],
    ]) {
      await admin.call('ACL', 'SETUSER', 'default', ...commands);
      await failing(queue.put('the-payload'));
      await failing(queue.with({ priority: 'high', id: 'the-payload' }).put('the-payload'));
    }
    await admin.call('ACL', 'SETUSER', 'default', '+@all');
    await admin.set(queue.key, 'a string');
    await failing(queue.put('the-payload'));
    await failing(queue.get());
    for (const error of caught) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^REDIS_/) as string });
      expect(printed(error)).not.toMatch(secrets);
    }
    for (const one of [...queues, queue]) await one.close();
    given.disconnect();
  });

  it('does not repeat the arguments that Redis repeats', () => {
    const error = typedError(
      Object.assign(reply("ERR unknown command 'evalsha', with args beginning with: 'the-payload' 's3cret'"), {
        command: { name: 'hello', args: ['3', 'AUTH', 'default', 's3cret'] },
      }),
      'here',
      false,
    );
    expect(error.message).toContain("unknown command 'evalsha'");
    expect(printed(error)).not.toMatch(secrets);
  });
});
