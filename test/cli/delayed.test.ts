import { expect, it } from 'vitest';
import { z } from 'zod';
import { aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';

const messageForm = z.strictObject({
  id: z.string(),
  queue: z.string(),
  dueAt: z.number(),
  priority: z.enum(['high', 'normal', 'low']),
  attempts: z.literal(0),
  text: z.string(),
});

it('ls prints a page, ordered by due time', async () => {
  const queue = aQueue();
  const [later, sooner] = [
    await queue.with({ delay: '2h' }).put('later'),
    await queue.with({ delay: '1h', priority: 'low' }).put('soo\u009bner'),
  ];
  const { stdout } = await hotqueue(['delayed', 'ls', queue.name, '-n', '1']);
  expect(stdout.split('\n').slice(1)).toEqual([
    expect.stringMatching(`^${sooner.id}  in (59 min|1 h)\\s+low\\s+0\\s+"soo`),
    '1 more message: use --offset 1',
    '',
  ]);
  expect(stdout).not.toContain('\u009b');
  const json = (await hotqueue(['delayed', 'ls', queue.name, '--json'])).stdout.trim().split('\n');
  expect(json.map((line) => messageForm.parse(JSON.parse(line)).id)).toEqual([sooner.id, later.id]);
  expect(await hotqueue(['delayed', 'ls', aQueue().name])).toMatchObject({ code: 3, stdout: '' });
});

it('move, cancel and promote change one message each, and report unknown ids', async () => {
  const queue = aQueue();
  const [one, two, three] = [
    await queue.with({ delay: '1h' }).put(1),
    await queue.with({ delay: '1h' }).put(2),
    await queue.with({ delay: '1h' }).put(3),
  ];
  expect(await hotqueue(['delayed', 'move', queue.name, one.id, '--at', '2060-01-01T00:00Z'])).toMatchObject({
    code: 0,
    stdout: `1 message of ${queue.name} moved\n`,
  });
  expect((await queue.delayed.get(one.id))!.dueAt).toBe(Date.UTC(2060, 0, 1));
  const cancelled = await hotqueue(['delayed', 'cancel', queue.name, two.id, 'unknown', '--json']);
  expect(
    z
      .strictObject({
        queue: z.string(),
        cancelled: z.tuple([z.literal(two.id)]),
        missing: z.tuple([z.literal('unknown')]),
      })
      .parse(JSON.parse(cancelled.stdout)),
  ).toBeTruthy();
  expect(cancelled).toMatchObject({ code: 3, stderr: `${queue.name} has no delayed message "unknown"\n` });
  expect(await hotqueue(['delayed', 'promote', queue.name, three.id])).toMatchObject({
    code: 0,
    stdout: `1 message of ${queue.name} promoted\n`,
  });
  expect((await queue.peek(5)).map(({ payload }) => payload)).toEqual([3]);
  expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 1 });
});

it.each([
  [['move', 'QUEUE', 'ID'], /no new time: give either --delay or --at/],
  [
    ['move', 'QUEUE', 'ID', '--delay', '1h', '--at', '2060-01-01'],
    /--delay and --at cannot be used together: give one of them/,
  ],
  [['move', 'QUEUE', 'ID', '--delay', 'x'], /invalid duration "x"/],
  [['cancel', 'QUEUE'], /missing required argument 'id'/],
])('delayed %j exits with 2 and an error message, and changes nothing', async (args, sentence) => {
  const queue = aQueue();
  const { id } = await queue.with({ delay: '1h' }).put('kept');
  const { dueAt } = (await queue.delayed.get(id))!;
  const ended = await hotqueue(['delayed', ...args.map((word) => ({ QUEUE: queue.name, ID: id })[word] ?? word)]);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(await queue.delayed.get(id)).toMatchObject({ dueAt });
});
