import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { start } from 'hotqueue';
import { healthAddress } from '../../src/cli/worker/health-address.js';
import { assertMayServe } from '../../src/cli/worker/may-serve.js';
import { latch, until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { hotqueue } from './hotqueue.js';
import { aFile, aFolder, WorkerRun } from './worker-run.js';

const workersOn = (queue: string): string => `
import { HotQueue } from 'hotqueue';
const queue = new HotQueue('${queue}');
export const work = queue.worker(async () => {});
`;

describe('runner.health()', () => {
  it('is ready while it works, and not while it stops; then it is stopped', async () => {
    const queue = aQueue();
    const [begun, done] = [latch(), latch()];
    await queue.put('a');
    const runner = start(
      queue.worker(async function work() {
        begun.open();
        await done;
      }),
    );
    expect(runner.health()).toMatchObject({ status: 'working', isLive: true, isReady: false }); // it has not joined yet
    await begun;
    expect(runner.health()).toMatchObject({
      status: 'working',
      isLive: true,
      isReady: true,
      running: 1,
      workers: [{ queue: queue.name, isReady: true, isLive: true }],
    });
    const stopped = runner.stop();
    expect(runner.health()).toMatchObject({ status: 'stopping', isLive: true, isReady: false });
    done.open();
    await stopped;
    expect(runner.health()).toMatchObject({ status: 'stopped', isReady: false, running: 0 });
  });
});

describe('hotqueue worker --health', () => {
  it('serves /livez, /readyz and /metrics until it stops', async () => {
    const queue = aQueue();
    await queue.put('a');
    const run = new WorkerRun([aFile(workersOn(queue.name)), '--health', '127.0.0.1:0', '--json']);
    const [{ url } = expect.fail('no health')] = await run.logs('health');
    const get = async (where: string) => fetch(`${String(url)}${where}`);
    await until(async () => (await get('/readyz')).status === 200);
    expect(await (await get('/livez')).json()).toMatchObject({ status: 'working', workers: [{ queue: queue.name }] });
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await metrics.text()).toContain(`hotqueue_workers{queue="${queue.name}",state="working"} 1`);
    expect((await get('/other')).status).toBe(404);
    expect((await fetch(`${String(url)}/livez`, { method: 'POST' })).status).toBe(405);
    run.signal('SIGTERM');
    expect(await run.ended).toBe(0);
  });

  it('is live and not ready while Redis is away', async () => {
    const file = aFile(workersOn('away'));
    const run = new WorkerRun([file, '--health', '127.0.0.1:0', '--json'], {
      env: { REDIS_URL: 'redis://127.0.0.1:1' },
    });
    const [{ url } = expect.fail('no health')] = await run.logs('health');
    expect((await fetch(`${String(url)}/livez`)).status).toBe(200);
    expect((await fetch(`${String(url)}/readyz`)).status).toBe(503);
  });

  it('says that an address is in use', async () => {
    const queue = aQueue();
    const first = new WorkerRun([aFile(workersOn(queue.name)), '--health', '127.0.0.1:0', '--json']);
    const [{ url } = expect.fail('no health')] = await first.logs('health');
    const second = new WorkerRun([aFile(workersOn(queue.name)), '--health', new URL(String(url)).host]);
    expect(await second.ended).toBe(1);
    expect(second.stderr).toContain('EADDRINUSE');
  });

  it.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
  ])('reads the address %s', (text, address) => expect(healthAddress(text)).toEqual(address));

  it.each(['', 'localhost', '127.0.0.1:99999', '::1:80', 'http://a:80', 'a b:80'])('refuses the address "%s"', (text) =>
    expect(() => healthAddress(text)).toThrow('such as 127.0.0.1:8080'),
  );

  it.each(['0.0.0.0:80', '10.0.0.1:80', 'example.org:80', '[::]:80'])('refuses %s without --health-public', (text) => {
    expect(() => assertMayServe(healthAddress(text), {})).toThrow('other machines could reach it');
    expect(() => assertMayServe(healthAddress(text), { healthPublic: true })).not.toThrow();
  });

  it('refuses several processes', () =>
    expect(() => assertMayServe(healthAddress('8080'), { processes: 2 })).toThrow(
      'each process has a health of its own',
    ));
});

it('tells systemd that it is ready, alive and stopping', async () => {
  const queue = aQueue();
  const folder = aFolder();
  const notices = path.join(folder, 'notices');
  writeFileSync(path.join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >> ${notices}\n`);
  chmodSync(path.join(folder, 'systemd-notify'), 0o755);
  writeFileSync(notices, '');
  const env = {
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '200000',
  };
  const run = new WorkerRun([aFile(workersOn(queue.name)), '--json'], { env });
  onTestFinished(() => run.destroy());
  const said = (): string[] => readFileSync(notices, 'utf8').trim().split('\n');
  await until(() => said().filter((line) => line === `--pid=${run.pid} WATCHDOG=1`).length >= 2);
  expect(said()[0]).toBe(`--pid=${run.pid} READY=1`);
  run.signal('SIGTERM');
  expect(await run.ended).toBe(0);
  expect(said()).toContain(`--pid=${run.pid} STOPPING=1`);
});

describe('hotqueue ping', () => {
  it('says how fast Redis answers', async () => {
    const { code, stdout } = await hotqueue(['ping', '--url', redisUrl(), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ ms: expect.any(Number) as number });
  });

  it('ends with 1 if Redis does not answer', async () => {
    const { code, stderr } = await hotqueue(['ping', '--url', 'redis://127.0.0.1:1']);
    expect(code).toBe(1);
    expect(stderr).toContain('127.0.0.1:1');
  });
});
