import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, inject, it, onTestFinished } from 'vitest';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';
import { redisUrl } from '../support/server.js';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const library = path.resolve(path.dirname(inject('programMain')), '../index.js');

/** A program with a worker that prints to both streams, in several ways, and fails. */
const program = (name: string): string => `
import { HotQueue, run } from ${JSON.stringify(library)};
const q = new HotQueue(${JSON.stringify(name)}, { url: process.env.REDIS_URL });
export const work = q.worker((n) => {
  console.log('got', n);
  console.error('got', n);
  process.stdout.write('got\\n');
  process.stderr.write('got\\n');
  throw new Error('no');
}, { attempts: 1 });
await run(work);
`;

it.each(['run()', 'hotqueue worker', 'hotqueue worker --processes 1', 'hotqueue worker --log none'])(
  '%s works on when the readers of stdout and stderr have gone away',
  async (how) => {
    const queue = aQueue();
    const file = path.join(path.dirname(library), `pipes-${queue.name}.mjs`);
    writeFileSync(file, program(queue.name));
    onTestFinished(() => rmSync(file));
    const args = how === 'run()' ? [file] : [inject('programMain'), 'worker', file, ...how.split(' ').slice(2)];
    const child = spawn(process.execPath, args, { env: { ...process.env, REDIS_URL: redisUrl() }, stdio: 'pipe' });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout.destroy();
    child.stderr.destroy();
    for (let put = 1; put <= 3; put++) {
      await queue.put(put);
      await until(
        () => queue.dead.size(),
        (dead) => dead === put,
      );
    }
    expect(child.exitCode).toBe(null);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  },
);
