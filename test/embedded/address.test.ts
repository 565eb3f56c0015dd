import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import { resolveAddress, findRedis, type AddressOptions } from '../../src/redis/address.js';
import { labelOf, namedAddress, parseUrl } from '../../src/redis/named-address.js';
import { aProject, withRedis } from '../support/project.js';
import { realProgram, startRedis } from '../support/servers.js';
import { redisUrl, serverKind } from '../support/server.js';

vi.setConfig({ testTimeout: 120_000 }); // Many processes, and perhaps a busy machine.

const socket = (): string => redisUrl().replace('unix://', '');
/** A port on which nothing listens: port 1 needs root, and its service is obsolete. */
const nowhere = 1;

it.each([
  ['redis://cache', { host: 'cache', port: 6379 }],
  ['redis://app:s%40fe@cache:6380/3', { host: 'cache', port: 6380, db: 3, username: 'app', password: 's@fe' }],
  ['rediss://:pw@cache', { host: 'cache', port: 6379, tls: {}, password: 'pw' }],
  ['redis://[::1]:7000?family=6', { host: '::1', port: 7000, family: 6 }],
  ['redis://cache?db=4&ssl_cert_reqs=none', { host: 'cache', port: 6379, db: 4 }],
  ['unix:///run/redis.sock?db=2', { path: '/run/redis.sock', db: 2 }],
  ['unix://run/redis.sock', { path: '/run/redis.sock' }],
  ['unix://app:pw@/run/redis.sock', { path: '/run/redis.sock', username: 'app', password: 'pw' }],
  ['redis+unix:///run/redis.sock', { path: '/run/redis.sock' }],
  ['/run/redis.sock', { path: '/run/redis.sock' }],
  ['cache:6380', { host: 'cache', port: 6380 }],
  ['cache', { host: 'cache', port: 6379 }],
])('reads %s', (url, place) => {
  expect(parseUrl(url, 'url')).toEqual(place);
});

it.each(['http://cache', 'redis://', 'redis://cache/mail', 'postgres://app:secret@db/app', ' '])(
  'refuses %j without its password in the error',
  (url) => {
    expect(() => parseUrl(url, 'REDIS_URL')).toThrow(
      /^invalid (REDIS_URL: expected redis:\/\/|database ".+" in REDIS_URL: )/,
    );
    expect(() => parseUrl(url, 'REDIS_URL')).not.toThrow(/secret/);
  },
);

const names: [AddressOptions, NodeJS.ProcessEnv, string | undefined, string | undefined][] = [
  [{}, {}, undefined, undefined],
  [{ db: 1 }, {}, undefined, undefined],
  [{}, { REDIS_URL: '' }, undefined, undefined],
  [{ host: 'cache' }, { REDIS_URL: 'redis://other:1/5' }, 'redis://cache:6379', 'option'],
  [{ port: 7000, db: 2 }, {}, 'redis://127.0.0.1:7000/2', 'option'],
  [{ password: 'pw' }, {}, 'redis://:***@127.0.0.1:6379', 'option'],
  [{ url: 'redis://cache', db: 2, password: 'pw' }, {}, 'redis://:***@cache:6379/2', 'option'],
  [{}, { REDIS_URL: 'redis://cache', VALKEY_URL: 'redis://other' }, 'redis://cache:6379', 'environment'],
  [{}, { VALKEY_URL: 'unix:///v.sock' }, 'unix:///v.sock', 'environment'],
  [{ db: 1 }, { REDIS_URL: 'redis://cache/7' }, 'redis://cache:6379/1', 'environment'],
];
it.each(names)('%j with %j names %s', (given, env, label, source) => {
  const named = namedAddress(given, env);
  expect(named && labelOf(named.endpoint)).toBe(label);
  expect(named?.source).toBe(source);
});

it.each<AddressOptions>([
  { url: 'redis://cache', host: 'cache' },
  { url: 'redis://cache', port: 1 },
  { url: 'redis://cache/1', db: 2 },
  { url: 'redis://:a@cache', password: 'b' },
])('refuses %j, which gives a value twice', async (given) => {
  await expect(findRedis(given, {})).rejects.toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});

it('uses the named server, in the named database', async () => {
  const address = await findRedis({ url: redisUrl(), db: 3 }, {});
  expect(address).toEqual({ options: { path: socket(), db: 3 }, label: `${redisUrl()}?db=3`, source: 'option' });
  const { replyMapping: _, ...options } = address.options;
  const client = new Redis(options);
  onTestFinished(() => client.disconnect());
  expect(await client.client('INFO')).toContain('db=3');
});

it('never uses another server if a configured one does not answer', async () => {
  const { dir, env } = aProject();
  await expect(findRedis({}, { ...env, REDIS_URL: `redis://:secret@127.0.0.1:${nowhere}` }, dir)).rejects.toThrow(
    /^no Redis answers at redis:\/\/:\*\*\*@127\.0\.0\.1:1: connect ECONNREFUSED/,
  );
});

