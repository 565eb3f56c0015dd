import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidOptionError } from 'hotqueue';
import { dashboard } from 'hotqueue/dashboard';
import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../src/dashboard/refusals.js';
import { ratesAt } from '../../src/dashboard/rows.js';
import { alike } from '../../src/dashboard/dead.js';
import { aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { aBoard, get, post, refusal } from './board.js';

const fetched = (board: ReturnType<typeof aBoard>, path: string, headers: Record<string, string> = {}) =>
  board.fetch(new Request(`http://127.0.0.1${path}`, { headers }));

describe('a change', () => {
  const json = { 'content-type': 'application/json' };
  it.each<[string, Record<string, string>, number, string]>([
    ['from another site', { ...json, 'sec-fetch-site': 'cross-site' }, 403, 'OTHER_SITE'],
    ['from another host of the same site', { ...json, 'sec-fetch-site': 'same-site' }, 403, 'OTHER_SITE'],
    ['from a link', { ...json, 'sec-fetch-site': 'none' }, 403, 'OTHER_SITE'],
    ['with a foreign origin', { ...json, origin: 'http://evil.example' }, 403, 'OTHER_SITE'],
    ['with the origin null', { ...json, origin: 'null' }, 403, 'OTHER_SITE'],
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'NOT_JSON'],
    ['as plain text', { 'content-type': 'text/plain' }, 415, 'NOT_JSON'],
  ])('%s is refused', async (_, headers, status, code) => {
    const queue = aQueue();
    await queue.put(1);
    const board = aBoard({ queues: [queue.name] });
    const url = `http://127.0.0.1/api/queues/${queue.name}/clear`;
    const answer = await board.fetch(new Request(url, { method: 'POST', headers, body: '{}' }));
    expect(await refusal(answer)).toEqual([status, code]);
    expect(await queue.size()).toBe(1);
  });

  it('of the own origin, or of a program that is no browser, is done', async () => {
    const queue = aQueue();
    await queue.put(1);
    const board = aBoard({ queues: [queue.name] });
    for (const headers of [json, { ...json, origin: 'http://127.0.0.1', host: '127.0.0.1' }]) {
      const url = `http://127.0.0.1/api/queues/${queue.name}/pause`;
      expect((await board.fetch(new Request(url, { method: 'POST', headers, body: '{}' }))).status).toBe(200);
    }
  });

  it('is refused on a read-only dashboard, and for a visitor who may only read', async () => {
    const queue = aQueue();
    await queue.put(1);
    const boards = [aBoard({ readOnly: true }), aBoard({ authorize: () => 'read-only' })];
    for (const board of boards) {
      expect(await refusal(await post(board, `/api/queues/${queue.name}/clear`))).toEqual([403, 'READ_ONLY']);
      expect((await get(board, '/api/info', 'info')).isReadOnly).toBe(true);
    }
    expect(await queue.size()).toBe(1);
  });

  it('with a body that is too large is refused before all of it is read', async () => {
    const queue = aQueue();
    await queue.put(1);
    const board = aBoard({ queues: [queue.name] });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if ((sent += 1) > 100) return controller.close();
        return controller.enqueue(new Uint8Array(1_048_576).fill(32));
      },
    });
    const url = `http://127.0.0.1/api/queues/${queue.name}/clear`;
    const request = new Request(url, { method: 'POST', headers: json, body: endless, duplex: 'half' });
    expect(await refusal(await board.fetch(request))).toEqual([400, 'BODY_TOO_LARGE']);
    expect(sent).toBeLessThan(20);
    expect(await queue.size()).toBe(1);
  });

  it('by GET does not exist', async () => {
    const queue = aQueue();
    await queue.put(1);
    const board = aBoard({ queues: [queue.name] });
    expect(await refusal(await fetched(board, `/api/queues/${queue.name}/clear`))).toEqual([404, 'UNKNOWN_PATH']);
    expect(await queue.size()).toBe(1);
  });
});

it.each(['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'QUERY'])('%s changes nothing', async (method) => {
  const queue = aQueue();
  await queue.put(1);
  const board = aBoard({ queues: [queue.name] });
  const url = `http://127.0.0.1/api/queues/${queue.name}/clear`;
  const answer = await board.fetch(new Request(url, { method, headers: { 'content-type': 'application/json' } }));
  expect(answer.status).toBe(404);
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  expect(await queue.size()).toBe(1);
});

