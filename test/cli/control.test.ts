import { expect, it } from 'vitest';
import { z } from 'zod';
import { aQueue } from '../support/queue.js';
import { hotqueue } from './hotqueue.js';

it('size prints the number of waiting messages', async () => {
  const queue = aQueue();
  await queue.put('a', 'b');
  expect(await hotqueue(['size', queue.name])).toMatchObject({ code: 0, stdout: '2\n' });
  const { stdout } = await hotqueue(['size', queue.name, '--json']);
  expect(z.strictObject({ queue: z.literal(queue.name), size: z.literal(2) }).parse(JSON.parse(stdout))).toBeTruthy();
});

it('clear drops the waiting messages, and prints their number', async () => {
  const queue = aQueue();
  await queue.put('a', 'b');
  expect(await hotqueue(['clear', queue.name])).toMatchObject({
    code: 0,
    stdout: `2 messages dropped from ${queue.name}\n`,
  });
  const { stdout } = await hotqueue(['clear', queue.name, '--json']);
  expect(z.strictObject({ queue: z.string(), dropped: z.literal(0) }).parse(JSON.parse(stdout))).toBeTruthy();
  expect(await queue.size()).toBe(0);
});

it('pause and resume a queue', async () => {
  const queue = aQueue();
  expect(await hotqueue(['pause', queue.name, '--for', '10m'])).toMatchObject({
    code: 0,
    stdout: `${queue.name} is paused for 10m\n`,
  });
  expect(await queue.isPaused()).toBe(true);
  const { stdout } = await hotqueue(['resume', queue.name, '--json']);
  expect(z.strictObject({ queue: z.string(), paused: z.literal(false) }).parse(JSON.parse(stdout))).toBeTruthy();
  expect(await queue.isPaused()).toBe(false);
});

it.each([
  [['size'], 2, /missing required argument 'queue'/],
  [['size', 'a{b}'], 1, /^hotqueue: invalid queue name "a\{b\}"/],
  [['clear', 'emails', '--frce'], 2, /unknown option '--frce'/],
  [['pause', 'emails', '--for', 'soon'], 2, /--for <duration>.*invalid/],
  [['resume', 'emails', '--port', '99999'], 2, /whole number from 1 to 65535/],
  [['resume', 'emails', '--url', 'redis://127.0.0.1:1'], 1, /^hotqueue: no Redis answers at redis:\/\/127\.0\.0\.1:1/],
  [['sizes', 'emails'], 2, /unknown command 'sizes'[\s\S]*Did you mean size/],
])('%j exits with %i and an error message', async (args, code, sentence) => {
  const ended = await hotqueue(args);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code, stdout: '' });
});