it('reports a missing password, a wrong password and a missing database', async () => {
  const server = await startRedis(await realProgram(), ['--requirepass', 'right', '--databases', '2']);
  onTestFinished(server.stop);
  await expect(findRedis({ url: server.url }, {})).rejects.toThrow(/requires a password/);
  await expect(findRedis({ url: server.url, password: 'wrong' }, {})).rejects.toThrow(
    /rejects the user name or password/,
  );
  await expect(findRedis({ url: server.url, password: 'right', db: 2 }, {})).rejects.toThrow(/no such database/);
  await expect(findRedis({ url: server.url, password: 'right', db: 1 }, {})).resolves.toMatchObject({
    source: 'option',
  });
});

/** A server on 127.0.0.1 that calls `reply` for every command. @returns its port */
async function aListener(reply: (command: string, socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((each) => {
    sockets.add(each);
    each.on('data', (chunk) => reply(chunk.toString().toUpperCase(), each)).on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    sockets.forEach((each) => each.destroy());
    server.close();
  });
  return (server.address() as { port: number }).port;
}

it('refuses a server older than 6.2, with its version in the error', async () => {
  const info = 'redis_version:6.0.16\r\nprocess_id:1\r\n';
  const port = await aListener((command, each) => {
    for (const _ of command.matchAll(/\*\d+\r\n/g))
      each.write(command.includes('INFO') ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
  });
  await expect(findRedis({ port }, {})).rejects.toThrow(
    expect.objectContaining({ code: 'REDIS_UNSUPPORTED', version: '6.0.16' }),
  );
});

it('gives up on a server that never replies', async () => {
  const port = await aListener(() => {});
  await expect(findRedis({ port }, {})).rejects.toThrow(expect.objectContaining({ code: 'REDIS_UNREACHABLE' }));
});

const silent = (_line: string): void => {};

it("uses the machine's own server before it starts one", async () => {
  const { dir, env } = aProject();
  const port = await aListener((command, each) => {
    const info = 'redis_version:7.2.4\r\n';
    if (command.startsWith('PING')) each.write('+PONG\r\n');
    else
      for (const _ of command.matchAll(/\*\d+\r\n/g))
        each.write(command.includes('INFO') ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
  });
  const lines: string[] = [];
  const address = await resolveAddress({ db: 5 }, { env, cwd: dir, localPort: port, say: (line) => lines.push(line) });
  expect(address).toEqual({
    options: { host: '127.0.0.1', port, db: 5 },
    label: `redis://127.0.0.1:${port}/5`,
    source: 'local',
  });
  expect(lines).toEqual([
    `using Redis 7.2.4 at 127.0.0.1:${port}. To use another server, set REDIS_URL or pass { url }`,
  ]);
});

it('skips a local server that needs a password, and prints why', async () => {
  const { dir, env } = aProject();
  const port = await aListener((_, each) => each.write('-NOAUTH Authentication required.\r\n'));
  const lines: string[] = [];
  const search = resolveAddress(
    {},
    { env: { ...env, HOTQUEUE_REDIS: 'off' }, cwd: dir, localPort: port, say: (line) => lines.push(line) },
  );
  await expect(search).rejects.toThrow(/HOTQUEUE_REDIS=off/);
  expect(lines).toEqual([expect.stringContaining('it requires a password')]);
});

it.each([{ NODE_ENV: 'production' }, { HOTQUEUE_REDIS: 'off' }])('starts nothing with %j', async (more) => {
  const { dir, env, hotqueue } = aProject();
  await expect(
    resolveAddress({}, { env: { ...env, ...more }, cwd: dir, localPort: nowhere, say: silent }),
  ).rejects.toThrow(/hotqueue starts no server\. Set REDIS_URL/);
  expect((await hotqueue('redis stop')).stdout).toBe('no server is running for this project\n');
});

it('refuses an unknown HOTQUEUE_REDIS', async () => {
  const { dir, env } = aProject();
  await expect(findRedis({}, { ...env, HOTQUEUE_REDIS: 'jss' }, dir)).rejects.toThrow(
    'invalid HOTQUEUE_REDIS "jss": use auto, native, js or off',
  );
});

it('starts a private Redis if the PATH has one, and concurrent calls share one search', async () => {
  const project = aProject();
  const env = { ...(await withRedis(project)), HOTQUEUE_REDIS: 'native' };
  const [one, two] = await Promise.all([
    findRedis({ db: 1 }, env, project.dir),
    findRedis({ db: 1 }, env, project.dir),
  ]);
  expect(one).toBe(two);
  expect(one).toMatchObject({ source: 'embedded', kind: 'native', options: { db: 1 } });
  await expect(findRedis({}, { ...env, HOTQUEUE_REDIS: 'js' }, project.dir)).rejects.toThrow(
    /the running server of this project is Redis: stop it with "npx hotqueue redis stop"/,
  );
});

it('uses the JavaScript engine last, and prints that messages are in memory only', async () => {
  const { dir, env } = aProject();
  const lines: string[] = [];
  const around = {
    env: { ...env, HOTQUEUE_REDIS: 'js' },
    cwd: dir,
    localPort: nowhere,
    say: (line: string) => lines.push(line),
  };
  expect(await resolveAddress({}, around)).toMatchObject({ source: 'embedded', kind: 'js' });
  expect(lines).toEqual([expect.stringMatching(/^messages are in memory only/)]);
});

it('runs against a real Redis', () => {
  expect(serverKind()).toBe('redis');
});