it.each([
  ['POST', '/__proto__'],
  ['POST', '/constructor'],
  ['POST', '/dead/toString'],
  ['POST', '/jobs/1/__proto__'],
  ['POST', '/schedules/nightly/constructor'],
  ['POST', '/workers/1/hasOwnProperty'],
  ['GET', '/metrics/__proto__'],
  ['GET', '/metrics/constructor'],
  ['GET', '/messages/toString'],
])('%s %s is an unknown path', async (method, path) => {
  const queue = aQueue();
  await queue.put(1);
  const board = aBoard({ queues: [queue.name] });
  const answer = await (method === 'GET'
    ? fetched(board, `/api/queues/${queue.name}${path}`)
    : post(board, `/api/queues/${queue.name}${path}`));
  expect(await refusal(answer)).toEqual([404, 'UNKNOWN_PATH']);
});

describe('a visitor', () => {
  it('is refused unless authorize returns true or "read-only"', async () => {
    for (const permission of [false, undefined, 'yes', null]) {
      const board = aBoard({ authorize: () => permission as boolean });
      expect(await refusal(await fetched(board, '/api/overview'))).toEqual([403, 'FORBIDDEN']);
      expect(await refusal(await fetched(board, '/api/live'))).toEqual([403, 'FORBIDDEN']);
    }
  });

  it('must send user and password, if there is a login', async () => {
    const board = aBoard({ login: { user: 'ada', password: 'lovelace' } });
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const statuses = await Promise.all(
      [{}, basic('ada:wrong'), basic('ada:lovelace')].map(
        async (headers) => (await fetched(board, '/api/info', headers)).status,
      ),
    );
    expect(statuses).toEqual([401, 401, 200]);
    expect((await fetched(board, '/')).headers.get('www-authenticate')).toMatch(/^Basic realm="hotqueue"/);
  });

  it('is refused under another host name, if hosts are given', async () => {
    const board = aBoard({ hosts: ['127.0.0.1'] });
    expect(await refusal(await fetched(board, '/api/info', { host: 'evil.example:80' }))).toEqual([
      421,
      'UNKNOWN_HOST',
    ]);
    expect((await fetched(board, '/api/info', { host: '127.0.0.1:8081' })).status).toBe(200);
  });
});

