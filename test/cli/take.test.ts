import { expect, it } from 'vitest';
import { z } from 'zod';
import { until } from '../support/facts.js';
import { aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';
import { running } from './running.js';

const takenForm = z.strictObject({
  id: z.string(),
  queue: z.string(),
  payload: z.unknown(),
  attempt: z.literal(1),
  putAt: z.number(),
});

it('get takes and prints the next message; it exits with 3 if there is none', async () => {
  const queue = aQueue();
  await queue.put({ to: 'ada' }, null);
  expect(await hotqueue(['get', queue.name])).toMatchObject({ code: 0, stdout: '{"to":"ada"}\n', stderr: '' });
  const { stdout } = await hotqueue(['get', queue.name, '--json']);
  expect(takenForm.parse(JSON.parse(stdout))).toMatchObject({ queue: queue.name, payload: null });
  expect(await hotqueue(['get', queue.name])).toEqual({
    code: 3,
    stdout: '',
    stderr: `${queue.name} has no message\n`,
  });
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, workers: 0 });
});

it('get --block waits for a message, at most for --timeout', async () => {
  const queue = aQueue();
  const child = running(['get', queue.name, '--block']);
  await until(
    () => queue.counts(),
    ({ workers }) => workers === 1,
  );
  await queue.put('here');
  expect(await child.ended).toBe(0);
  expect(child.stdout).toBe('"here"\n');
  expect(await hotqueue(['get', queue.name, '--block', '--timeout', '50ms'])).toMatchObject({ code: 3, stdout: '' });
});

it('consume prints messages one by one; --limit and --idle-timeout end it', async () => {
  const queue = aQueue();
  await queue.put(1, 2, 3);
  expect(await hotqueue(['consume', queue.name, '--limit', '2'])).toEqual({ code: 0, stdout: '1\n2\n', stderr: '' });
  expect(await hotqueue(['consume', queue.name, '--idle-timeout', '50ms'])).toEqual({
    code: 0,
    stdout: '3\n',
    stderr: '',
  });
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0 });
});

it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends consume: printed messages are done, the others still wait',
  async (signal) => {
    const queue = aQueue();
    const child = running(['consume', queue.name, '--json']);
    await queue.put('a', 'b');
    await until(
      () => child.lines,
      (lines) => lines.length === 2,
    );
    expect(child.lines.map((line) => takenForm.parse(JSON.parse(line)).payload)).toEqual(['a', 'b']);
    expect(await child.kill(signal)).toBe(0);
    await queue.put('c');
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0, workers: 0 });
  },
);

it('loses nothing on Ctrl-C: each message is either printed or still waiting', async () => {
  const queue = aQueue();
  const all = Array.from({ length: 3_000 }, (_, n) => n);
  await queue.put(...all);
  const child = running(['consume', queue.name]);
  await until(
    () => child.lines,
    (lines) => lines.length >= 100,
  );
  expect(await child.kill('SIGINT')).toBe(0);
  const left = (await queue.peek(3_000)).map(({ payload }) => payload);
  expect([...child.lines.map(Number), ...left]).toEqual(all);
  expect(left.length).toBeGreaterThan(0);
});

it('releases unread messages when its output pipe is closed', async () => {
  const queue = aQueue();
  const child = running(['consume', queue.name]);
  await until(
    () => queue.counts(),
    ({ workers }) => workers === 1,
  );
  child.pipes.stdout!.destroy();
  await queue.put('unread', 'next');
  expect(await child.ended).toBe(0);
  expect(child.stderr).toBe('');
  expect((await queue.peek(2)).map(({ payload }) => payload)).toEqual(['unread', 'next']);
  expect(await queue.counts()).toMatchObject({ waiting: 2, active: 0, workers: 0 });
});

it('peek prints the next messages in order, takes none, and escapes control characters', async () => {
  const queue = aQueue();
  await queue.put('\u0007 \u009b31m');
  await queue.with({ priority: 'high' }).put('first');
  const { stdout } = await hotqueue(['peek', queue.name]);
  expect(stdout.split('\n').slice(1, 3)).toEqual([
    expect.stringMatching(/ "first"$/),
    expect.stringMatching(/ "\\u0007 \\u009b31m"$/),
  ]);
  const json = await hotqueue(['peek', queue.name, '-n', '1', '--json']);
  const form = z.strictObject({
    id: z.string(),
    queue: z.literal(queue.name),
    payload: z.literal('first'),
    putAt: z.number(),
  });
  expect(form.parse(JSON.parse(json.stdout))).toBeTruthy();
  expect(await queue.size()).toBe(2);
});

it.each([
  [['get', 'QUEUE', '--timeout', '1s'], 2, /--timeout needs --block/],
  [['get'], 2, /missing required argument/],
  [['consume', 'QUEUE', '--limit', 'many'], 2, /whole number from 1/],
  [['consume', 'a b'], 1, /hotqueue: invalid queue name "a b"/],
  [['peek', 'QUEUE', '-n', '0'], 2, /whole number from 1/],
])('%j exits with %i and an error message, and takes nothing', async (args, code, sentence) => {
  const queue = aQueue();
  await queue.put('kept');
  const ended = await hotqueue(args.map((word) => (word === 'QUEUE' ? queue.name : word)));
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
});

it('peek of an empty queue exits with 3', async () => {
  const queue = aQueue();
  expect(await hotqueue(['peek', queue.name])).toEqual({
    code: 3,
    stdout: '',
    stderr: `${queue.name} has no message\n`,
  });
});
