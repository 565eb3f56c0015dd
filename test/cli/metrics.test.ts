import { expect, it } from 'vitest';
import { start } from 'hotqueue';
import { aName, aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';

it('shows counts, rates and percentiles of queues', async () => {
  const [busy, idle] = [aQueue(), aQueue()];
  await idle.put('waits');
  await busy.put('ok', 'ok', 'no');
  const runner = start(
    busy.worker(
      (payload) => {
        if (payload === 'no') throw new Error('no');
      },
      { attempts: 1 },
    ),
  );
  await runner.drained();
  await runner.stop();
  const { code, stdout } = await hotqueue(['metrics', busy.name, idle.name, '--since', '5m']);
  expect(code).toBe(0);
  const [heading, first, second, ...rest] = stdout.split('\n');
  expect(heading!.split(/ {2,}/)).toEqual([
    'queue',
    'handled',
    'per s',
    'failed',
    'dead',
    'run p50',
    'p95',
    'p99',
    'wait p50',
    'p95',
    'p99',
    'oldest',
  ]);
  const time = String.raw`[\d.]+ (ms|s)`;
  expect(first).toMatch(new RegExp(String.raw`^${busy.name} +2 +0\.0 +1 +1( +${time}){6}$`));
  expect(second).toMatch(new RegExp(String.raw`^${idle.name} +0 +0\.0 +0 +0 +(now|[\d.]+ s)$`));
  expect(rest).toEqual(['']);
});

it('prints JSON with a point for each step', async () => {
  const queue = aQueue();
  await queue.put('a');
  const runner = start(queue.worker(() => undefined));
  await runner.drained();
  await runner.stop();
  const { stdout } = await hotqueue(['metrics', queue.name, '--since', '3m', '--json']);
  const { queues } = JSON.parse(stdout) as { queues: [{ points: unknown[] }] };
  const [metrics] = queues;
  expect(metrics).toMatchObject({
    name: queue.name,
    oldestMs: null,
    total: { handled: 1, failed: 0, run: { count: 1 } },
  });
  expect(metrics.points.length).toBeGreaterThanOrEqual(3);
});

it.each([
  [['--since', '1s'], 1, 'invalid since 1000 ms'],
  [['--since', '60d'], 1, 'invalid since'],
  [['--since', '5'], 2, 'It has no unit'],
])('refuses %j', async (words, code, message) => {
  const ended = await hotqueue(['metrics', aName(), ...words]);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toContain(message);
});
