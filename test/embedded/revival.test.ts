import { spawn } from 'node:child_process';
import path from 'node:path';
import { it, onTestFinished } from 'vitest';
import { until } from '../support/facts.js';
import { aClient, aProject, urlIn, withRedis } from '../support/project.js';

const root = new URL('../..', import.meta.url).pathname;

it(
  'an embedded server that is killed is started again by the process that uses it, with its data',
  { timeout: 120_000 },
  async () => {
    const project = aProject();
    const env = { ...(await withRedis(project)), HOTQUEUE_REDIS: 'native' };
    const status = (): Promise<string> => project.hotqueue('redis start', env).then(({ stdout }) => stdout);
    const first = await status();
    const script = `
    const { HotQueue } = await import(${JSON.stringify(path.join(root, 'src/index.ts'))});
    const queue = new HotQueue('revived');
    for await (const item of queue.consume()) console.log(item);
  `;
    const child = spawn(
      process.execPath,
      ['--import', path.join(root, 'node_modules/@oxc-node/core/register.mjs'), '--input-type=module', '-e', script],
      { cwd: project.dir, env },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    let lines = '';
    child.stdout.on('data', (chunk: Buffer) => (lines += String(chunk)));
    const client = aClient(urlIn(first));
    await until(
      () => client.zcard('{hotqueue:revived}:workers'),
      (workers) => workers === 1,
    );
    await client.rpush('hotqueue:revived', '"before"');
    await until(() => lines === 'before\n');

    process.kill(Number(/pid (\d+)/.exec(first)![1]), 'SIGKILL');
    const again = aClient(urlIn(first)); // the address stays the same
    await until(
      () => again.ping().catch(() => ''),
      (answer) => answer === 'PONG',
      60_000,
    );
    await again.rpush('hotqueue:revived', '"after"');
    await until(() => lines === 'before\nafter\n', Boolean, 60_000);
  },
);
