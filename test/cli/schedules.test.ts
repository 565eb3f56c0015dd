/** `hotqueue schedule` and `hotqueue scheduler`. */
import { expect, it } from 'vitest';
import { aQueue } from '../support/queue.js';
import { until } from '../support/facts.js';
import { hotqueue } from './hotqueue.js';
import { running } from './running.js';

const nightly = ['--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin'];

it('set stores a schedule, and prints its next three times in its zone', async () => {
  const queue = aQueue();
  const set = await hotqueue(['schedule', 'set', queue.name, 'nightly', '{"n":12345678901234567890}', ...nightly]);
  expect(set).toMatchObject({ code: 0, stderr: '' });
  const [title, ...times] = set.stdout.trim().split('\n');
  expect(title).toBe(`schedule nightly of ${queue.name} is due:`);
  expect(times).toHaveLength(3);
  for (const time of times)
    expect(time).toMatch(/^\w{3}, \d+ \w{3,4} \d{4}(?:,| at) 03:00:00 (CEST|CET|GMT\+[12]), in \d+ (min|h|d)$/);
  const listed = await hotqueue(['schedule', 'ls', queue.name]);
  expect(listed.stdout).toMatch(
    /^schedule +when +next +runs +worker +message\nnightly +0 3 \* \* \* \(Europe\/Berlin\) +in \d+ (?:min|h) +0 +- +\{"n":12345678901234567890\}\n$/,
  );
  const [line] = (await hotqueue(['schedule', 'ls', queue.name, '--json'])).stdout.trim().split('\n');
  expect(JSON.parse(line!)).toMatchObject({
    name: 'nightly',
    queue: queue.name,
    cron: '0 3 * * *',
    runs: 0,
    isPaused: false,
  });
  expect(line).toContain('12345678901234567890');
});

it('set takes every option', async () => {
  const queue = aQueue();
  const options = ['--every', '90m', '--missed', 'skip', '--overlap', 'skip', '--start', '2030-01-01T00:00Z'];
  const more = [
    '--end',
    '2031-01-01T00:00Z',
    '--limit',
    '5',
    '--jitter',
    '10s',
    '--attempts',
    '2',
    '--priority',
    'low',
  ];
  const set = await hotqueue([
    'schedule',
    'set',
    queue.name,
    'a',
    'null',
    ...options,
    ...more,
    '--ttl',
    '1h',
    '--json',
  ]);
  expect(JSON.parse(set.stdout)).toMatchObject({
    ...{ name: 'a', everyMs: 5_400_000, missed: 'skip', overlap: 'skip', limit: 5, jitterMs: 10_000, payload: null },
    ...{ start: Date.UTC(2030, 0, 1), end: Date.UTC(2031, 0, 1), nextAt: Date.UTC(2030, 0, 1) },
    next: [0, 1, 2].map((n) => Date.UTC(2030, 0, 1) + n * 5_400_000),
  });
});

it('run puts the message, and show tells how it ended', async () => {
  const queue = aQueue();
  await queue.schedules.set('a', { every: '1h', payload: { kind: 'x' } });
  const { stdout } = await hotqueue(['schedule', 'run', queue.name, 'a']);
  const id = stdout.trim();
  expect((await queue.peek())[0]).toMatchObject({ id, payload: { kind: 'x' } });
  const shown = (await hotqueue(['schedule', 'show', queue.name, 'a'])).stdout;
  expect(shown).toMatch(/^when +every 1 h$/m);
  expect(shown).toContain('{"kind":"x"}');
  expect(shown).toMatch(new RegExp(`waiting, by hand  ${id.replaceAll('.', '\\.')}`));
  const json = JSON.parse((await hotqueue(['schedule', 'show', queue.name, 'a', '--json'])).stdout) as object;
  expect(json).toMatchObject({ name: 'a', history: [{ id, status: 'waiting', isManual: true }], lastId: id });
});