it('every answer forbids scripts of others, frames and guesses about its type', async () => {
  const board = aBoard();
  for (const path of ['/api/info', '/api/none', '/assets/none.js', '/']) {
    const { headers } = await fetched(board, path);
    expect(headers.get('content-security-policy')).toMatch(
      /default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
    );
    expect(headers.get('content-security-policy')).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});

it.each(['/assets/..%2f..%2fpackage.json', '/assets/%2e%2e/api.js', '/assets/index.html', '/assets/.js'])(
  '%s is no file of the page',
  async (path) => expect((await fetched(aBoard(), path)).status).toBe(404),
);

it.each([
  ['state', '/messages/lost', 404, 'UNKNOWN_PATH'],
  ['limit', '/messages/waiting?limit=1000000000', 400, 'INVALID_PAGE'],
  ['offset', '/messages/waiting?from=1e300', 400, 'INVALID_PAGE'],
  ['cursor', '/messages/failed?from=x', 400, 'INVALID_OPTION'],
])('an invalid %s is refused with a sentence', async (_, path, status, code) => {
  const queue = aQueue();
  await queue.put(1);
  expect(await refusal(await fetched(aBoard({ queues: [queue.name] }), `/api/queues/${queue.name}${path}`))).toEqual([
    status,
    code,
  ]);
});

it('fields that are redacted are hidden in payloads, results and progress, and cannot be searched for', async () => {
  const queue = aQueue({ track: true });
  const job = await queue
    .with({ delay: '1h' })
    .put({ user: 'ada', password: 'hunter2', card: [{ number: '4242', brand: 'v' }] });
  const board = aBoard({ queues: [queue.name], redact: ['password', 'card.number'] });
  const at = `/api/queues/${queue.name}`;
  const texts = [
    (await get(board, `${at}/jobs/${job.id}`, 'job')).payload!.text,
    (await get(board, `${at}/messages/delayed`, 'page')).messages[0]!.payload!.text,
    await (await fetched(board, `${at}/jobs/${job.id}/payload`)).text(),
  ];
  const hidden = '{"user":"ada","password":"[redacted]","card":[{"number":"[redacted]","brand":"v"}]}';
  expect(texts).toEqual([hidden, hidden, hidden]);
  expect((await get(board, `${at}/messages/delayed?search=hunter2`, 'page')).messages).toEqual([]);
});

it('a payload that is too large or no JSON is hidden as a whole, if fields are redacted', async () => {
  const queue = aQueue({ serializer: null });
  await queue.put('password=hunter2', JSON.stringify({ password: 'hunter2', rest: 'x'.repeat(100_000) }));
  const board = aBoard({ queues: [queue.name], redact: ['password'] });
  const { messages } = await get(board, `/api/queues/${queue.name}/messages/waiting`, 'page');
  expect(messages.map(({ payload }) => [payload!.text, payload!.hidden !== null])).toEqual([
    ['', true],
    ['', true],
  ]);
});

it('no answer contains the address of Redis with its secrets, and an unreachable Redis says what was tried', async () => {
  const board = aBoard({ url: 'redis://ada:s3cret@127.0.0.1:1/7', queues: ['orders'] });
  const { redis, queues } = await get(board, '/api/overview', 'overview');
  expect(queues).toEqual([]);
  expect(redis.isUp).toBe(false);
  expect(redis.downSince).toBeLessThanOrEqual(Date.now());
  expect(redis.error).toContain('127.0.0.1:1');
  const texts = await Promise.all(
    ['/api/overview', '/api/info', '/api/redis'].map(async (path) => (await fetched(board, path)).text()),
  );
  for (const text of texts) expect(text).not.toMatch(/s3cret|ada|redis:\/\//);
});

it.each([
  ['Redis at redis://ada:***@cache:6379/2 did not answer', 'Redis at cache:6379 did not answer'],
  ['tried rediss://cache:6380, then unix://:***@/run/x.sock', 'tried cache:6380, then a unix socket'],
  ['no address in here', 'no address in here'],
])('"%s" is shown as "%s"', (text, shown) => expect(withoutSecrets(text)).toBe(shown));

it.each([
  ['order 17 of "ada" is gone', 'order 99 of "bob" is gone'],
  ['job 0192f1c2-aaaa-7bbb-8ccc-0123456789ab failed', 'job 0192f1c2-bbbb-7bbb-8ccc-0123456789ab failed'],
])('"%s" and "%s" are in one group', (one, other) => expect(alike(one)).toBe(alike(other)));

it('rates are measured over a window, and unknown after Redis has lost its data', () => {
  const points = [0, 10_000, 20_000, 30_000].map((at, index) => ({
    at,
    steadyAt: at,
    done: index * 100,
    failed: index,
  }));
  expect(ratesAt(points, false)).toEqual({ done: 10, failed: 0.1 });
  expect(ratesAt(points.slice(0, 1), false)).toBeNull();
  expect(ratesAt([...points, { at: 31_000, steadyAt: 31_000, done: 0, failed: 0 }], false)).toBeNull();
});

it.each<[string, object]>([
  ['readonly', { readonly: true }],
  ['basePath', { basePath: 'queues/' }],
  ['login', { login: { user: 'ada' } }],
  ['redact', { redact: 'password' }],
  ['authorize', { authorize: true }],
  ['hosts', { hosts: 'localhost' }],
])('a wrong option %s is refused', (name, options) => {
  const error = (() => {
    try {
      return void dashboard({ url: redisUrl(), ...options });
    } catch (thrown) {
      return thrown as InvalidOptionError;
    }
  })();
  expect(error).toBeInstanceOf(InvalidOptionError);
  expect(error!.option).toBe(name);
});

it('the handler of node:http answers below its base path, whether that was removed or not, also after a body parser', async () => {
  const queue = aQueue();
  await queue.put(1);
  const board = aBoard({ queues: [queue.name], basePath: '/queues' });
  const server = createServer((request, response) => {
    if (request.method !== 'POST') return void board.handle(request, response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      Object.assign(request, { body: JSON.parse(Buffer.concat(chunks).toString()) as unknown });
      void board.handle(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    for (const path of ['/queues/api/overview', '/api/overview'])
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
    const status = await new Promise((resolve, reject) => {
      const put = httpRequest(
        `http://127.0.0.1:${port}/queues/api/queues/${queue.name}/messages`,
        { method: 'POST', headers: { 'content-type': 'application/json' } },
        (response) => resolve(response.resume().statusCode),
      );
      put.on('error', reject).end(JSON.stringify({ payload: '2' }));
    });
    expect([status, await queue.size()]).toEqual([200, 2]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
