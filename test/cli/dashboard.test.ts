/** `hotqueue dashboard`. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { isLoopback, refusalOf, type DashboardFlags } from '../../src/cli/dashboard/serve.js';
import { aQueue } from '../support/queue.js';
import { until } from '../support/facts.js';
import { hotqueue } from './hotqueue.js';
import { running } from './running.js';

const flags = (given: Partial<DashboardFlags>): DashboardFlags => ({
  port: 0,
  host: '127.0.0.1',
  basePath: '',
  ...given,
});

it.each<[Partial<DashboardFlags>, RegExp | undefined]>([
  [{}, undefined],
  [{ host: 'localhost' }, undefined],
  [{ host: '0.0.0.0' }, /--host 0\.0\.0\.0 can be reached from other machines/],
  [{ host: '127.0.0.1.example.com' }, /can be reached from other machines/],
  [{ host: '::' }, /can be reached from other machines/],
  [{ host: '0.0.0.0', insecure: true }, undefined],
  [{ host: '0.0.0.0', user: 'ada', password: 'x' }, undefined],
  [{ host: '0.0.0.0', user: 'ada' }, /--user needs --password/],
  [{ password: 'x' }, /--password needs --user/],
])('with %o it starts, or says why not', (given, refusal) => {
  const said = refusalOf(flags(given));
  if (refusal) expect(said).toMatch(refusal);
  else expect(said).toBeUndefined();
});

it('loopback is 127.0.0.0/8, ::1 and localhost', () => {
  expect(['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '', '127.0.0.1.nip.io'].some(isLoopback)).toBe(false);
});

/** The status of a request that names a host as a browser does; `fetch` does not let one set it. */
const statusAs = (url: string, host: string, authorization: string) =>
  new Promise<number>((resolve, reject) => {
    const asked = request(url, { headers: { host, authorization } }, (answer) => resolve(answer.resume().statusCode!));
    asked.on('error', reject).end();
  });

it('serves the page with a login, refuses foreign hosts, and ends on SIGTERM', async () => {
  const queue = aQueue();
  await queue.put(1);
  const env = { HOTQUEUE_DASHBOARD_PASSWORD: 'secret' };
  const args = [
    'dashboard',
    queue.name,
    '--port',
    '0',
    '--user',
    'ada',
    '--read-only',
    '--allow-host',
    'queues.example',
  ];
  const child = running(args, env);
  const address = await until(() => /http:\/\/127\.0\.0\.1:\d+/.exec(child.stderr)?.[0]);
  expect(child.stderr).toContain('read-only');
  const authorization = `Basic ${Buffer.from('ada:secret').toString('base64')}`;
  expect((await fetch(`${address}/api/overview`)).status).toBe(401);
  expect(await statusAs(`${address}/api/info`, 'evil.example', authorization)).toBe(421);
  expect(await statusAs(`${address}/api/info`, 'queues.example', authorization)).toBe(200);
  const answer = await fetch(`${address}/api/overview`, { headers: { authorization } });
  const { queues } = (await answer.json()) as { queues: { name: string; waiting: number }[] };
  expect(queues).toMatchObject([{ name: queue.name, waiting: 1 }]);
  const clear = await fetch(`${address}/api/queues/${queue.name}/clear`, {
    ...{ method: 'POST', body: '{}' },
    headers: { authorization, 'content-type': 'application/json' },
  });
  expect([clear.status, await queue.size()]).toEqual([403, 1]);
  child.signal('SIGTERM');
  expect(await child.ended).toBe(0);
});

it('refuses another address without a login with exit code 2, and a port that is used with exit code 1', async () => {
  const open = await hotqueue(['dashboard', '--host', '0.0.0.0', '--port', '0']);
  expect([open.code, open.stderr]).toEqual([2, expect.stringContaining('can be reached from other machines')]);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const used = await hotqueue(['dashboard', '--port', String(port)]);
  other.close();
  expect([used.code, used.stderr]).toEqual([1, expect.stringContaining('another program uses it')]);
});