it('next, pause, resume and rm', async () => {
  const queue = aQueue();
  const { nextAt } = await queue.schedules.set('a', { every: '1h', payload: 1 });
  const next = await hotqueue(['schedule', 'next', queue.name, 'a', '-n', '2', '--json']);
  expect(JSON.parse(next.stdout)).toEqual({ queue: queue.name, schedule: 'a', next: [nextAt, nextAt! + 3_600_000] });
  expect(await hotqueue(['schedule', 'pause', queue.name, 'a'])).toMatchObject({
    stdout: `schedule a of ${queue.name} paused\n`,
  });
  expect((await hotqueue(['schedule', 'next', queue.name, 'a'])).stdout).toMatch(/^never: it is paused/);
  expect((await hotqueue(['schedule', 'ls', queue.name])).stdout).toMatch(/ paused /);
  expect(await hotqueue(['schedule', 'resume', queue.name, 'a'])).toMatchObject({
    stdout: `schedule a of ${queue.name} resumed\n`,
  });
  expect(await hotqueue(['schedule', 'rm', queue.name, 'a'])).toMatchObject({
    stdout: `schedule a of ${queue.name} removed\n`,
  });
  for (const verb of ['show', 'next', 'run', 'pause', 'resume', 'rm'])
    expect(await hotqueue(['schedule', verb, queue.name, 'a'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining(`queue "${queue.name}" has no schedule "a"`) as string,
    });
  expect(await hotqueue(['schedule', 'ls', queue.name])).toMatchObject({ code: 3, stdout: '' });
});

it.each([
  [['a', 'null'], 2, 'it does not say when: give --cron "0 3 * * *" or --every 30s'],
  [['a', 'null', '--every', '1s', '--cron', '* * * * *'], 2, 'cannot be used with'],
  [['a', 'null', '--every', '30'], 2, 'It has no unit'],
  [['a', 'hello', '--every', '30s'], 2, 'the message is not JSON'],
  [['a', 'null', '--cron', '0 25 * * *'], 1, 'the hour "25" is wrong. Expected 0-23'],
  [['a', 'null', '--cron', '0 3 * * *', '--time-zone', 'Europe/Berln'], 1, 'Did you mean Europe/Berlin'],
  [['a b', 'null', '--every', '30s'], 1, 'use 1 to 32 letters'],
])('set %j is refused', async (args, code, sentence) => {
  const queue = aQueue();
  const { stderr, ...rest } = await hotqueue(['schedule', 'set', queue.name, ...args]);
  expect(rest).toMatchObject({ code, stdout: '' });
  expect(stderr).toContain(sentence);
  expect(await queue.schedules.list()).toEqual([]);
});

it('info shows which schedule is due next', async () => {
  const queue = aQueue();
  await queue.schedules.set('a', { every: '2h', payload: 1 });
  await queue.schedules.set('b', { every: '90m', payload: 1 });
  expect((await hotqueue(['info', queue.name])).stdout).toMatch(/schedule b in 1 h/);
  const json = JSON.parse((await hotqueue(['info', queue.name, '--json'])).stdout) as {
    queues: [{ nextSchedule: object }];
  };
  expect(json.queues[0].nextSchedule).toMatchObject({ name: 'b' });
});

it('scheduler fires the schedules of queues without a worker, until Ctrl-C', async () => {
  const [one, other] = [aQueue(), aQueue()];
  await one.schedules.set('a', { every: '100ms', payload: 1 });
  await other.schedules.set('b', { every: '100ms', payload: 2 });
  const scheduler = running(['scheduler', one.name, other.name, '--json']);
  await until(() => scheduler.stdout.includes(one.name) && scheduler.stdout.includes(other.name));
  expect(await scheduler.kill('SIGINT')).toBe(0);
  expect(await one.size()).toBeGreaterThan(0);
  const fired = scheduler.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { queue: string; schedule: string });
  expect(new Set(fired.map(({ queue, schedule }) => `${queue} ${schedule}`))).toEqual(
    new Set([`${one.name} a`, `${other.name} b`]),
  );
  expect(scheduler.stderr).toBe('the schedules of 2 queues run here until Ctrl-C\n');
});
