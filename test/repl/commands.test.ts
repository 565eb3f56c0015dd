import { expect, it } from 'vitest';
import { z } from 'zod';
import { lesson } from '../../src/learn/lesson.js';
import { aName, aQueue } from '../support/queue.js';
import { hotqueue } from '../cli/hotqueue.js';

it('repl runs piped input line by line, and ends', async () => {
  const queue = aQueue();
  const input = [
    'await q.put("a", "b"); undefined',
    'const size: number = await q.size()',
    'size',
    'for await (const item of q.consume({ limit: 1 })) {',
    '  console.log("got", item)',
    '}',
    'q',
    'throw new Bury("no")',
    'q.put()',
  ];
  const { code, stdout } = await hotqueue(['repl', queue.name], { input: input.map((line) => `${line}\n`).join('') });
  expect(stdout.replaceAll('... ', '')).toMatch(
    new RegExp(
      `^2\ngot a\nHotQueue<${queue.name}> 1 waiting, 0 active\nUncaught:?\\sBury: no[^]*Uncaught:?\\sNothingToPutError: put\\(\\)`,
    ),
  );
  expect(code).toBe(0);
  expect(await queue.counts()).toMatchObject({ waiting: 1, workers: 0 });
});

it('learn --json prints the steps of the lesson', async () => {
  const { code, stdout } = await hotqueue(['learn', '--json']);
  const step = z.strictObject({ id: z.string(), where: z.enum(['here', 'there']), text: z.string(), hint: z.string() });
  const outline = z
    .array(
      z.strictObject({ exercise: z.number(), title: z.string(), about: z.string(), steps: z.array(step).nonempty() }),
    )
    .parse(JSON.parse(stdout));
  expect(outline.map(({ title }) => title)).toEqual(lesson.map(({ title }) => title));
  expect(code).toBe(0);
});

it.each([
  [['repl', 'a{b}'], 1, /^hotqueue: invalid queue name "a\{b\}"/m],
  [['repl', '--json'], 2, /unknown option '--json'/],
  [['repl', aName(), '--url', 'redis://127.0.0.1:1'], 1, /^hotqueue: no Redis answers at redis:\/\/127\.0\.0\.1:1/m],
  [['learn', '7'], 2, /whole number from 1 to 6/],
  [['learn', '--prot', '1'], 2, /unknown option '--prot'[^]*Did you mean --port/],
])('%j exits with %i and an error message', async (args, code, sentence) => {
  const ended = await hotqueue(args);
  expect(ended.stderr).toMatch(sentence);
  expect(ended).toMatchObject({ code, stdout: '' });
});
